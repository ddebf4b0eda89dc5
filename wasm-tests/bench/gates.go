package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/latticenet/lattice-host/abi/bundle"
	"github.com/latticenet/lattice-host/host/gate"
	"github.com/latticenet/lattice-host/host/gate/cedar"
	"github.com/latticenet/lattice-host/host/gate/facts"
	"github.com/latticenet/lattice-host/host/gate/policy"
	"github.com/latticenet/lattice-host/host/resource"
)

// Bars of the gates: all of their work for one document against the plugins' own, and what a
// hundred times as many policies cost that are about other actions.
const (
	barGates    = 1
	barPolicies = 5
)

// measureGates puts all questions about the orders example before the default policies.
func measureGates(ctx context.Context, f *fixture) ([]row, error) {
	bundle, err := f.ordersBundle(ctx)
	if err != nil {
		return nil, err
	}
	gates, err := f.gates(ctx, bundle)
	if err != nil {
		return nil, err
	}
	derive, err := f.derive(ctx, f.sandboxed)
	if err != nil {
		return nil, err
	}
	ours, peer, err := f.effort.compare(pair{ours: gates, peer: derive})
	if err != nil {
		return nil, err
	}
	many, few, err := f.comparePolicies(ctx)
	if err != nil {
		return nil, err
	}
	ourPolicies, fewPolicies, err := f.effort.compare(pair{ours: many, peer: few})
	return []row{
		timeRow("gates of orders, default policies / derivation, the plugins' calls for orders", barGates, ours, peer),
		timeRow("Cedar, 1000 policies / 10 policies", barPolicies, ourPolicies, fewPolicies),
	}, err
}

func (f *fixture) ordersBundle(ctx context.Context) (*bundle.Bundle, error) {
	engine, err := f.orders.Engine(ctx, f.sandboxed)
	if err != nil {
		return nil, err
	}
	return engine.Derive(ctx, f.orders.Service)
}

// gates returns what judges the orders example before and after its derivation.
func (f *fixture) gates(ctx context.Context, b *bundle.Bundle) (func() error, error) {
	set, err := policy.Load(policy.Options{})
	if err != nil {
		return nil, err
	}
	object := func(d *resource.Document) facts.Object { return facts.Object{Ref: d.Ref, Document: d.JSON()} }
	service := object(f.orders.Service)
	run := policy.Run{Documents: []facts.Object{service}}
	for _, d := range f.orders.Peers {
		run.Peers = append(run.Peers, object(d))
	}
	var outputs []facts.Object
	for _, o := range b.Outputs {
		outputs = append(outputs, facts.Object{Ref: o.Ref, Document: o.Document, Stage: o.Stage, Step: o.Step})
	}
	return func() error {
		judge, err := set.For(run)
		if err != nil {
			return err
		}
		for _, d := range []*gate.Decision{
			judge.Admit(ctx, service), judge.Outputs(ctx, service, outputs), judge.Execute(ctx, service, outputs, "directory", "bench", -1),
		} {
			if !d.Allowed() {
				return fmt.Errorf("%s: %s: %s", d.Subject, d.Point, d.Reasons[0].Message)
			}
		}
		return nil
	}, nil
}

// comparePolicies returns what asks one question of many policies and of few, of which one action
// has ten each.
func (f *fixture) comparePolicies(ctx context.Context) (many, few func() error, err error) {
	in := &gate.Input{Point: gate.Outputs, Requests: []gate.Request{{
		Principal: gate.Service("shop", "orders", "service"), Action: gate.ActionUseQueue, Resource: gate.Queue("batch-0"),
	}}}
	ask := func(policies int) (func() error, error) {
		engine, err := cedar.Parse([]cedar.File{{Name: "bench.cedar", Text: []byte(manyPolicies(policies))}})
		if err != nil {
			return nil, err
		}
		return func() error {
			a, err := engine.Evaluate(ctx, in)
			if err == nil && a.Verdict != gate.Allow {
				err = errors.New("the question was not allowed")
			}
			return err
		}, nil
	}
	if many, err = ask(1000); err != nil {
		return nil, nil, err
	}
	few, err = ask(10)
	return many, few, err
}

// manyPolicies returns n policies: the first ten about queues, the others about secrets and
// endpoints, as a platform of many services has them.
func manyPolicies(n int) string {
	var b strings.Builder
	for i := range n {
		action, resource := "UseQueue", fmt.Sprintf(`Lattice::Queue::"batch-%d"`, i)
		switch {
		case i >= 10 && i%2 == 0:
			action, resource = "AccessSecret", fmt.Sprintf(`Lattice::SecretPath::"vault:shop/%d"`, i)
		case i >= 10:
			action, resource = "AccessExternalEndpoint", fmt.Sprintf(`Lattice::ExternalEndpoint::"host-%d.example.com:443"`, i)
		}
		fmt.Fprintf(&b, "@id(\"bench-%d\")\npermit (principal, action == Lattice::Action::\"%s\", resource == %s);\n", i, action, resource)
	}
	return b.String()
}
