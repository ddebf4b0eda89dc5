package main

import (
	"github.com/spf13/cobra"

	"github.com/latticenet/lattice-host/host/engine"
	"github.com/latticenet/lattice-host/host/pipeline"
)

// settingsFlags name what an operator sets once.
type settingsFlags struct{ settings, platform string }

// register adds the flags. Use ends their descriptions.
func (f *settingsFlags) register(c *cobra.Command, use string) {
	flags := c.Flags()
	flags.StringVar(&f.settings, "settings", "", "`file` with the settings of steps and of what documents may say"+use)
	flags.StringVar(&f.platform, "platform", "", "`file` with the facts of the platform: cluster, provider, monitoring, queues and others"+use)
	for _, name := range []string{"settings", "platform"} {
		// The flags were defined just above, the only thing that can be wrong.
		_ = c.MarkFlagFilename(name, "yaml", "yml", "json")
	}
}

func (f *settingsFlags) read() (*pipeline.Settings, error) {
	return engine.ReadSettings(f.settings, f.platform)
}

// given reports whether a flag names a file.
func (f *settingsFlags) given() bool { return f.settings != "" || f.platform != "" }
