package networkpolicy_test

import (
	"slices"
	"strings"

	"sigs.k8s.io/yaml"

	"github.com/latticenet/lattice-host/host/resource"
	networkpolicy "github.com/latticenet/lattice-host/plugins/builtin/network-policy"
	"github.com/latticenet/lattice-host/plugins/sdk/go/plugintest"
)

// subject is the plugin under test, which gets what a host gives it.
func subject() *plugintest.Subject {
	return &plugintest.Subject{
		Plugin: networkpolicy.Plugin(), Manifest: "plugin.yaml", YAML: yaml.YAMLToJSON, Documents: resource.Options{}.JSON,
	}
}

// unchecked is the plugin under test with documents that no host gives it: it must say what is
// wrong with them all the same.
func unchecked() *plugintest.Subject {
	s := subject()
	s.Documents = nil
	return s
}

// saying is the plugin under test for a case with these messages: what it refuses, a host may
// refuse before.
func saying(messages []string) *plugintest.Subject {
	if slices.ContainsFunc(messages, func(m string) bool { return strings.HasPrefix(m, "error ") }) {
		return unchecked()
	}
	return subject()
}

// containers are those of every service.
const containers = "{main: {image: 'registry.example.com/a@sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824', resources: {requests: {cpu: 1m, memory: 1Mi}, limits: {cpu: 1m, memory: 1Mi}}}}"
