package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/host/sandbox"
	"github.com/latticenet/lattice-host/registry/market"
	"github.com/latticenet/lattice-host/registry/release"
)

func (a *app) pluginInspectCommand() *cobra.Command {
	var cases string
	c := &cobra.Command{
		Use:   "inspect {FILE | DIR | NAME}",
		Short: "Show what a plugin is, and what it takes",
		Long: `Inspect reads a module from a file, builds it from a plugin's folder, or takes an installed plugin, and shows its manifest,
what it imports and exports, its memory, its size, its digest and what compiling it takes. A file is not verified; an
installed plugin is. Nothing of the module runs.

Compile is a class, processor time and memory. It is estimated from the module, so that it is the same on every machine, and
rather too high; a module that would take more than the contract allows is refused, here and by every command that builds,
publishes, installs or runs it.

With --cases it also runs the module, in the sandbox, on each case in a folder, and shows the fuel, the memory and the size
of the answer. The fuel is the same on every machine; limits.fuel of the manifest bounds that of one call. A case is a file
*.txtar with a document in resource.yaml and, if it needs them, peers.yaml, settings.yaml and pipeline.yaml. Other plugins of
the pipeline are the installed ones; for those that are not installed, nothing is put in front of the plugin, and the case
says so. A plugin's folder brings its own cases, in testdata.`,
		Example: `  lattice-host plugin inspect keda.wasm
  lattice-host plugin inspect ./keda
  lattice-host plugin inspect acme/keda --cases keda/testdata -o json`,
		Args: arguments(1, 1, "a file, the folder of a plugin or the name of an installed plugin"),
	}
	c.Flags().StringVar(&cases, "cases", "", "`folder` of cases to run the module on")
	c.RunE = a.does(func(ctx context.Context, args []string) error {
		wasm, signature, err := a.readModule(ctx, args[0])
		if err != nil {
			return err
		}
		inspected, err := inspect(wasm)
		if err != nil {
			return inputf("%s: %w", args[0], err)
		}
		inspected.Signature = signature
		var failed error
		if dir := casesOf(cases, args[0]); dir != "" {
			if inspected.Cases, failed = a.runCases(ctx, wasm, dir); inspected.Cases == nil {
				return failed
			}
		}
		return errors.Join(a.emit(inspected, inspected.write), failed)
	})
	return c
}

// readModule returns the module in a file, of a plugin's folder or of an installed plugin, and what
// is known of its signature.
func (a *app) readModule(ctx context.Context, name string) (wasm []byte, signature string, err error) {
	if isPluginFolder(name) {
		wasm, err := buildModule(ctx, name)
		return wasm, "none", err
	}
	if info, err := os.Stat(name); err == nil && !info.IsDir() {
		wasm, err := readFile(name, abi.MaxModuleBytes)
		if err != nil {
			return nil, "", err
		}
		return wasm, signatureFileOf(name), nil
	}
	home, err := a.openHome()
	if errors.Is(err, errNoHome) {
		return nil, "", inputf("%s: is neither a file nor the folder of a plugin, and there is no installation that could have it", name)
	}
	if err != nil {
		return nil, "", err
	}
	plugins, err := installedPlugins(home, []string{name})
	if err != nil && !errors.Is(err, release.ErrNotTrusted) {
		return nil, "", inputf("%s: is neither a file, nor the folder of a plugin, nor an installed plugin; lattice-host list prints those", name)
	}
	if err != nil {
		return nil, "", err
	}
	installed, err := home.Snapshot(ctx, market.Policy{})
	if err != nil {
		return nil, "", err
	}
	loaded, err := installed.Verify(ctx, plugins[0])
	if err != nil {
		return nil, "", err
	}
	return loaded.Module.Wasm(), "verified, by " + strings.Join(plugins[0].Signers(), ", "), nil
}

// signatureFileOf describes the signature file next to a module.
func signatureFileOf(file string) string {
	data, err := readFile(file+signatureEnding, release.MaxBundleBytes)
	if err != nil {
		return "none"
	}
	bundle, err := release.ParseBundle(data)
	if err != nil {
		return file + signatureEnding + ", which cannot be read"
	}
	return file + signatureEnding + ", not verified, by " + strings.Join(bundle.KeyIDs(), ", ")
}

