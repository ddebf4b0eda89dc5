package pipeline

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/abi/cbor"
	"github.com/latticenet/lattice-host/abi/contract"
	"github.com/latticenet/lattice-host/internal/problem"
)

// answer is what a step said in its last round.
type answer struct {
	response *abi.Response
	unknown  []string
}

// call runs the rounds of one step. req is complete except for the round and the answers.
func (r *run) call(ctx context.Context, s *plannedStep, req *abi.Request, derive derive) (*answer, []error) {
	if err := r.tooLarge(s, req); err != nil {
		return nil, []error{err}
	}
	var previous []abi.Requirement
	for round := int64(1); ; round++ {
		req.Round = round
		resp, unknown, err := derive(ctx, req)
		if err != nil {
			return nil, r.stepErrors(s, err)
		}
		if resp == nil {
			return nil, []error{r.stepError(s, abi.Ref{}, "", badAnswer("the plugin returned an empty response"))}
		}
		if problems := contract.Check(resp, s.manifest); len(problems) > 0 {
			return nil, r.broken(s, problems)
		}
		wanted := contract.SortedRequirements(resp.Requirements)
		if len(wanted) == 0 || contract.SameRequirements(wanted, previous) {
			return &answer{resp, unknown}, nil
		}
		if round == abi.MaxRounds {
			return nil, []error{r.stepError(s, abi.Ref{}, "", unsettled(wanted, previous))}
		}
		var errs []error
		if req.Answers, errs = r.resolveAll(ctx, s, wanted); len(errs) > 0 {
			return nil, errs
		}
		previous = wanted
	}
}

// tooLarge returns what is wrong with a document that alone is more than a step's plugin takes: it
// names the field that has the most of it. A plugin whose author allows less than
// [abi.MaxRequestBytes] could take more, but the document is the user's.
func (r *run) tooLarge(s *plannedStep, req *abi.Request) error {
	limit := s.manifest.Limits.RequestBytes
	if limit <= 0 {
		limit = abi.DefaultRequestBytes
	}
	if limit = min(limit, abi.MaxRequestBytes); int64(len(req.Resource)) <= limit {
		return nil
	}
	field := largestField(req.Resource)
	return problem.Problem{
		Position: r.position(field), Object: objectText(r.doc.Ref), Field: field,
		Message: "makes the document larger than the " + strconv.FormatInt(limit, 10) + " bytes that " +
			"step " + s.name + " (" + s.manifest.Reference() + ") takes; make it smaller, or keep large content in a volume or the image",
	}
}

// largestField follows, from the top of a document, the member that has more than half of its
// bytes.
func largestField(document cbor.Raw) string {
	path := ""
	for cbor.IsObject(document) {
		var largest cbor.Raw
		name, key := "", ""
		d := cbor.NewDecoder(document)
		for i := range d.Object() {
			key = d.Key(i, key)
			if value := d.Raw(); len(value) > len(largest) {
				name, largest = key, value
			}
		}
		if d.Finish() != nil || 2*len(largest) < len(document) {
			break
		}
		path, document = cbor.JoinPath(path, name), largest
	}
	return path
}

// resolveAll answers requirements, each after the engine's gate.
func (r *run) resolveAll(ctx context.Context, s *plannedStep, wanted []abi.Requirement) ([]abi.Answer, []error) {
	answers := make([]abi.Answer, 0, len(wanted))
	var errs []error
	for _, w := range wanted {
		if admit := r.derivation.admit; admit != nil {
			if err := admit(ctx, s.name, s.manifest.Reference(), s.record.Digest, w); err != nil {
				errs = append(errs, r.stepError(s, abi.Ref{}, "requirements."+w.Name, err))
				continue
			}
		}
		found, err := r.resolve(ctx, s.name, w)
		if err != nil {
			errs = append(errs, r.stepError(s, abi.Ref{}, "requirements."+w.Name, err))
			continue
		}
		answers = append(answers, abi.Answer{Name: w.Name, Resources: found})
	}
	return answers, errs
}

// unsettled names the requirements that the last round changed.
func unsettled(wanted, previous []abi.Requirement) error {
	const shown = 5
	var names []string
	for _, w := range wanted {
		if !slices.ContainsFunc(previous, func(p abi.Requirement) bool {
			return contract.SameRequirements([]abi.Requirement{w}, []abi.Requirement{p})
		}) {
			names = append(names, requirementText(w))
		}
	}
	for _, p := range previous {
		if !slices.ContainsFunc(wanted, func(w abi.Requirement) bool { return w.Name == p.Name }) {
			names = append(names, p.Name+" (given up)")
		}
	}
	if len(names) > shown {
		names = append(names[:shown], strconv.Itoa(len(names)-shown)+" more")
	}
	return problem.Problem{Cause: ErrUnsettled, Message: "requirements did not settle after " + strconv.Itoa(abi.MaxRounds) + " rounds: " +
		strings.Join(names, ", ")}
}
