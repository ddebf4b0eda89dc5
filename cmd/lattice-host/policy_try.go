package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/latticenet/lattice-host/host/gate"
)

func (a *app) policyTryCommand() *cobra.Command {
	in := new(inputs)
	c := &cobra.Command{
		Use:   "try -f FILE...",
		Short: "Show what documents ask for, and what the policies answer",
		Long: `Try derives as derive does, emits nothing, and prints every decision of the gates: what was asked, by whom and for which
object and field, which policy answered, and for what no policy permits, the policy that would.

The exit code is 0 when everything is allowed, and 10 when anything is denied. With -o json the decisions are printed as a
bundle keeps them.`,
		Example: `  lattice-host policy try -f orders.yaml
  lattice-host policy try -f services/ --policies ./policies
  lattice-host policy try -f orders.yaml -o json`,
		Args: noArguments(),
	}
	in.register(c)
	c.RunE = a.does(func(ctx context.Context, _ []string) error {
		o, err := a.deriveAllowed(ctx, in)
		if err != nil {
			return err
		}
		decisions := o.decisions()
		err = a.emit(map[string]any{"decisions": decisions}, func(w io.Writer) { writeDecisions(w, decisions) })
		if err != nil || len(o.denied) == 0 {
			return err
		}
		names := make([]string, len(o.denied))
		for i, j := range o.denied {
			names[i] = j.doc.Object()
		}
		return denied(fmt.Errorf("denied: %s", strings.Join(names, ", ")))
	})
	return c
}

// decisions returns what the gates decided in a run: about plugins first, then by document.
func (o *outcome) decisions() []*gate.Decision {
	all := append([]*gate.Decision{}, o.gates.uses()...)
	for _, d := range o.documents {
		all = append(all, d.decisions...)
	}
	return all
}
