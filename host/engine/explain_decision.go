package engine

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/latticenet/lattice-host/abi/bundle"
	"github.com/latticenet/lattice-host/host/audit"
	"github.com/latticenet/lattice-host/host/gate"
	"github.com/latticenet/lattice-host/host/gate/policy"
	"github.com/latticenet/lattice-host/host/pipeline"
	"github.com/latticenet/lattice-host/internal/problem"
	"github.com/latticenet/lattice-host/registry/release"
)

const (
	// BundleListKind is the kind of a list of bundles with what was decided about each.
	BundleListKind = "BundleList"
	// DecisionsFile is the file next to a bundle that holds what was decided about it.
	DecisionsFile = "decisions.json"
)

// ExplainedDecision is a decision with the policies that made it.
type ExplainedDecision struct {
	Decision *gate.Decision `json:"decision"`
	// Noted is when an audit log noted it.
	Noted string `json:"noted,omitempty"`
	// SamePolicies says that the policies are those that decided; then Policies are those that the
	// decision names.
	SamePolicies bool           `json:"samePolicies"`
	Policies     []PolicySource `json:"policies"`
	// Again is same or different when it was decided again.
	Again string `json:"again,omitempty"`

	// of is the bundle that the decision is about; nil when it is from an audit log.
	of *bundle.Bundle
}

// PolicySource is the text of a policy.
type PolicySource struct {
	ID       string `json:"id"`
	Position string `json:"position"`
	Text     string `json:"text"`
}

// FindDecision finds a decision by its id in a file of bundles, as derive writes them.
func FindDecision(file, id string) (*ExplainedDecision, error) {
	bundles, records, err := readBundles(file)
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, b := range bundles {
		for _, raw := range records[b.Digest()].Decisions {
			d, err := decisionOf(raw)
			if err != nil {
				return nil, problem.Errorf(problem.Invalid, "%s: %w", file, err)
			}
			if d.ID == id {
				return &ExplainedDecision{Decision: d, of: b}, nil
			}
			ids = append(ids, d.ID)
		}
	}
	if len(ids) == 0 {
		return nil, problem.Errorf(problem.Invalid, "%s: has no decisions", file)
	}
	return nil, problem.Errorf(problem.Invalid, "%s: has no decision %s; it has %s", file, id, strings.Join(ids, ", "))
}

// readBundles reads one bundle, or the list that derive -o json prints, and what gates decided, by
// the digest of the bundle. Those of one bundle are in a file next to it.
func readBundles(file string) ([]*bundle.Bundle, map[string]bundle.Record, error) {
	data, err := ReadFile(file, bundle.MaxBytes)
	if err != nil {
		return nil, nil, err
	}
	data = bytes.TrimSuffix(data, []byte("\n"))
	var l struct {
		Kind      string            `json:"kind"`
		Bundles   []json.RawMessage `json:"bundles"`
		Decisions []bundle.Record   `json:"decisions"`
	}
	if err := json.Unmarshal(data, &l); err != nil {
		return nil, nil, problem.Errorf(problem.Invalid, "%s: is not an output of lattice-host derive -o json: %w", file, err)
	}
	if l.Kind != BundleListKind {
		l.Bundles = []json.RawMessage{data}
		if l.Decisions, err = readRecord(filepath.Join(filepath.Dir(file), DecisionsFile)); err != nil {
			return nil, nil, err
		}
	}
	records := map[string]bundle.Record{}
	for _, r := range l.Decisions {
		records[r.Bundle] = r
	}
	bundles := make([]*bundle.Bundle, len(l.Bundles))
	for i, raw := range l.Bundles {
		if bundles[i], err = pipeline.ParseBundle(raw); err != nil {
			return nil, nil, problem.Errorf(problem.Invalid, "%s: %w", file, err)
		}
	}
	return bundles, records, nil
}

