package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/registry/market"
)

// installFlags are those of install and update.
type installFlags struct {
	options  market.Options
	policies policyFlags
	grants   []string
	settings settingsFlags
	activate bool
	frozen   bool
}

func (f *installFlags) register(c *cobra.Command, a *app) {
	flags := c.Flags()
	flags.StringVar(&f.options.Index, "index", "", "`name` of the index to take them from; without it, all that are trusted")
	flags.StringVar(&f.options.From, "from", "", "`place` where the index is now: a tar file that index mirror made, a folder or a URL")
	flags.StringArrayVar(&f.grants, "grant", nil,
		"what these plugins may have: "+abi.CapabilityHTTPGet+", "+abi.CapabilityKV+", "+abi.CapabilityResourcesRead+", or a `file` with grants; repeatable")
	flags.BoolVar(&f.options.Registry.PlainHTTP, "plain-http", false, "pull without TLS, from a registry on this machine")
	f.settings.register(c, "; releases are skipped that need software which the platform does not have; remembered")
	flags.BoolVar(&f.options.AllowDowngrade, "allow-downgrade", false, "let an older version replace a newer one")
	flags.BoolVar(&f.options.AllowYanked, "allow-yanked", false, "let a version be installed that the index yanked")
	f.policies.register(c)
	// The flags were defined just above, the only thing that can be wrong.
	_ = c.MarkFlagFilename("from")
	_ = c.RegisterFlagCompletionFunc("index", a.completeIndexes)
}

func (a *app) installCommand() *cobra.Command {
	f := new(installFlags)
	c := &cobra.Command{
		Use:   "install {NAME... | --all | --locked | --frozen}",
		Short: "Install plugins from the trusted indexes",
		Long: `Install refreshes the trusted indexes, takes plugins from them, verifies them, and locks their digests. Either all are
installed or none.

NAME is publisher/name, publisher/name@RANGE, or a bare name that only one publisher uses. RANGE is a version or a range such
as ^1, ~1.2 or ">=1, <3"; update keeps to it. The highest version that fits is chosen that is neither yanked nor revoked.
A publisher belongs to the index that the first plugin of it came from.

What a plugin needs in the cluster, such as KEDA, is shown. With --platform, whose spec.software says which versions of what run
there, releases that need something else are not chosen. The installation remembers this for later installs and updates
without --platform; a file that does not say it makes the installation forget.

A plugin can do nothing but compute. One that asks for more, a capability, is shown in words and installed only when somebody
at the terminal agrees or --grant allows it: a capability by name, or a file that says what each plugin may have. The consent
holds for this signer and exactly these capabilities, hosts and kinds.

A new plugin is installed and not active: lattice-host enable NAME, or --activate, lets it run.

With --locked nothing but what the lock says is installed, without names all of it: so a copied lattice.lock becomes an
installation. With --frozen no index is asked at all: everything must be in the store already.`,
		Example: `  lattice-host install demo/keda@^1
  lattice-host install --all --activate
  lattice-host install acme/prices --grant grants.yaml
  lattice-host install acme/keda --from idx.tar
  lattice-host install acme/keda --platform platform.yaml
  lattice-host install --locked`,
	}
	f.register(c, a)
	c.Flags().BoolVar(&f.options.All, "all", false, "install every plugin of the index")
	c.Flags().BoolVar(&f.options.Locked, "locked", false, "refuse whatever would change the lock")
	c.Flags().BoolVar(&f.frozen, "frozen", false, "ask no index; check what is there against the lock")
	c.Flags().BoolVar(&f.activate, "activate", false, "let the plugins run, too")
	c.RunE = a.does(func(ctx context.Context, names []string) error {
		if err := f.check(names); err != nil {
			return err
		}
		home, err := a.openHome()
		if err != nil {
			return err
		}
		if err := a.prepareInstall(ctx, f, home); err != nil {
			return err
		}
		var installed []market.Installed
		if f.frozen {
			installed, err = home.Frozen(ctx, f.options)
		} else {
			installed, err = home.Install(ctx, names, f.options)
		}
		if err != nil {
			return asInput(err)
		}
		return a.afterInstall(ctx, home, installed, f.activate)
	})
	return c
}

// prepareInstall reads what decides about an install: policies, and consent in advance.
func (a *app) prepareInstall(ctx context.Context, f *installFlags, home *market.Home) error {
	e, _, err := a.plainEngine(home, &f.policies)
	if err != nil {
		return err
	}
	settings, err := f.settings.read()
	if err != nil {
		return err
	}
	f.options.Software, f.options.Forget = settings.Software, f.settings.given() && settings.Software == nil
	f.options.Registry.Credential = dockerLogins
	f.options.PassedOver = func(problem error) { a.note("warning: %s", problem) }
	f.options.Admit = e.Admission(func(m market.Admission) error { return checkModule(m.Manifest, m.Wasm) }, a.ask != nil)
	f.options.Consent, err = a.readConsent(ctx, f.grants)
	return err
}

