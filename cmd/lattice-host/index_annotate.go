package main

import (
	"context"

	"github.com/spf13/cobra"
)

// annotation is a command that says something of what is in an index, with a reason, and can take
// it back.
type annotation struct {
	// subject names the argument after the folder, reason says whom the reason is for, undo what
	// --undo does.
	subject, reason, undo string
	// change returns what it does to the index; reason is empty when it is taken back. It looks at
	// the command line only.
	change func(subject, reason string) (func(*publishing) error, error)
}

// annotates makes c the command of an annotation.
func (a *app) annotates(c *cobra.Command, n annotation) *cobra.Command {
	var flags publishFlags
	var reason string
	var undo bool
	c.Args = arguments(2, 2, "the folder of the index and "+n.subject)
	flags.add(c)
	c.Flags().StringVar(&reason, "reason", "", "one `line` for "+n.reason)
	c.Flags().BoolVar(&undo, "undo", false, n.undo)
	c.RunE = a.does(func(ctx context.Context, args []string) error {
		change, err := n.change(args[1], reason)
		switch {
		case err != nil:
			return err
		case undo && reason != "":
			return usagef("--undo takes no --reason")
		case !undo && reason == "":
			return usagef("say why with --reason, for those who are affected")
		}
		return a.emitPublished(a.publish(ctx, args[0], &flags, change))
	})
	return c
}
