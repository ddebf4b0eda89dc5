package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/latticenet/lattice-host/host/engine"
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

With --bundle and -f, --with, --settings and --platform as they were given to derive, it decides again and says whether the answer is the
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
	flags.StringArrayVar(&e.in.with, "with", nil, "`file` or folder with the documents that were given with --with; repeatable")
	e.in.settings.register(c, ", as in the run")
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

func (a *app) explainDecision(ctx context.Context, e *policyExplanation) error {
	found, err := e.find(ctx)
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
	found.AddPolicies(set)
	if len(e.in.files) > 0 {
		r, err := a.readInputs(ctx, &e.in)
		if err != nil {
			return err
		}
		if err := found.DecideAgain(ctx, set, r.Run); err != nil {
			return err
		}
	}
	return a.emit(found, func(w io.Writer) { writeExplained(w, found, set.Digest()) })
}

// find finds the decision where the user says that it is.
func (e *policyExplanation) find(ctx context.Context) (*engine.ExplainedDecision, error) {
	if e.bundle != "" {
		return engine.FindDecision(e.bundle, e.id)
	}
	keys, err := readPublicKeys(e.auditKeys)
	if err != nil {
		return nil, err
	}
	return engine.FindAuditedDecision(ctx, e.audit, keys, e.id)
}

func writeExplained(w io.Writer, e *engine.ExplainedDecision, digest string) {
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
		fmt.Fprintln(w, "decided again: different; the policies, the documents, those of --with or the settings have changed")
	}
	for _, p := range e.Policies {
		fmt.Fprintf(w, "\n%s, %s\n", p.ID, printable(p.Position))
		for line := range strings.Lines(p.Text) {
			fmt.Fprintln(w, "  "+printable(strings.TrimRight(line, "\r\n")))
		}
	}
}
