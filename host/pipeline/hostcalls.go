package pipeline

import (
	"context"
	"encoding/hex"

	"github.com/latticenet/lattice-host/abi/bundle"
	"github.com/latticenet/lattice-host/host/hostcall"
)

// withCaller lets the host calls of a step be answered, if its plugin may make any.
func (r *run) withCaller(ctx context.Context, s *plannedStep) context.Context {
	if r.derivation.calls == nil || len(s.manifest.Capabilities) == 0 {
		return ctx
	}
	id := hostcall.StepID{Resource: r.doc.Ref, Pipeline: r.plan.pipeline.Name, Name: s.name}
	caller := r.derivation.calls.Step(id, s.manifest, s.digest)
	r.callers[s.index] = caller
	return hostcall.With(ctx, caller)
}

// callers returns what answered the host calls of all steps: by run, and in the order of the steps.
func (d *derivation) callers() []*hostcall.Step {
	var all []*hostcall.Step
	for _, r := range d.runs {
		for _, i := range r.plan.order {
			all = append(all, r.callers[i])
		}
	}
	return all
}

// hostCallRecords returns the calls of a run in the order of its steps, and inside a step in the
// order in which they were made.
func (r *run) hostCallRecords() []bundle.HostCall {
	var records []bundle.HostCall
	for _, i := range r.plan.order {
		for _, c := range r.callers[i].Calls() {
			record := bundle.HostCall{
				Pipeline: r.plan.pipeline.Name, Step: r.plan.steps[i].name, Op: c.Op.String(), Target: printable(c.Target),
				Request: digestText(c.Request), Answer: digestText(c.Answer),
			}
			if !r.isRoot() {
				record.Resource = r.doc.Ref
			}
			records = append(records, record)
		}
	}
	return records
}

func digestText(sum [32]byte) string { return "sha256:" + hex.EncodeToString(sum[:]) }
