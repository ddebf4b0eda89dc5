package main

import (
	"context"

	"github.com/spf13/cobra"
)

func (a *app) indexDeprecateCommand() *cobra.Command {
	var flags publishFlags
	var reason, replacement string
	var undo bool
	c := &cobra.Command{
		Use:   "deprecate DIR PUBLISHER/NAME@VERSION --reason REASON --keys KEYS",
		Short: "Have users of a release see why to leave it",
		Long: `Deprecate tells everyone who installs or uses a release why to leave it, and what to use in its place. It is still chosen, and
runs. This takes the keys of the roles releases, snapshot and timestamp. --undo takes the message away.`,
		Example: `  lattice-host index deprecate ./index acme/keda@1.2.0 --reason "no longer maintained" --replacement acme/scaler --keys ./keys
  lattice-host index deprecate ./index acme/keda@1.2.0 --undo --keys ./keys`,
		Args: arguments(2, 2, "the folder of the index and the release"),
	}
	flags.add(c)
	c.Flags().StringVar(&reason, "reason", "", "one `line` for those who use the release")
	c.Flags().StringVar(&replacement, "replacement", "", "`plugin` to use in its place, such as acme/scaler or acme/keda@2.0.0")
	c.Flags().BoolVar(&undo, "undo", false, "take the message away")
	c.RunE = a.does(func(ctx context.Context, args []string) error {
		target, err := releaseTarget(args[1])
		if err != nil {
			return err
		}
		if err := checkReason(reason, undo); err != nil {
			return err
		}
		if undo && replacement != "" {
			return usagef("--undo takes no --replacement")
		}
		return a.emitPublished(a.publish(ctx, args[0], &flags, func(p *publishing) error {
			return p.draft.Deprecate(target, reason, replacement)
		}))
	})
	return c
}
