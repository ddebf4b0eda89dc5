package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/latticenet/lattice-host/internal/problem"
	"github.com/latticenet/lattice-host/registry/latticenet"
	"github.com/latticenet/lattice-host/registry/lifecycle"
)

func (a *app) pluginImportCommand() *cobra.Command {
	var policyFile, dir string
	c := &cobra.Command{
		Use:   "import MANIFEST BUNDLE --trust POLICY --dir DIR",
		Short: "Verify and store a plugin of the LatticeNet server",
		Long: `Import takes a plugin in the format of the LatticeNet server: a manifest (version 1 or 2) and its artifact, which is a
gzipped tar file in version 2. It verifies the digest and the publisher's signature before it opens the bundle, and stores both,
and the files of the bundle, in DIR/ID/VERSION/DIGEST.

Nothing of it runs. Such plugins are native programs for the most part; this host verifies and stores them, and does no more.
To install a plugin from a marketplace and to activate one in a runner are separate acts, of other programs. Plugins that
this host runs are WebAssembly modules, see lattice-host install.

POLICY is a JSON file that says whose signatures count: {"trusted_publishers": {"acme": "BASE64 OF 32 BYTES"}}.`,
		Example: "  lattice-host plugin import manifest.json artifact --trust policy.json --dir plugins",
		Args:    arguments(2, 2, "a manifest or its bundle"),
	}
	c.Flags().StringVar(&policyFile, "trust", "", "`file` with the trust policy")
	c.Flags().StringVar(&dir, "dir", "", "`folder` to store the plugin in; created when it does not exist")
	// The flag was defined just above, the only thing that can be wrong.
	_ = c.MarkFlagDirname("dir")
	c.RunE = a.does(func(_ context.Context, args []string) error {
		switch {
		case policyFile == "":
			return usagef("name the file that says whom to trust with --trust")
		case dir == "":
			return usagef("name the folder to store the plugin in with --dir")
		}
		v, err := verifyLatticeNet(args[0], args[1], policyFile)
		if err != nil {
			return err
		}
		imported, err := latticenet.Import(dir, v)
		if errors.Is(err, latticenet.ErrBundle) {
			return inFile(args[1], err)
		}
		if err != nil {
			return asInput(err)
		}
		for _, other := range imported.Others {
			a.note("%s: another one with this id exists; a loader rejects all of them until one is left", filepath.Join(dir, other))
		}
		report := importReport(v, imported)
		return a.emit(map[string]any{"imported": report}, report.write)
	})
	return c
}

// verifyLatticeNet reads the three files, and verifies a plugin before anything in its bundle is
// looked at.
func verifyLatticeNet(manifestFile, bundleFile, policyFile string) (*latticenet.Verified, error) {
	data, err := readFile(policyFile, latticenet.MaxPolicyBytes)
	if err != nil {
		return nil, err
	}
	policy, err := latticenet.ParsePolicy(data)
	if err != nil {
		return nil, inFile(policyFile, err)
	}
	manifest, err := readFile(manifestFile, latticenet.MaxManifestBytes)
	if err != nil {
		return nil, err
	}
	if _, err := latticenet.Parse(manifest); err != nil {
		return nil, inFile(manifestFile, err)
	}
	artifact, err := readFile(bundleFile, latticenet.MaxArtifactBytes)
	if err != nil {
		return nil, err
	}
	return policy.Verify(manifest, artifact)
}

// inFile blames a file for every problem in err.
func inFile(file string, err error) error {
	list := problem.From(problem.With(problem.Invalid, err))
	for i := range list {
		list[i].Message = list[i].Error()
		list[i].Position, list[i].Object, list[i].Field = problem.Position{File: file}, "", ""
	}
	return list.Err()
}

// importedPlugin is what import tells.
type importedPlugin struct {
	ID           string               `json:"id"`
	Version      string               `json:"version"`
	Name         string               `json:"name"`
	Type         string               `json:"type"`
	Publisher    string               `json:"publisher,omitempty"`
	KeyID        string               `json:"keyId,omitempty"`
	Digest       string               `json:"digest"`
	Folder       string               `json:"folder"`
	Existing     bool                 `json:"existing"`
	State        lifecycle.State      `json:"state"`
	Capabilities []importedCapability `json:"capabilities"`
}

// importedCapability is a capability with what it can do in words.
type importedCapability struct {
	Name  string          `json:"name"`
	Risk  latticenet.Risk `json:"risk"`
	Means string          `json:"means"`
}

func importReport(v *latticenet.Verified, i *latticenet.Imported) importedPlugin {
	m := v.Manifest()
	p := importedPlugin{
		ID: m.ID, Version: m.Version, Name: m.Name, Type: m.Type, Publisher: m.Publisher, KeyID: v.KeyID(), Digest: "sha256:" + v.Digest(),
		Folder: i.Folder, Existing: i.Existing, State: lifecycle.Verified, Capabilities: []importedCapability{},
	}
	for _, name := range m.Capabilities {
		// A manifest with a capability that is not known was refused.
		c, _ := latticenet.LookUp(name)
		p.Capabilities = append(p.Capabilities, importedCapability{c.Name, c.Risk, c.Risk.Means()})
	}
	return p
}

func (p importedPlugin) write(w io.Writer) {
	what := "imported"
	if p.Existing {
		what = "was there already, unchanged:"
	}
	fmt.Fprintf(w, "%s %s@%s\n", what, p.ID, p.Version)
	signer := "no one; the policy allows unsigned plugins"
	if p.KeyID != "" {
		signer = p.Publisher + ", " + p.KeyID
	}
	rows := [][]string{
		{"  name", p.Name}, {"  type", p.Type + "; stored, not run by this host"}, {"  digest", p.Digest}, {"  signed by", signer},
		{"  folder", p.Folder},
	}
	for _, c := range p.Capabilities {
		rows = append(rows, []string{"  capability", fmt.Sprintf("%s (%s risk: %s)", c.Name, c.Risk, c.Means)})
	}
	table(w, rows)
}