// inspected is what inspect shows.
type inspected struct {
	Digest    string `json:"digest"`
	Size      int    `json:"size"`
	Signature string `json:"signature"`
	// Manifest is the manifest in canonical form; absent when ManifestError says why.
	Manifest      json.RawMessage     `json:"manifest,omitempty"`
	ManifestError string              `json:"manifestError,omitempty"`
	Module        *sandbox.ModuleInfo `json:"module"`
	// Cases are in the order of their names; absent when none were run.
	Cases []caseUsage `json:"cases,omitempty"`

	manifest *abi.Manifest
}

func inspect(wasm []byte) (*inspected, error) {
	info, err := sandbox.Inspect(wasm)
	if err != nil {
		return nil, err
	}
	i := &inspected{Digest: release.Digest(wasm), Size: len(wasm), Module: info}
	section, err := release.ManifestSection(wasm)
	if err == nil {
		i.manifest, err = abi.ParseManifest(section)
	}
	if err != nil {
		i.manifest, i.ManifestError = nil, err.Error()
		return i, nil
	}
	i.Manifest = i.manifest.CanonicalJSON()
	return i, nil
}

func (i *inspected) write(w io.Writer) {
	if i.manifest != nil {
		fmt.Fprintln(w, i.manifest.Reference())
	} else {
		fmt.Fprintln(w, printable("no valid manifest: "+i.ManifestError))
	}
	table(w, append([][]string{
		{"  digest", i.Digest}, {"  size", strconv.Itoa(i.Size) + " bytes"}, {"  signature", i.Signature},
	}, slices.Concat(i.manifestRows(), i.memoryRows(), i.compileRows())...))
	rows := [][]string{}
	for _, e := range i.Module.Imports {
		rows = append(rows, []string{"  import", e.Kind, e.Module + "." + e.Name, e.Type})
	}
	for _, e := range i.Module.Exports {
		rows = append(rows, []string{"  export", e.Kind, e.Name, e.Type})
	}
	table(w, rows)
	rows = nil
	for _, c := range i.Cases {
		rows = append(rows, c.row())
	}
	table(w, rows)
}

// memoryRows say how much memory the module begins with, and how much it may get.
func (i *inspected) memoryRows() [][]string {
	const pageKiB = 64
	var rows [][]string
	for _, m := range i.Module.Memories {
		text := strconv.FormatUint(uint64(m.Min)*pageKiB, 10) + " KiB at its start"
		if m.Max != nil {
			text += ", at most " + strconv.FormatUint(uint64(*m.Max)*pageKiB, 10) + " KiB"
		}
		rows = append(rows, []string{"  memory", text})
	}
	return rows
}

// compileRows say what compiling the module takes, or why no host compiles it.
func (i *inspected) compileRows() [][]string {
	c := i.Module.Compile
	if c == nil {
		return [][]string{{"  compile", "refused: " + i.Module.CompileError}}
	}
	return [][]string{{"  compile", fmt.Sprintf("%s (≈%.1f s, ≈%d MiB)", c.Class, float64(c.Millis)/1000, max(1, c.MemoryBytes>>20))}}
}

func (i *inspected) manifestRows() [][]string {
	m := i.manifest
	if m == nil {
		return nil
	}
	rows := [][]string{
		{"  summary", m.Summary}, {"  abi", strconv.FormatInt(m.ABI, 10) + ", " + string(m.Encoding)},
	}
	if m.Transport != "" {
		rows = append(rows, []string{"  transport", string(m.Transport)})
	}
	for _, d := range m.Derives {
		text := abi.GroupKind{Group: d.Group, Kind: d.Kind}.String() + ", covers " + orNothing(d.Covers)
		if len(d.When) > 0 {
			text += ", called for " + strings.Join(d.When, ", ")
		}
		rows = append(rows, []string{"  derives", text})
	}
	for _, list := range []struct {
		name  string
		kinds []abi.GroupKind
	}{{"emits", m.Outputs}, {"contributes", m.Contributes}, {"reads", m.Reads}, {"requires", m.Requires}} {
		if len(list.kinds) > 0 {
			rows = append(rows, []string{"  " + list.name, orNothing(kindNames(list.kinds))})
		}
	}
	if len(m.Platform) > 0 {
		rows = append(rows, []string{"  is told", "of the platform: " + strings.Join(m.Platform, ", ")})
	}
	for _, p := range m.Providers {
		rows = append(rows, []string{"  needs", market.NameProvider(p)})
	}
	return append(rows, capabilityRows(m.Capabilities)...)
}

// capabilityRows tell what a plugin may do beyond computing. The reason is the plugin's own text
// and so in quotes.
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
