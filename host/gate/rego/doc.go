// Package rego answers what is acceptable: it looks at [gate.Input.Document] with rules written in
// Rego.
//
// A rule file has the package lattice.<point>, where point is a [gate.Point], or lattice.lib.<name>
// for what several packages share. Of a point's package three kinds of rules count, with any suffix
// such as _images: deny and violation deny, warn warns. Each is a set of texts, or of objects with
// a text msg and, if wanted, id, object, path, severity (texts) and details (an object):
//
//	package lattice.outputs
//
//	# METADATA
//	# title: Pods do not use the host's network
//	# labels: {id: host-network, severity: high}
//	deny contains {"msg": "hostNetwork is set", "object": o.ref.name} if {
//		some o in input.outputs
//		o.document.spec.template.spec.hostNetwork
//	}
//
// Whatever could make a rule silently not fire is an error, at load where it can be seen there,
// else in the decision: a package without rules that count, a rule that nothing reads, a name that
// is in no package and no data file, a field that the input does not have, a builtin that fails, a
// value that is not such a set. Several files may share a package, but each rule is in one of them:
// no file changes what another one means.
//
// Rules see nothing but their input and the data files: no clock, no network, no random, and of a
// Secret the keys only, so that no message can give a value away. What they may call is in
// capabilities.json, what they may read in input.schema.json; opa check takes both.
//
// With the build tag lattice_norego the package has no OPA in it, and refuses every rule file.
package rego

import (
	"slices"
	"strings"
	"time"

	"github.com/latticenet/lattice-host/host/gate"
)

// Limits on what is read.
const (
	// MaxFileBytes is the largest rule or data file.
	MaxFileBytes = 256 << 10
	// MaxFiles is how many files there may be.
	MaxFiles = 1000
	// DefaultTimeLimit is how long the rules of one gate run.
	DefaultTimeLimit = time.Second
)

// engineName is the name of the engine.
const engineName = "rego"

// testSuffix marks a file of tests.
const testSuffix = "_test.rego"

// File is one file of rules, or of data.
type File struct {
	// Name is the name as the user gave it. Rules end in .rego and tests in _test.rego; data end in
	// .json, .yaml or .yml.
	Name string
	Text []byte
}

// Options are what an operator may change.
type Options struct {
	// TimeLimit is how long the rules of one gate may run for one input; zero means
	// [DefaultTimeLimit].
	TimeLimit time.Duration
}

// Result is how one test ended.
type Result struct {
	// Name is the package, without "data.", and the rule, such as
	// lattice.outputs_test.test_host_network.
	Name string `json:"name"`
	// Position is its file:line:column.
	Position string `json:"position"`
	// Failure is what went wrong, empty for a test that passed.
	Failure string `json:"failure,omitempty"`
}

// Report is how all tests ended.
type Report struct {
	// Results are sorted by position.
	Results []Result `json:"results"`
	// Silent are the deny and violation rules that no test makes fire, as "file:line:column:
	// package.rule", sorted. A rule that was never seen to fire may never do so.
	Silent []string `json:"silent"`
}

// Failed returns the results of tests that did not pass.
func (r *Report) Failed() []Result {
	return slices.DeleteFunc(slices.Clone(r.Results), func(r Result) bool { return r.Failure == "" })
}

var _ gate.Engine = (*Engine)(nil)

// Name returns rego.
func (*Engine) Name() string { return engineName }

// Authorizes returns false: rules look at documents.
func (*Engine) Authorizes() bool { return false }

func isTest(name string) bool { return strings.HasSuffix(name, testSuffix) }
