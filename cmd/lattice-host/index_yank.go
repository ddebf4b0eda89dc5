package main

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/latticenet/lattice-host/registry/index/tuf"
)

func (a *app) indexYankCommand() *cobra.Command {
	return a.annotates(&cobra.Command{
		Use:   "yank DIR PUBLISHER/NAME@VERSION --reason REASON --keys KEYS",
		Short: "Take a release of an index back",
		Long: `Yank keeps a release from being chosen. Where it is installed it runs on, with a warning; what must not run any more is
revoked. This takes the keys of the roles releases, snapshot and timestamp. --undo offers the release again.`,
		Example: `  lattice-host index yank ./index acme/keda@1.2.0 --reason "scales to zero" --keys ./keys
  lattice-host index yank ./index acme/keda@1.2.0 --undo --keys ./keys`,
	}, annotation{"the release", "those who use the release", "offer the release again", func(subject, reason string) (func(*publishing) error, error) {
		target, err := releaseTarget(subject)
		return func(p *publishing) error { return p.draft.Yank(target, reason) }, err
	}})
}

// releaseTarget returns the target of publisher/name@version.
func releaseTarget(reference string) (string, error) {
	path, version, _ := strings.Cut(reference, "@")
	publisher, name, _ := strings.Cut(path, "/")
	target := tuf.ReleaseTarget(publisher, name, version)
	if p, n, v, ok := tuf.ParseReleaseTarget(target); !ok || p+"/"+n+"@"+v != reference {
		return "", usagef("%q is not a release; write PUBLISHER/NAME@VERSION, such as acme/keda@1.2.0", reference)
	}
	return target, nil
}
