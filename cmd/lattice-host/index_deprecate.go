package main

import (
	"github.com/spf13/cobra"
)

func (a *app) indexDeprecateCommand() *cobra.Command {
	var replacement string
	c := a.annotates(&cobra.Command{
		Use:   "deprecate DIR PUBLISHER/NAME@VERSION --reason REASON --keys KEYS",
		Short: "Have users of a release see why to leave it",
		Long: `Deprecate tells everyone who installs or uses a release why to leave it, and what to use in its place. It is still chosen, and
runs. This takes the keys of the roles releases, snapshot and timestamp. --undo takes the message away.`,
		Example: `  lattice-host index deprecate ./index acme/keda@1.2.0 --reason "no longer maintained" --replacement acme/scaler --keys ./keys
  lattice-host index deprecate ./index acme/keda@1.2.0 --undo --keys ./keys`,
	}, annotation{"the release", "those who use the release", "take the message away", func(subject, reason string) (func(*publishing) error, error) {
		target, err := releaseTarget(subject)
		if err == nil && reason == "" && replacement != "" {
			err = usagef("--replacement needs a --reason, and --undo takes neither")
		}
		return func(p *publishing) error { return p.draft.Deprecate(target, reason, replacement) }, err
	}})
	c.Flags().StringVar(&replacement, "replacement", "", "`plugin` to use in its place, such as acme/scaler or acme/keda@2.0.0")
	return c
}
