package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/registry/index"
	"github.com/latticenet/lattice-host/registry/market"
	"github.com/latticenet/lattice-host/registry/release"
)

func (a *app) installCommand() *cobra.Command {
	var dir string
	var options market.Options
	c := &cobra.Command{
		Use:   "install --index DIR {NAME... | --all}",
		Short: "Install plugins from an index",
		Long: `Install takes plugins from an index in a local folder, which a trusted index key must have signed, verifies them, and locks
their digests. Either all are installed or none.

NAME is publisher/name, publisher/name@version, or a bare name that only one publisher uses; without a version it is the
highest that is not a prerelease. The first install from a publisher records the publisher's keys; from then on nothing
else is accepted for this publisher.

A plugin can do nothing but compute. One that asks for more, a capability, is installed only if --grant names it.`,
		Example: `  lattice-host install --index ./index --all
  lattice-host install --index ./index acme/deployment@1.2.0 acme/keda`,
	}
	c.Flags().StringVar(&dir, "index", "", "folder with the index")
	c.Flags().BoolVar(&options.All, "all", false, "install every plugin of the index")
	c.Flags().StringArrayVar(&options.Grant, "grant", nil,
		"capability that these plugins may have: "+abi.CapabilityHTTPGet+", "+abi.CapabilityKV+" or "+abi.CapabilityResourcesRead+"; repeatable")
	c.Flags().BoolVar(&options.AllowDowngrade, "allow-downgrade", false, "let an older version replace a newer one")
	// The flag was defined just above, the only thing that can be wrong.
	_ = c.MarkFlagDirname("index")
	c.RunE = a.does(func(ctx context.Context, names []string) error {
		switch {
		case dir == "":
			return usagef("name the folder of the index with --index")
		case options.All && len(names) > 0:
			return usagef("either name plugins or install --all, not both")
		case !options.All && len(names) == 0:
			return usagef("name plugins, or install every plugin of the index with --all")
		}
		home, err := a.trustingHome(dir)
		if err != nil {
			return err
		}
		if _, err := readIndex(dir); err != nil {
			return err
		}
		installed, err := home.Install(ctx, dir, names, options)
		if err != nil {
			return asInput(err)
		}
		return a.emitInstalled(home, installed)
	})
	return c
}

// trustingHome opens an installation that trusts at least one index key. Without one nothing can be installed from dir.
func (a *app) trustingHome(dir string) (*market.Home, error) {
	home, err := a.openHome()
	if err != nil && !errors.Is(err, errNoHome) {
		return nil, err
	}
	if err == nil {
		keys, err := home.IndexKeys()
		if err != nil || len(keys) > 0 {
			return home, err
		}
	}
	return nil, release.NotTrusted(filepath.Join(dir, index.FileName), "", errors.New("this installation trusts no index key; "+
		"get the public key of the index from who runs it, and trust it with lattice-host index trust KEYFILE"))
}

// installedPlugin is what install tells about one plugin.
type installedPlugin struct {
	Plugin       string           `json:"plugin"`
	Version      string           `json:"version"`
	Previous     string           `json:"previous,omitempty"`
	Digest       string           `json:"digest"`
	KeyID        string           `json:"keyId"`
	Outputs      []abi.GroupKind  `json:"outputs"`
	Capabilities []abi.Capability `json:"capabilities"`
}

// emitInstalled tells what was installed, from what is now in the installation.
func (a *app) emitInstalled(home *market.Home, installed []market.Installed) error {
	plugins := make([]installedPlugin, len(installed))
	for i, p := range installed {
		module, err := home.Load(p.Path())
		if err != nil {
			return err
		}
		m := module.Manifest()
		plugins[i] = installedPlugin{
			Plugin: p.Path(), Version: p.Version, Previous: p.Previous, Digest: p.Digest, KeyID: p.KeyID,
			Outputs: append([]abi.GroupKind{}, m.Outputs...), Capabilities: append([]abi.Capability{}, m.Capabilities...),
		}
	}
	return a.emit(map[string]any{"installed": plugins}, func(w io.Writer) {
		for _, p := range plugins {
			p.write(w)
		}
	})
}

func (p installedPlugin) write(w io.Writer) {
	was := ""
	if p.Previous != "" && p.Previous != p.Version {
		was = " (was " + p.Previous + ")"
	}
	fmt.Fprintf(w, "installed %s@%s%s\n", p.Plugin, p.Version, was)
	rows := [][]string{
		{"  digest", p.Digest}, {"  signed by", p.KeyID}, {"  may emit", orNothing(kindNames(p.Outputs))},
	}
	table(w, append(rows, capabilityRows(p.Capabilities)...))
}

func kindNames(kinds []abi.GroupKind) []string {
	names := make([]string, len(kinds))
	for i, k := range kinds {
		names[i] = k.String()
	}
	return names
}

// capabilityRows tell what a plugin may do beyond computing. The reason is the plugin's own text and so in quotes.
func capabilityRows(capabilities []abi.Capability) [][]string {
	if len(capabilities) == 0 {
		return [][]string{{"  capabilities", "none"}}
	}
	var rows [][]string
	for _, c := range capabilities {
		rows = append(rows, []string{"  capability", fmt.Sprintf("%s, because %q", c.Name, c.Reason)})
		for _, host := range c.Hosts {
			rows = append(rows, []string{"", "host " + host})
		}
		for _, kind := range kindNames(c.Kinds) {
			rows = append(rows, []string{"", "kind " + kind})
		}
	}
	return rows
}
