package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/latticenet/lattice-host/abi/bundle"
	"github.com/latticenet/lattice-host/host/audit"
	"github.com/latticenet/lattice-host/host/gate"
	"github.com/latticenet/lattice-host/host/gate/policy"
	"github.com/latticenet/lattice-host/host/pipeline"
	"github.com/latticenet/lattice-host/registry/release"
)

// policyExplanation is the command policy explain.
type policyExplanation struct {
	in            inputs
	bundle, audit string
	auditKeys     []string
	id            string
}

func (a *app) policyExplainCommand() *cobra.Command {
	e := new(policyExplanation)
	c := &cobra.Command{
		Use:   "explain DECISION {--bundle FILE | --audit FILE --audit-key FILE}",
		Short: "Show a decision with the policies that made it",
		Long: `Explain finds a decision by its id, in bundles that derive wrote (-o json, or bundle.json of -o dir=PATH) or in an audit log,
which is verified first. It prints the decision and the text of every Cedar policy that it names, if the policies are still
those that decided, and says so if they are not.

With --bundle and -f, --with and --settings as they were given to derive, it decides again and says whether the answer is the
same: equal policies, documents and outputs give equal decisions.`,
		Example: `  lattice-host policy explain decision-0123456789abcdef --bundle bundles.json
  lattice-host policy explain decision-0123456789abcdef --bundle bundles.json -f orders.yaml
  lattice-host policy explain decision-0123456789abcdef --audit audit.jsonl --audit-key audit.pub`,
		Args: arguments(1, 1, "the id of a decision"),
	}
	flags := c.Flags()
	flags.StringVar(&e.bundle, "bundle", "", "`file` with a bundle, or with several")
	flags.StringVar(&e.audit, "audit", "", "`file` of the audit log")
	flags.StringArrayVar(&e.auditKeys, "audit-key", nil, "`file` with the public key of the audit log; repeatable")
	flags.StringArrayVarP(&e.in.files, "filename", "f", nil, "`file`, folder or - (standard input) with the documents of the run, to decide again; repeatable")
	flags.StringArrayVar(&e.in.with, "with", nil, "`file` or folder with the documents beside them; repeatable")
	flags.StringVar(&e.in.settings, "settings", "", "`file` with the settings of the run")
	e.in.policies.register(c)
	// The flags were defined just above, the only thing that can be wrong.
	_ = c.MarkFlagFilename("bundle", "json")
	_ = c.MarkFlagFilename("audit")
	c.RunE = a.does(func(ctx context.Context, args []string) error {
		e.id = args[0]
		if err := e.check(); err != nil {
			return err
		}
		return a.explainDecision(ctx, e)
	})
	return c
}

func (e *policyExplanation) check() error {
	switch {
	case (e.bundle == "") == (e.audit == ""):
		return usagef("say where the decision is: in a bundle with --bundle, or in an audit log with --audit")
	case e.audit != "" && len(e.auditKeys) == 0:
		return usagef("name the public key that the audit log is signed with, with --audit-key")
	case e.audit == "" && len(e.auditKeys) > 0:
		return usagef("--audit-key belongs to --audit")
	case e.audit != "" && len(e.in.files) > 0:
		return usagef("an audit log does not keep what was judged: -f belongs to --bundle")
	}
	return nil
}

// explainedDecision is what policy explain tells.
type explainedDecision struct {
	Decision *gate.Decision `json:"decision"`
	// Noted is when an audit log noted it.
	Noted string `json:"noted,omitempty"`
	// SamePolicies says that the policies are those that decided; then Policies are those that the decision names.
	SamePolicies bool           `json:"samePolicies"`
	Policies     []policySource `json:"policies"`
	// Again is same or different when it was decided again.
	Again string `json:"again,omitempty"`
}

type policySource struct {
	ID       string `json:"id"`
	Position string `json:"position"`
	Text     string `json:"text"`
}

func (a *app) explainDecision(ctx context.Context, e *policyExplanation) error {
	found := new(explainedDecision)
	var of *bundle.Bundle
	var err error
	if e.bundle != "" {
		of, found.Decision, err = findInBundles(e.bundle, e.id)
	} else {
		found.Decision, found.Noted, err = e.findInAudit(ctx)
	}
	if err != nil {
		return err
	}
	home, err := a.homeIfAny()
	if err != nil {
		return err
	}
	set, err := e.in.policies.load(home)
	if err != nil {
		return err
	}
	found.addPolicies(set)
	if len(e.in.files) > 0 {
		if err := a.decideAgain(ctx, e, set, of, found); err != nil {
			return err
		}
	}
	return a.emit(found, func(w io.Writer) { found.write(w, set.Digest()) })
}

// findInBundles finds a decision in the output of derive.
func findInBundles(file, id string) (*bundle.Bundle, *gate.Decision, error) {
	bundles, records, err := readBundles(file)
	if err != nil {
		return nil, nil, err
	}
	var ids []string
	for _, b := range bundles {
		for _, raw := range records[b.Digest()].Decisions {
			d, err := decisionOf(raw)
			if err != nil {
				return nil, nil, inputf("%s: %w", file, err)
			}
			if d.ID == id {
				return b, d, nil
			}
			ids = append(ids, d.ID)
		}
	}
	if len(ids) == 0 {
		return nil, nil, inputf("%s: has no decisions", file)
	}
	return nil, nil, inputf("%s: has no decision %s; it has %s", file, id, strings.Join(ids, ", "))
}

