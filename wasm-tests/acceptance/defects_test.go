package acceptance

import (
	"regexp"
	"strings"
	"testing"
)

// defects are faults that platforms with these kinds are known for, by the section of the reference
// that describes the kind, and a letter. Open ones are of kinds that are not built.
func defects() map[string]row {
	return map[string]row{
		"05a": {what: "the output claim_name of a volume is made of the namespace"},
		"10a": {what: "the order of principals and rules is that in which edges became known"},
		"13a": {what: "replicas, restart policy and policies of defaults and training do not reach the job"},
		"13b": {what: "rank 0 is the first task by name, not the coordinator"},
		"13c": {what: "the allowed programs lack the shell that the host wraps commands in"},
		"14a": {what: "the scaling of a role names another object than the serving one", open: true},
		"14b": {what: "replicas and scaling of defaults do not reach the roles", open: true},
		"14c": {what: "a command is looked up on a path, which no allowed program is"},
		"15a": {what: "a chart is kept by its name without its version", open: true},
		"15b": {what: "secrets of a package are made in another namespace than the release", open: true},
		"15c": {what: "removing a finalizer removes those of others", open: true},
		"15d": {what: "the mesh member of a package is looked for by a label that it lacks", open: true},
		"16a": {what: "the port of an endpoint is a text for policies"},
		"18a": {what: "braces are escaped in texts that no template engine reads"},
		"18b": {what: "a mount of an unknown volume is left out silently"},
		"18c": {what: "a Secret is read twice into the environment"},
		"18d": {what: "the port of a registry is taken for the tag of an image"},
		"18e": {what: "the prefix of a registry in a trust policy matches in the middle of a name", open: true},
		"18f": {what: "the variables of sidecars are not rendered"},
	}
}

// defectTest is the name of a test of a defect.
var defectTest = regexp.MustCompile(`(?m)^TestDefect(\d\d[a-z])_`)

// TestDefectsHaveTests holds the table to the tests that exist, as [TestRowsHaveTests] does.
func TestDefectsHaveTests(t *testing.T) {
	t.Parallel()
	tested := map[string]bool{}
	for _, match := range defectTest.FindAllStringSubmatch(strings.Join(named(t), "\n"), -1) {
		tested[match[1]] = true
		if _, ok := defects()[match[1]]; !ok {
			t.Errorf("there is a test of the defect %s, which the table does not have", match[1])
		}
	}
	for id, d := range defects() {
		switch {
		case tested[id] && d.open:
			t.Errorf("defect %s (%s) has a test; it is not open any more", id, d.what)
		case !tested[id] && !d.open:
			t.Errorf("defect %s (%s) has no test named TestDefect%s_…", id, d.what, id)
		}
	}
}
