package main

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"github.com/latticenet/lattice-host/registry/index/tuf"
)

func (a *app) indexYankCommand() *cobra.Command {
	var flags publishFlags
	var reason string
	var undo bool
	c := &cobra.Command{
		Use:   "yank DIR PUBLISHER/NAME@VERSION --reason REASON --keys KEYS",
		Short: "Take a release of an index back",
		Long: `Yank keeps a release from being chosen. Where it is installed it runs on, with a warning; what must not run any more is
revoked. This takes the keys of the roles releases, snapshot and timestamp. --undo offers the release again.`,
		Example: `  lattice-host index yank ./index acme/keda@1.2.0 --reason "scales to zero" --keys ./keys
  lattice-host index yank ./index acme/keda@1.2.0 --undo --keys ./keys`,
		Args: arguments(2, 2, "the folder of the index and the release"),
	}
	flags.add(c)
	c.Flags().StringVar(&reason, "reason", "", "one `line` for those who use the release")
	c.Flags().BoolVar(&undo, "undo", false, "offer the release again")
	c.RunE = a.does(func(ctx context.Context, args []string) error {
		target, err := releaseTarget(args[1])
		if err != nil {
			return err
		}
		if err := checkReason(reason, undo); err != nil {
			return err
		}
		return a.emitPublished(a.publish(ctx, args[0], &flags, func(p *publishing) error { return p.draft.Yank(target, reason) }))
	})
	return c
}

// checkReason refuses to do something without a reason, and to undo it with one.
func checkReason(reason string, undo bool) error {
	switch {
	case undo && reason != "":
		return usagef("--undo takes no --reason")
	case !undo && reason == "":
		return usagef("say why with --reason, for those who are affected")
	}
	return nil
}

// releaseTarget returns the target of publisher/name@version.
func releaseTarget(reference string) (string, error) {
	path, version, _ := strings.Cut(reference, "@")
	publisher, name, _ := strings.Cut(path, "/")
	target := tuf.ReleaseTarget(publisher, name, version)
	if p, n, v, ok := tuf.ParseReleaseTarget(target); !ok || p+"/"+n+"@"+v != reference {
		return "", usagef("%q is no release; write PUBLISHER/NAME@VERSION, such as acme/keda@1.2.0", reference)
	}
	return target, nil
}
