package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/latticenet/lattice-host/host/gate/cedar"
	"github.com/latticenet/lattice-host/host/gate/policy"
	"github.com/latticenet/lattice-host/host/gate/rego"
	"github.com/latticenet/lattice-host/registry/market"
)

func (a *app) policyCheckCommand() *cobra.Command {
	var f policyFlags
	c := &cobra.Command{
		Use:   "check [PATH...]",
		Short: "Check policies",
		Long: `Check reads the policies that come with the program, those of the installation if there is one, and those of the named files
and folders, as a run with --policies does, and prints how many there are. Everything that is wrong is reported with its place,
what is wrong with CedarPolicy documents included, which a run leaves out with a warning.`,
		Example: `  lattice-host policy check
  lattice-host policy check ./policies`,
		Args: arguments(0, -1, "files and folders with policies"),
	}
	f.registerDefaults(c)
	c.RunE = a.does(func(_ context.Context, paths []string) error {
		f.Paths = paths
		home, err := a.homeIfAny()
		if err != nil {
			return err
		}
		set, err := f.load(home)
		if err != nil {
			return err
		}
		if problems := set.Cedar.Problems(); len(problems) > 0 {
			return problems
		}
		for _, w := range set.Warnings() {
			a.note("warning: %s", w)
		}
		checked := checkedPolicies{
			Cedar: set.Cedar.Len(), Documents: set.Cedar.Documents(), Rego: set.Rego.Len(), Quotas: len(set.Quotas), Owners: len(set.Owners), Files: set.Files, Digest: set.Digest(),
		}
		return a.emit(checked, checked.write)
	})
	return c
}

// checkedPolicies is what policy check tells.
type checkedPolicies struct {
	Cedar int `json:"cedarPolicies"`
	// Documents are the CedarPolicy documents that some of them are in.
	Documents []cedar.Document `json:"documents"`
	Rego      int              `json:"regoRules"`
	Quotas    int              `json:"quotas"`
	// Owners are documents that say who may use the volumes that they own.
	Owners int      `json:"owners"`
	Files  []string `json:"files"`
	Digest string   `json:"digest"`
}

func (p checkedPolicies) write(w io.Writer) {
	rest := counted(p.Rego, "Rego rule") + " and " + counted(p.Quotas, "quota")
	if p.Owners > 0 {
		rest = counted(p.Rego, "Rego rule") + ", " + counted(p.Quotas, "quota") + " and " + plural(p.Owners, "owner of volumes", "owners of volumes")
	}
	fmt.Fprintf(w, "%s, %s in %s\n", plural(p.Cedar, "Cedar policy", "Cedar policies"), rest, counted(len(p.Files), "file"))
	for _, file := range p.Files {
		fmt.Fprintln(w, "  "+printable(file))
	}
	for _, d := range p.Documents {
		fmt.Fprintf(w, "  %s: CedarPolicy %s: %s, %s and %s\n", printable(d.Position), printable(d.Name), d.Phase, counted(d.Permits, "permit"), counted(d.Forbids, "forbid"))
	}
	fmt.Fprintln(w, p.Digest)
}

// plural writes how many of a thing there are whose plural has another form.
func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// homeIfAny opens the installation; it returns nil when the folder is not one.
func (a *app) homeIfAny() (*market.Home, error) {
	home, err := a.openHome()
	if errors.Is(err, errNoHome) {
		return nil, nil
	}
	return home, err
}

func (a *app) policyTestCommand() *cobra.Command {
	var f policyFlags
	c := &cobra.Command{
		Use:   "test PATH...",
		Short: "Run the tests of policies",
		Long: `Test runs the tests in files and folders with policies: the rules test_… in files that end in _test.rego, and the cases in files
that end in _test.yaml, _test.yml or _test.json, which ask the Cedar policies. The policies that come with the program are
there, too, unless they are left out; those of the installation are not.

A case says what is asked and what must be the answer:

  cases:
    - name: plex reads the library
      request:
        principal: Service::"media/plex"
        action: AccessVolume
        resource: Volume::"media/media-storage"
      want: allow                   # allow, deny, no-opinion or error
      policies: [default.volumes]   # the ids of those that answer; without it, any

Entities have the attributes that follow from their ids. Others are set in the request with attributes: {principal: {…},
resource: {…}}, the context with context: {…}, and the groups of a user with groups: […].

A rule that denies or a policy that forbids, and that no test makes fire, is named: it may never fire. With --complete that is
an error.`,
		Example: "  lattice-host policy test ./policies",
		Args:    arguments(1, -1, "a file or folder with policies and their tests"),
	}
	f.registerDefaults(c)
	complete := c.Flags().Bool("complete", false, "fail when a rule or policy that denies is not seen to fire")
	c.RunE = a.does(func(ctx context.Context, paths []string) error {
		report, err := policy.Test(ctx, policy.Options{Paths: paths, NoDefaults: f.NoDefaults})
		if err != nil {
			return asInput(err)
		}
		if err := a.emit(report, func(w io.Writer) { writeTests(w, report) }); err != nil {
			return err
		}
		return testsError(report, *complete)
	})
	return c
}

func writeTests(w io.Writer, r *rego.Report) {
	rows := make([][]string, len(r.Results))
	for i, t := range r.Results {
		rows[i] = []string{"ok", t.Name, t.Position}
		if t.Failure != "" {
			rows[i][0] = "FAILED"
		}
	}
	table(w, rows)
	for _, s := range r.Silent {
		fmt.Fprintf(w, "no test makes it fire: %s\n", printable(s))
	}
	fmt.Fprintf(w, "%s, %d failed\n", counted(len(r.Results), "test"), len(r.Failed()))
}

// testsError returns an error for each failed test, and one when there are no tests.
func testsError(r *rego.Report, complete bool) error {
	var problems []error
	for _, t := range r.Failed() {
		problems = append(problems, inputf("%s: %s: %s", t.Position, t.Name, t.Failure))
	}
	if len(r.Results) == 0 {
		problems = append(problems, inputf("there is no test; write some into files that end in _test.yaml or _test.rego"))
	}
	for _, s := range r.Silent {
		if complete {
			problems = append(problems, inputf("%s: no test makes it fire; write one", s))
		}
	}
	return errors.Join(problems...)
}