// readBundles reads one bundle, or the list that derive -o json prints, and what gates decided, by the digest of the bundle. Those
// of one bundle are in a file next to it.
func readBundles(file string) ([]*bundle.Bundle, map[string]bundle.Record, error) {
	data, err := readFile(file, bundle.MaxBytes)
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
		return nil, nil, inputf("%s: is not an output of lattice-host derive -o json: %w", file, err)
	}
	if l.Kind != bundleListKind {
		l.Bundles = []json.RawMessage{data}
		if l.Decisions, err = readRecord(filepath.Join(filepath.Dir(file), decisionsFile)); err != nil {
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
			return nil, nil, inputf("%s: %w", file, err)
		}
	}
	return bundles, records, nil
}

// readRecord reads what gates decided about one bundle.
func readRecord(file string) ([]bundle.Record, error) {
	data, err := readFile(file, bundle.MaxBytes)
	if err != nil {
		return nil, err
	}
	var r bundle.Record
	if err := json.Unmarshal(data, &r); err != nil {
		return nil, inputf("%s: holds no decisions about a bundle: %w", file, err)
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
		return nil, fmt.Errorf("%s does not have the id of its content: it was edited, or another version wrote it", printable(d.ID))
	}
	return d, nil
}

// findInAudit finds a decision in an audit log, all of which is verified.
func (e *policyExplanation) findInAudit(ctx context.Context) (found *gate.Decision, noted string, err error) {
	keys, err := readPublicKeys(e.auditKeys)
	if err != nil {
		return nil, "", err
	}
	visit := func(entry *audit.Entry) error {
		if entry.Kind != audit.KindDecision || found != nil {
			return nil
		}
		d := new(gate.Decision)
		if err := json.Unmarshal(entry.Data, d); err != nil {
			return fmt.Errorf("line %d: %w", entry.Seq, err)
		}
		if d.ID == e.id {
			found, noted = d, fmt.Sprintf("line %d, at %s", entry.Seq, entry.Time.Format("2006-01-02T15:04:05Z07:00"))
		}
		return nil
	}
	// What stands behind the signed end was not looked at.
	_, err = audit.Verify(ctx, e.audit, keys, audit.VerifyOptions{Visit: visit})
	switch {
	case errors.Is(err, audit.ErrTampered):
		return nil, "", release.NotTrusted(e.audit, "", err)
	case err != nil && !errors.Is(err, audit.ErrTorn):
		return nil, "", asInput(err)
	case found == nil:
		return nil, "", inputf("%s: has no decision %s", e.audit, e.id)
	}
	return found, noted, nil
}

// addPolicies adds the texts of the Cedar policies that the decision names, if they are those that decided.
func (e *explainedDecision) addPolicies(set *policy.Set) {
	e.Policies = []policySource{}
	e.SamePolicies = set.Digest() == e.Decision.PolicyDigest
	if !e.SamePolicies {
		return
	}
	for _, r := range e.Decision.Reasons {
		named := slices.ContainsFunc(e.Policies, func(p policySource) bool { return p.ID == r.Policy })
		if p, ok := set.Cedar.Policy(r.Policy); ok && r.Engine == set.Cedar.Name() && !named {
			e.Policies = append(e.Policies, policySource{p.ID, p.Position, p.Text})
		}
	}
}

// decideAgain asks the gate again, with the documents of the run.
func (a *app) decideAgain(ctx context.Context, e *policyExplanation, set *policy.Set, b *bundle.Bundle, found *explainedDecision) error {
	r, err := a.readInputs(ctx, &e.in)
	if err != nil {
		return err
	}
	judge, err := set.For(policy.Run{Documents: objectsOf(r.docs), Peers: objectsOf(r.peers), Platform: b.Platform})
	if err != nil {
		return asInput(err)
	}
	for _, doc := range r.docs {
		if doc.Ref != b.Resource {
			continue
		}
		var d *gate.Decision
		switch found.Decision.Point {
		case gate.Admit:
			d = judge.Admit(ctx, objectOf(doc))
		case gate.Outputs:
			d = judge.Outputs(ctx, objectOf(doc), outputsOf(b))
		default:
			return inputf("%s: a decision of the gate %s cannot be made again from a bundle", found.Decision.ID, found.Decision.Point)
		}
		found.Again = "different"
		if d.ID == found.Decision.ID {
			found.Again = "same"
		}
		return nil
	}
	return inputf("%s is not among the documents of -f", b.Resource)
}

func (e *explainedDecision) write(w io.Writer, digest string) {
	writeDecision(w, e.Decision)
	fmt.Fprintln(w)
	if e.Noted != "" {
		fmt.Fprintf(w, "noted in %s\n", e.Noted)
	}
	if e.SamePolicies {
		fmt.Fprintf(w, "the policies are those that decided, %s\n", digest)
	} else {
		fmt.Fprintf(w, "the policies have changed since: %s decided, now there are %s\n", printable(e.Decision.PolicyDigest), digest)
	}
	switch e.Again {
	case "same":
		fmt.Fprintln(w, "decided again: the same")
	case "different":
		fmt.Fprintln(w, "decided again: not the same; the policies, the documents, those beside them or the settings are others")
	}
	for _, p := range e.Policies {
		fmt.Fprintf(w, "\n%s, %s\n", p.ID, printable(p.Position))
		for line := range strings.Lines(p.Text) {
			fmt.Fprintln(w, "  "+printable(strings.TrimRight(line, "\r\n")))
		}
	}
}
