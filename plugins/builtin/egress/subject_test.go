package egress_test

import (
	"sigs.k8s.io/yaml"

	"github.com/latticenet/lattice-host/host/resource"
	"github.com/latticenet/lattice-host/plugins/builtin/egress"
	"github.com/latticenet/lattice-host/plugins/sdk/go/plugintest"
)

// subject is the plugin under test, which gets what a host gives it.
func subject() *plugintest.Subject {
	return &plugintest.Subject{
		Plugin: egress.Plugin(), Manifest: "plugin.yaml", YAML: yaml.YAMLToJSON, Documents: resource.Options{}.JSON,
	}
}

// unchecked is the plugin under test with documents that a host may refuse: it must do right, or
// say what is wrong, all the same.
func unchecked() *plugintest.Subject {
	s := subject()
	s.Documents = nil
	return s
}

// containers are those of every service.
const containers = "{main: {image: 'registry.example.com/a@sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824', resources: {requests: {cpu: 1m, memory: 1Mi}, limits: {cpu: 1m, memory: 1Mi}}}}"
