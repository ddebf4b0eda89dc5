package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/latticenet/lattice-host/host/audit"
	"github.com/latticenet/lattice-host/host/engine"
	"github.com/latticenet/lattice-host/host/gate/policy"
	"github.com/latticenet/lattice-host/registry/lock"
	"github.com/latticenet/lattice-host/registry/market"
	"github.com/latticenet/lattice-host/registry/release"
)

func (a *app) policyInstallCommand() *cobra.Command {
	var o market.Options
	c := &cobra.Command{
		Use:   "install NAME...",
		Short: "Install bundles of policies from the trusted indexes",
		Long: `Install refreshes the trusted indexes, takes bundles of policies from them, and locks their digests. The offline keys of the
index sign a bundle, so that who runs the index cannot change one. Either all are installed or none, and only if all policies
can be used together: those of the bundles, of the installation, and those that come with the program.

Installing a bundle again takes the newest. A run uses what is installed, of the digest that the lock has.`,
		Example: "  lattice-host policy install base\n  lattice-host policy install base --from idx.tar",
		Args:    arguments(1, -1, "the name of a bundle of policies"),
	}
	c.Flags().StringVar(&o.Index, "index", "", "`name` of the index to take them from; without it, all that are trusted")
	c.Flags().StringVar(&o.From, "from", "", "`place` where the index is now: a tar file that index mirror made, a folder or a URL")
	// The flags were defined just above, the only thing that can be wrong.
	_ = c.MarkFlagFilename("from")
	_ = c.RegisterFlagCompletionFunc("index", a.completeIndexes)
	c.RunE = a.does(func(ctx context.Context, names []string) error {
		home, err := a.openHome()
		if err != nil {
			return err
		}
		slices.Sort(names)
		check, err := newBundleCheck(home, slices.Compact(names))
		if err != nil {
			return err
		}
		installed, err := home.InstallPolicies(ctx, check.names, o, check.add)
		if err != nil {
			return asInput(err)
		}
		events := make([]audit.Event, len(installed))
		for i, p := range installed {
			events[i] = audit.Event{Kind: "policy.installed", Data: p}
		}
		if err := a.auditDone(ctx, events...); err != nil {
			return err
		}
		return a.emit(map[string]any{"installed": installed}, func(w io.Writer) {
			for _, p := range installed {
				fmt.Fprintf(w, "installed the policies %s from the index %s, %s\n", p.Name, p.Index, p.Digest)
			}
		})
	})
	return c
}

// bundleCheck checks that bundles can be used together with what is there.
type bundleCheck struct {
	names   []string
	options policy.Options
}

func newBundleCheck(home *market.Home, names []string) (*bundleCheck, error) {
	o, err := engine.Policies{}.Options(home)
	if err != nil {
		return nil, err
	}
	// A bundle that is installed again replaces itself.
	o.Files = slices.DeleteFunc(o.Files, func(f policy.File) bool {
		bundle, _, _ := strings.Cut(f.Name, "/")
		return slices.Contains(names, bundle)
	})
	return &bundleCheck{names, o}, nil
}

func (c *bundleCheck) add(files []market.PolicyFile) error {
	own := policy.Options{NoDefaults: true}
	for _, f := range files {
		own.Files = append(own.Files, policy.File(f))
	}
	c.options.Files = append(c.options.Files, own.Files...)
	return usable(own, c.options)
}

// usable checks that policies are some by themselves, and that they can be used with others.
func usable(own, together policy.Options) error {
	for _, o := range []policy.Options{own, together} {
		set, err := policy.Load(o)
		if err != nil {
			return err
		}
		if problems := set.Cedar.Problems(); len(problems) > 0 {
			return problems
		}
	}
	return nil
}

func (a *app) policyRemoveCommand() *cobra.Command {
	c := &cobra.Command{
		Use:     "remove NAME...",
		Short:   "Remove installed bundles of policies",
		Long:    `Remove takes bundles of policies out of the installation. When one of them is not installed, none is removed.`,
		Example: "  lattice-host policy remove base",
		Args:    arguments(1, -1, "the name of a bundle of policies"),
	}
	c.RunE = a.does(func(ctx context.Context, names []string) error {
		home, err := a.openHome()
		if err != nil {
			return err
		}
		installed, err := home.Policies()
		if err != nil {
			return err
		}
		if err := home.RemovePolicies(names); err != nil {
			return asInput(err)
		}
		var events []audit.Event
		for _, p := range installed {
			if slices.Contains(names, p.Name) {
				events = append(events, audit.Event{Kind: "policy.removed", Data: p})
			}
		}
		if err := a.auditDone(ctx, events...); err != nil {
			return err
		}
		return a.emit(map[string]any{"removed": names}, func(w io.Writer) {
			for _, name := range names {
				fmt.Fprintln(w, "removed the policies", printable(name))
			}
		})
	})
	return c
}

// listedPolicies is what policy list tells.
type listedPolicies struct {
	Builtin []listedFile  `json:"builtin"`
	Bundles []lock.Policy `json:"bundles"`
	Files   []listedFile  `json:"files"`
}

type listedFile struct {
	File   string `json:"file"`
	Digest string `json:"digest"`
}

func listFiles(files []policy.File) []listedFile {
	list := make([]listedFile, len(files))
	for i, f := range files {
		list[i] = listedFile{f.Name, release.Digest(f.Text)}
	}
	return list
}

func (a *app) policyListCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "list",
		Short: "List the policies of the installation",
		Long: `List prints what a run without --policies uses: the files that come with the program, the installed bundles, and the files in
the folder ` + engine.PoliciesFolder + ` of the installation.`,
		Example: "  lattice-host policy list\n  lattice-host policy list -o json",
		Args:    noArguments(),
	}
	c.RunE = a.does(func(context.Context, []string) error {
		home, err := a.openHome()
		if err != nil {
			return err
		}
		l, err := listPolicies(home)
		if err != nil {
			return err
		}
		return a.emit(l, l.write)
	})
	return c
}

func listPolicies(home *market.Home) (*listedPolicies, error) {
	builtin, err := policy.Defaults()
	if err != nil {
		return nil, err
	}
	bundles, err := home.Policies()
	if err != nil {
		return nil, err
	}
	var files []policy.File
	own := filepath.Join(home.Dir(), engine.PoliciesFolder)
	if _, err := os.Stat(own); err == nil {
		if files, err = policy.ReadPath(own); err != nil {
			return nil, asInput(err)
		}
	}
	return &listedPolicies{listFiles(builtin), append([]lock.Policy{}, bundles...), listFiles(files)}, nil
}

func (l *listedPolicies) write(w io.Writer) {
	rows := [][]string{{"POLICIES", "FROM", "DIGEST"}}
	for _, f := range l.Builtin {
		rows = append(rows, []string{f.File, "the program", f.Digest})
	}
	for _, b := range l.Bundles {
		rows = append(rows, []string{b.Name, "index " + b.Index, b.Digest})
	}
	for _, f := range l.Files {
		rows = append(rows, []string{f.File, "the installation", f.Digest})
	}
	table(w, rows)
}
