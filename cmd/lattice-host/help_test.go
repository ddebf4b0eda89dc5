package main

import (
	"io"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// TestHelp looks at the help of every command as a reader who has nothing else.
func TestHelp(t *testing.T) {
	t.Parallel()
	for _, c := range everyCommand(newTestRoot()) {
		t.Run(c.CommandPath(), func(t *testing.T) {
			t.Parallel()
			if !regexp.MustCompile(`^[A-Z].*[^.]$`).MatchString(c.Short) {
				t.Errorf("the short text is %q; it begins with a capital and has no full stop", c.Short)
			}
			if c.Long == "" || !strings.HasSuffix(strings.TrimSpace(c.Long), ".") && c.HasParent() {
				t.Errorf("the long text is %q; it is one or more whole sentences", c.Long)
			}
			if c.Example == "" {
				t.Error("there is no example")
			}
			if parent := c.Parent(); parent != nil && !parent.HasParent() && c.GroupID == "" {
				t.Error("it is in no group of the main help")
			}
			c.LocalFlags().VisitAll(func(f *pflag.Flag) {
				// The type in Go says nothing to a reader.
				name, usage := pflag.UnquoteUsage(f)
				if usage == "" || slices.Contains([]string{"string", "stringArray", "strings"}, name) {
					t.Errorf("--%s %s: %q: say what it is, and put its value's `name` in quotes", f.Name, name, usage)
				}
			})
		})
	}
}

// TestHelpExamples reads every example as the program would: the command, its flags and how many
// arguments it has.
func TestHelpExamples(t *testing.T) {
	t.Parallel()
	for _, c := range everyCommand(newTestRoot()) {
		t.Run(c.CommandPath(), func(t *testing.T) {
			t.Parallel()
			own := false
			for line := range strings.Lines(c.Example) {
				_, command, found := strings.Cut(line, "lattice-host ")
				if !found {
					t.Errorf("%q calls no command", line)
					continue
				}
				// Reading flags changes a command: each example gets its own.
				called, err := parsedExample(newTestRoot(), words(command))
				if err != nil {
					t.Errorf("%q: %v", line, err)
					continue
				}
				own = own || strings.HasPrefix(called.CommandPath(), c.CommandPath())
			}
			if !own {
				t.Error("no example is one of the command itself")
			}
		})
	}
}

func parsedExample(root *cobra.Command, args []string) (*cobra.Command, error) {
	called, rest, err := root.Find(args)
	if err != nil {
		return nil, err
	}
	if err := called.ParseFlags(rest); err != nil {
		return nil, err
	}
	return called, called.ValidateArgs(called.Flags().Args())
}

// words splits an example as a shell does, as far as examples go.
func words(line string) []string {
	found := regexp.MustCompile(`"[^"]*"|\S+`).FindAllString(line, -1)
	for i := range found {
		found[i] = strings.Trim(found[i], `"`)
	}
	return found
}

func newTestRoot() *cobra.Command {
	return newRoot(newApp(strings.NewReader(""), io.Discard, io.Discard))
}

// everyCommand returns a command and those below it, except for those of the library.
func everyCommand(c *cobra.Command) []*cobra.Command {
	all := []*cobra.Command{c}
	for _, sub := range c.Commands() {
		if sub.Name() == "help" || sub.Name() == "completion" {
			continue
		}
		all = append(all, everyCommand(sub)...)
	}
	return all
}
