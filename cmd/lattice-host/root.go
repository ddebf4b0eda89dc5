package main

import (
	"errors"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

const rootLong = `lattice-host turns small documents that describe workloads (LatticeService, LatticeMeshMember) into every object that must
run, by calling a chain of plugins. A plugin is a WebAssembly module that its publisher signed; it runs in a sandbox, and
only after its signature was verified.

The installation is the folder that holds installed plugins and whom to trust: --home, else $LATTICE_HOME, else the folder
lattice-home next to the program, else $XDG_DATA_HOME/lattice-host, else ~/.local/share/lattice-host. Compiled plugins are
kept in $LATTICE_CACHE, else in lattice-host/wasm in the user's folder for caches. What is decided and done is noted in
$LATTICE_AUDIT, else in the folder audit of the installation; at $LATTICE_AUDIT_ROTATE bytes, else 64 MiB, the log goes on in
another file, and never with 0.

Errors are on standard error, one a line: file:line:column: object: field: what is wrong and what to do.

` + exitCodes

// newRoot returns the command line.
func newRoot(a *app) *cobra.Command {
	root := &cobra.Command{
		Use:   "lattice-host",
		Short: "Derive everything that must run from small documents, with signed plugins in a sandbox",
		Long:  rootLong,
		Example: `  lattice-host index trust root.json --location https://plugins.example.com/index
  lattice-host install --all --activate
  lattice-host derive -f orders.yaml`,
		SilenceErrors: true,
		SilenceUsage:  true,
		PersistentPreRunE: func(c *cobra.Command, _ []string) error {
			if err := checkEmptyFlags(c); err != nil {
				return err
			}
			return a.checkFormat(c)
		},
	}
	root.SetIn(a.stdin)
	root.SetOut(a.stdout)
	root.SetErr(a.stderr)
	root.SetFlagErrorFunc(flagError)
	root.PersistentFlags().StringVar(&a.homeFlag, "home", "", "`folder` of the installation: plugins, lock and trust")
	root.PersistentFlags().StringVarP(&a.output, "output", "o", "", "`form` of the output: json, or what the command names; without it, a form for people")
	// The flags were defined just above, the only thing that can be wrong.
	_ = root.MarkPersistentFlagDirname("home")
	_ = root.RegisterFlagCompletionFunc("output", func(c *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
		return formatsOf(c), cobra.ShellCompDirectiveNoFileComp
	})
	for _, g := range a.groups() {
		root.AddGroup(&cobra.Group{ID: g.title, Title: g.title + ":"})
		for _, c := range g.commands {
			c.GroupID = g.title
		}
		root.AddCommand(g.commands...)
		root.SetHelpCommandGroupID(g.title)
		root.SetCompletionCommandGroupID(g.title)
	}
	group(root)
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	for _, c := range root.Commands() {
		switch c.Name() {
		case "help":
			c.Run, c.RunE = nil, helpOf
		case "completion":
			group(c)
		}
	}
	root.SetUsageTemplate(root.UsageTemplate() + usageEnd)
	return root
}

// helpOf prints the help of the command that is named.
func helpOf(c *cobra.Command, args []string) error {
	called, rest, err := c.Root().Find(args)
	if err != nil || len(rest) > 0 {
		return unknownCommand(c.Root(), strings.Join(args, " "))
	}
	return called.Help()
}

// usageEnd leads from the help of a command to what holds for all.
const usageEnd = `{{if and .HasParent (not .HasAvailableSubCommands)}}
Exit codes, and where plugins and policies are: {{.Root.Name}} --help
{{end}}`

// commandGroup are commands that the main help shows together.
type commandGroup struct {
	title    string
	commands []*cobra.Command
}

// groups returns all commands, in the order in which somebody new needs them.
func (a *app) groups() []commandGroup {
	return []commandGroup{
		{"Deriving", []*cobra.Command{a.deriveCommand(), a.explainCommand(), a.kindCommand(), a.platformCommand()}},
		{"Applying", []*cobra.Command{
			a.diffCommand(), a.applyCommand(), a.statusCommand(), a.historyCommand(), a.rollbackCommand(), a.deleteCommand(),
		}},
		{"Plugins of the installation", []*cobra.Command{
			a.searchCommand(), a.installCommand(), a.updateCommand(), a.removeCommand(), a.enableCommand(), a.disableCommand(),
			a.listCommand(), a.verifyCommand(), a.pipelineCommand(),
		}},
		{"Policies and decisions", []*cobra.Command{a.policyCommand(), a.auditCommand()}},
		{"Making plugins, running an index", []*cobra.Command{a.pluginCommand(), a.keyCommand(), a.indexCommand()}},
		{"The program", []*cobra.Command{a.cacheCommand(), a.versionCommand()}},
	}
}

// group makes parent a command that only has subcommands.
func group(parent *cobra.Command, children ...*cobra.Command) *cobra.Command {
	parent.AddCommand(children...)
	parent.RunE = func(c *cobra.Command, _ []string) error { return c.Help() }
	parent.Args = func(c *cobra.Command, args []string) error {
		if len(args) > 0 {
			return unknownCommand(c, args[0])
		}
		return nil
	}
	return parent
}

func unknownCommand(c *cobra.Command, typed string) error {
	return usagef("unknown command %q for %q%s",
		typed, c.CommandPath(), helpHint(similar(typed, commandsBelow(c, "")), c.CommandPath()))
}

// commandsBelow returns the names of the commands below c, as they are typed after it.
func commandsBelow(c *cobra.Command, prefix string) []string {
	var names []string
	for _, sub := range c.Commands() {
		if !sub.IsAvailableCommand() {
			continue
		}
		names = append(append(names, prefix+sub.Name()), commandsBelow(sub, prefix+sub.Name()+" ")...)
	}
	return names
}

// flagError explains a flag that cannot be read.
func flagError(c *cobra.Command, err error) error {
	// After a command that does not exist, no flag can be right.
	if c.HasSubCommands() && c.Flags().NArg() > 0 {
		return unknownCommand(c, c.Flags().Arg(0))
	}
	var names []string
	var unknown *pflag.NotExistError
	if errors.As(err, &unknown) && unknown.GetSpecifiedShortnames() == "" {
		c.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
		names = similar(unknown.GetSpecifiedName(), names)
	}
	for i := range names {
		names[i] = "--" + names[i]
	}
	return usagef("%w%s", err, helpHint(names, c.CommandPath()))
}

// checkEmptyFlags refuses flags with an empty value, such as a shell makes of a variable that is
// not set: ignoring one could mean another installation or other settings.
func checkEmptyFlags(c *cobra.Command) (err error) {
	c.Flags().Visit(func(f *pflag.Flag) {
		values := []string{f.Value.String()}
		if list, ok := f.Value.(pflag.SliceValue); ok {
			values = list.GetSlice()
		}
		if err == nil && slices.Contains(values, "") {
			err = usagef("--%s is empty; give it a value or leave it out", f.Name)
		}
	})
	return err
}

// arguments checks that a command has from least to most arguments; a negative most is any number.
// The string what names them in the error.
func arguments(least, most int, what string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		switch {
		case len(args) < least:
			return usagef("%s is missing; see %s --help", what, c.CommandPath())
		case most >= 0 && len(args) > most:
			return usagef("%q is one argument too many; %s takes %s; see %s --help", args[most], c.CommandPath(), orNone(what), c.CommandPath())
		}
		return nil
	}
}

// noArguments is for commands that take flags only.
func noArguments() cobra.PositionalArgs { return arguments(0, 0, "") }

func orNone(what string) string {
	if what == "" {
		return "flags only"
	}
	return what
}

// formatJSON is the form of the output that every command has.
const formatJSON = "json"

// formatsKey is the annotation that holds the further forms that a command has, with spaces between
// them.
const formatsKey = "formats"

func formatsOf(c *cobra.Command) []string {
	return append([]string{formatJSON}, strings.Fields(c.Annotations[formatsKey])...)
}

// checkFormat refuses a form of output that the command does not have. A form that ends in =PATH
// takes any path.
func (a *app) checkFormat(c *cobra.Command) error {
	formats := formatsOf(c)
	known := slices.ContainsFunc(formats, func(format string) bool {
		prefix, takesPath := strings.CutSuffix(format, "PATH")
		return a.output == format || takesPath && strings.HasPrefix(a.output, prefix) && a.output != prefix
	})
	if a.output == "" || known {
		return nil
	}
	return usagef("%s cannot write -o %s; it can write %s", c.CommandPath(), a.output, strings.Join(formats, ", "))
}