// readRecord reads what gates decided about one bundle.
func readRecord(file string) ([]bundle.Record, error) {
	data, err := ReadFile(file, bundle.MaxBytes)
	if err != nil {
		return nil, err
	}
	var r bundle.Record
	if err := json.Unmarshal(data, &r); err != nil {
		return nil, problem.Errorf(problem.Invalid, "%s: holds no decisions about a bundle: %w", file, err)
	}
	return []bundle.Record{r}, nil
}

// decisionOf reads a decision of a bundle.
func decisionOf(raw json.RawMessage) (*gate.Decision, error) {
	d := new(gate.Decision)
	if err := json.Unmarshal(raw, d); err != nil {
		return nil, fmt.Errorf("a decision cannot be read: %w", err)
	}
	if !d.Whole() {
		return nil, fmt.Errorf("%s does not have the id of its content: it was edited, or another version wrote it", problem.Printable(d.ID))
	}
	return d, nil
}

// FindAuditedDecision finds a decision by its id in an audit log, all of which is verified.
func FindAuditedDecision(ctx context.Context, log string, keys []release.PublicKey, id string) (*ExplainedDecision, error) {
	var found *ExplainedDecision
	visit := func(entry *audit.Entry) error {
		if entry.Kind != audit.KindDecision || found != nil {
			return nil
		}
		d := new(gate.Decision)
		if err := json.Unmarshal(entry.Data, d); err != nil {
			return fmt.Errorf("line %d: %w", entry.Seq, err)
		}
		if d.ID == id {
			found = &ExplainedDecision{Decision: d, Noted: fmt.Sprintf("line %d, at %s", entry.Seq, entry.Time.Format(time.RFC3339))}
		}
		return nil
	}
	// What follows the signed end was not looked at.
	_, err := audit.Verify(ctx, log, keys, audit.VerifyOptions{Visit: visit})
	switch {
	case errors.Is(err, audit.ErrTampered):
		return nil, release.NotTrusted(log, "", err)
	case err != nil && !errors.Is(err, audit.ErrTorn):
		return nil, problem.AsInput(err)
	case found == nil:
		return nil, problem.Errorf(problem.Invalid, "%s: has no decision %s", log, id)
	}
	return found, nil
}

// AddPolicies adds the texts of the Cedar policies that the decision names, if set are those that
// decided.
func (e *ExplainedDecision) AddPolicies(set *policy.Set) {
	e.Policies = []PolicySource{}
	e.SamePolicies = set.Digest() == e.Decision.PolicyDigest
	if !e.SamePolicies {
		return
	}
	for _, r := range e.Decision.Reasons {
		named := slices.ContainsFunc(e.Policies, func(p PolicySource) bool { return p.ID == r.Policy })
		if p, ok := set.Cedar.Policy(r.Policy); ok && r.Engine == set.Cedar.Name() && !named {
			e.Policies = append(e.Policies, PolicySource{p.ID, p.Position, p.Text})
		}
	}
}

// DecideAgain asks the gate again, with the documents of the run, and notes whether the answer is
// the same.
func (e *ExplainedDecision) DecideAgain(ctx context.Context, set *policy.Set, r Run) error {
	judge, err := set.For(policy.Run{Documents: objectsOf(r.Documents), Peers: objectsOf(r.Peers), Platform: e.of.Platform})
	if err != nil {
		return problem.AsInput(err)
	}
	for _, doc := range r.Documents {
		if doc.Ref != e.of.Resource {
			continue
		}
		var d *gate.Decision
		switch e.Decision.Point {
		case gate.Admit:
			d = judge.Admit(ctx, objectOf(doc))
		case gate.Outputs:
			d = judge.Outputs(ctx, objectOf(doc), outputsOf(e.of))
		default:
			return problem.Errorf(problem.Invalid, "%s: a decision of the gate %s cannot be made again from a bundle", e.Decision.ID, e.Decision.Point)
		}
		e.Again = "different"
		if d.ID == e.Decision.ID {
			e.Again = "same"
		}
		return nil
	}
	return problem.Errorf(problem.Invalid, "%s is not among the documents of -f", e.of.Resource)
}
