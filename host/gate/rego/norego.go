//go:build lattice_norego

package rego

import (
	"context"
	"crypto/sha256"
	"encoding/hex"

	"github.com/latticenet/lattice-host/host/gate"
	"github.com/latticenet/lattice-host/internal/problem"
)

// Engine has no rules: this build has no Rego.
type Engine struct{}

// Parse refuses every rule file. Without one it returns an engine that has nothing to say.
func Parse(files, data []File, _ Options) (*Engine, error) {
	if err := refuse(append(files[:len(files):len(files)], data...)); err != nil {
		return nil, err
	}
	return &Engine{}, nil
}

// Test refuses every file, as [Parse] does.
func Test(_ context.Context, files, data []File, o Options) (*Report, error) {
	if _, err := Parse(files, data, o); err != nil {
		return nil, err
	}
	return &Report{Results: []Result{}, Silent: []string{}}, nil
}

func refuse(files []File) error {
	var problems problem.List
	for _, f := range files {
		problems = append(problems, problem.Problem{
			Position: problem.Position{File: f.Name},
			Message:  "this build of lattice-host has no Rego; remove the file, or use a build with Rego",
		})
	}
	if problems == nil {
		return nil
	}
	return problems
}

// Digest is the digest of no rules, the same as in a build with Rego.
func (*Engine) Digest() string {
	sum := sha256.Sum256(nil)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// Len returns 0.
func (*Engine) Len() int { return 0 }

// Judges reports that there are no rules.
func (*Engine) Judges(gate.Point) bool { return false }

// Evaluate has nothing to judge.
func (*Engine) Evaluate(context.Context, *gate.Input) (gate.Answer, error) {
	return gate.Answer{Verdict: gate.Allow}, nil
}
