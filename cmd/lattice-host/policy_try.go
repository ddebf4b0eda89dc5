package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
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
		_, o, end, err := a.derive(ctx, in)
		if err != nil {
			return err
		}
		end()
		decisions := o.Decisions()
		err = a.emit(map[string]any{"decisions": decisions}, func(w io.Writer) { writeDecisions(w, decisions) })
		if err != nil || len(o.Denied) == 0 {
			return err
		}
		names := make([]string, len(o.Denied))
		for i, j := range o.Denied {
			names[i] = j.Document.Object()
		}
		return denied(fmt.Errorf("denied: %s", strings.Join(names, ", ")))
	})
	return c
}