func (f *installFlags) check(names []string) error {
	whole := f.options.All || f.options.Locked || f.frozen
	switch {
	case f.frozen && (len(names) > 0 || f.options.All || f.options.From != "" || f.options.Index != ""):
		return usagef("--frozen takes what the lock says and asks no index: leave names, --all, --from and --index out")
	case f.options.All && len(names) > 0:
		return usagef("either name plugins or install --all, not both")
	case !whole && len(names) == 0:
		return usagef("name plugins, or install every plugin of the index with --all")
	}
	return nil
}

// afterInstall activates what was installed if that was asked for, and tells about it.
func (a *app) afterInstall(ctx context.Context, home *market.Home, installed []market.Installed, activate bool) error {
	if err := a.auditInstalled(ctx, installed); err != nil {
		return err
	}
	if activate {
		names := make([]string, len(installed))
		for i, p := range installed {
			names[i] = p.Path()
		}
		enabled, err := home.SetActive(names, true, "")
		if err != nil {
			return asInput(err)
		}
		if err := a.auditPlugins(ctx, "plugin.enabled", enabled, ""); err != nil {
			return err
		}
	}
	return a.emitInstalled(ctx, home, installed)
}

// installedPlugin is what install and update tell about one plugin.
type installedPlugin struct {
	Plugin       string           `json:"plugin"`
	Version      string           `json:"version"`
	Previous     string           `json:"previous,omitempty"`
	Index        string           `json:"index"`
	Digest       string           `json:"digest"`
	KeyID        string           `json:"keyId"`
	CoSigners    []string         `json:"coSigners,omitempty"`
	Threshold    int              `json:"threshold,omitempty"`
	Outputs      []abi.GroupKind  `json:"outputs"`
	Capabilities []abi.Capability `json:"capabilities"`
	Providers    []abi.Provider   `json:"providers,omitempty"`
	State        string           `json:"state"`
	Notes        []string         `json:"notes,omitempty"`

	asks, signers []string
}

// emitInstalled tells what was installed, from what is now in the installation.
func (a *app) emitInstalled(ctx context.Context, home *market.Home, installed []market.Installed) error {
	s, err := home.Snapshot(ctx, market.Policy{})
	if err != nil {
		return err
	}
	plugins := make([]installedPlugin, len(installed))
	for i, p := range installed {
		loaded, err := s.Verify(ctx, p.Plugin)
		if err != nil {
			return err
		}
		m := loaded.Module.Manifest()
		state, _ := s.State(p.Plugin)
		plugins[i] = installedPlugin{
			Plugin: p.Path(), Version: p.Version, Previous: p.Previous, Index: p.Index, Digest: p.Digest, KeyID: p.KeyID, CoSigners: p.CoSigners, Threshold: p.Threshold,
			Outputs: append([]abi.GroupKind{}, m.Outputs...), Capabilities: append([]abi.Capability{}, m.Capabilities...),
			Providers: m.Providers, State: state.String(), Notes: p.Notes, asks: market.Asks(m), signers: p.Signers(),
		}
	}
	return a.emit(map[string]any{"installed": plugins}, func(w io.Writer) {
		for _, p := range plugins {
			p.write(w)
		}
		if len(plugins) == 0 {
			fmt.Fprintln(w, "nothing to do")
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
		{"  digest", p.Digest}, {"  index", p.Index}, {"  signed by", strings.Join(p.signers, ", ")}, {"  may emit", orNothing(kindNames(p.Outputs))},
	}
	for _, provider := range p.Providers {
		rows = append(rows, []string{"  needs", market.NameProvider(provider)})
	}
	for i, asks := range p.asks {
		title := ""
		if i == 0 {
			title = "  capabilities"
		}
		rows = append(rows, []string{title, asks})
	}
	if len(p.asks) == 0 {
		rows = append(rows, []string{"  capabilities", "none"})
	}
	state := p.State
	if state == "installed" {
		state = "installed; lattice-host enable " + p.Plugin + " lets it run"
	}
	rows = append(rows, []string{"  state", state})
	for _, note := range p.Notes {
		rows = append(rows, []string{"  note", note})
	}
	table(w, rows)
}

func kindNames(kinds []abi.GroupKind) []string {
	names := make([]string, len(kinds))
	for i, k := range kinds {
		names[i] = k.String()
	}
	return names
}
