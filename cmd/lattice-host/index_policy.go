package main

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/host/gate/policy"
	"github.com/latticenet/lattice-host/registry/index/tuf"
	"github.com/latticenet/lattice-host/registry/market"
)

func (a *app) indexPolicyCommand() *cobra.Command {
	var flags publishFlags
	c := &cobra.Command{
		Use:   "policy DIR NAME FOLDER --keys KEYS",
		Short: "Publish a bundle of policies in an index",
		Long: `Policy packs the files of policies in a folder, with their tests, and publishes them as a bundle that lattice-host policy install
takes by its name. Publishing it again replaces it. This takes the keys of the roles targets, snapshot and timestamp.

The policies must be valid, and usable together with those that come with the program; their tests must pass. Equal files make equal
bundles.`,
		Example: "  lattice-host index policy ./index base ./policies --keys ./keys",
		Args:    arguments(3, 3, "the folder of the index, the name of the bundle and the folder with policies"),
	}
	flags.add(c)
	c.RunE = a.does(func(ctx context.Context, args []string) error {
		dir, name, folder := args[0], args[1], args[2]
		if !abi.ValidName(name) {
			return inputf("%q cannot name a bundle of policies; use lower-case letters, digits and hyphens", name)
		}
		archive, err := packPolicies(ctx, folder)
		if err != nil {
			return asInput(err)
		}
		return a.emitPublished(a.publish(ctx, dir, &flags, func(p *publishing) error { return p.draft.Set(tuf.PolicyTarget(name), archive) }))
	})
	return c
}

// packPolicies checks the policies in a folder and returns their bundle.
func packPolicies(ctx context.Context, folder string) ([]byte, error) {
	own := policy.Options{Paths: []string{folder}, NoDefaults: true}
	together := policy.Options{Paths: own.Paths}
	if err := usable(own, together); err != nil {
		return nil, err
	}
	report, err := policy.Test(ctx, together)
	if err != nil {
		return nil, err
	}
	if len(report.Results) > 0 {
		if err := testsError(report, false); err != nil {
			return nil, err
		}
	}
	read, err := policy.ReadPath(folder)
	if err != nil {
		return nil, err
	}
	files := make([]market.PolicyFile, len(read))
	for i, f := range read {
		name, err := filepath.Rel(folder, f.Name)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", f.Name, err)
		}
		if name == "." {
			name = filepath.Base(f.Name)
		}
		files[i] = market.PolicyFile{Name: filepath.ToSlash(name), Text: f.Text}
	}
	return market.PackPolicyBundle(files)
}
