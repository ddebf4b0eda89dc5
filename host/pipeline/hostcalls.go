package pipeline

import (
	"context"
	"encoding/hex"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/host/hostcall"
)

// HostCallRecord is one host call that a step made.
type HostCallRecord struct {
	Pipeline string `json:"pipeline"`
	Step     string `json:"step"`
	// Resource is the derived document that the step derived from; zero when it is the bundle's own resource.
	Resource abi.Ref `json:"resource,omitzero"`
	// Op is the operation, such as http.get, and Target what it was about: a key, a URL or a kind.
	Op     string `json:"op"`
	Target string `json:"target,omitempty"`
	// Request and Answer are the SHA-256 of the messages as canonical JSON.
	Request string `json:"request"`
	Answer  string `json:"answer"`
}

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

// hostCallRecords returns the calls of a run in the order of its steps, and inside a step in the order in which they were
// made.
func (r *run) hostCallRecords() []HostCallRecord {
	var records []HostCallRecord
	for _, i := range r.plan.order {
		for _, c := range r.callers[i].Calls() {
			record := HostCallRecord{
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

func writeHostCall(w *jsonWriter, c *HostCallRecord) {
	w.open('{')
	w.textField("answer", c.Answer)
	w.textField("op", c.Op)
	w.textField("pipeline", c.Pipeline)
	w.textField("request", c.Request)
	if c.Resource != (abi.Ref{}) {
		w.refField("resource", c.Resource)
	}
	w.textField("step", c.Step)
	w.optionalField("target", c.Target)
	w.close('}')
}
