package latticenet

import (
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/latticenet/lattice-host/internal/diskfile"
)

// maxStored is how many plugins a folder may have.
const maxStored = 4096

// Plugin is a stored plugin that was found good.
type Plugin struct {
	Manifest *Manifest
	// Folder is relative to that of all, with forward slashes.
	Folder string
	// Digest is the SHA-256 of the artifact in hexadecimal.
	Digest string
	// KeyID is the id of the key that signed; empty when the policy lets the plugin come without a signature.
	KeyID string
}

// Outcome tells what became of one stored plugin.
type Outcome struct {
	// Folder is relative to that of all, with forward slashes.
	Folder string `json:"folder"`
	// ID and Version are empty when the manifest cannot be read.
	ID      string `json:"id,omitempty"`
	Version string `json:"version,omitempty"`
	Loaded  bool   `json:"loaded"`
	// Reason says in one line why a plugin was rejected.
	Reason string `json:"reason,omitempty"`
}

// Load verifies every plugin in dir, a folder that [Import] filled, from the bytes on disk up. It returns the good ones and
// what became of each, both in the order of folders. A bad plugin stands in nobody's way. Of several with one id, none is
// good; nor is one whose required dependencies are not.
func Load(dir string, p *Policy) ([]Plugin, []Outcome, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, nil, err
	}
	l := loader{root: root, policy: p}
	err = errors.Join(l.load(), root.Close())
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", dir, err)
	}
	l.rejectDuplicates()
	for l.rejectUnmet() {
		continue
	}
	plugins := []Plugin{}
	outcomes := make([]Outcome, len(l.found))
	for i, f := range l.found {
		outcomes[i] = f.outcome
		if f.outcome.Loaded {
			plugins = append(plugins, f.plugin)
		}
	}
	return plugins, outcomes, nil
}

type loader struct {
	root   *os.Root
	policy *Policy
	found  []*found
}

// found is one folder, and what is known of it.
type found struct {
	plugin  Plugin
	outcome Outcome
}

func (f *found) reject(reason string) {
	f.outcome.Loaded, f.outcome.Reason = false, reason
}

// load finds the folders, three levels down. What begins with a dot is the importer's own.
func (l *loader) load() error {
	folders, err := l.below([]string{"."})
	for level := 1; level < 3 && err == nil; level++ {
		folders, err = l.below(folders)
	}
	if err != nil {
		return err
	}
	if len(folders) > maxStored {
		return fmt.Errorf("there are more than %d plugins", maxStored)
	}
	for _, folder := range folders {
		f := &found{outcome: Outcome{Folder: folder, Loaded: true}}
		l.found = append(l.found, f)
		if err := l.verify(folder, f); err != nil {
			f.reject(strings.ReplaceAll(err.Error(), "\n", "; "))
		}
	}
	return nil
}

// below returns what is in folders. A file where a folder should be has nothing in it, so it is taken for a plugin, which will
// be rejected.
func (l *loader) below(folders []string) ([]string, error) {
	var inside []string
	for _, folder := range folders {
		info, err := l.root.Lstat(folder)
		if err != nil {
			return nil, err
		}
		if !info.IsDir() {
			inside = append(inside, folder)
			continue
		}
		names, err := listFolder(l.root, folder)
		if err != nil {
			return nil, err
		}
		for _, name := range names {
			if folder != "." || !strings.HasPrefix(name, ".") {
				inside = append(inside, path.Join(folder, name))
			}
		}
	}
	return inside, nil
}

// verify reads a plugin from the disk and compares all that is stored with it.
func (l *loader) verify(folder string, f *found) error {
	document, artifact, err := readStored(l.root.OpenFile, folder)
	if err != nil {
		return err
	}
	m, err := Parse(document)
	if err != nil {
		return fmt.Errorf("%s: %w", ManifestFile, err)
	}
	f.outcome.ID, f.outcome.Version = m.ID, m.Version
	v, err := l.policy.Verify(document, artifact)
	if err != nil {
		return err
	}
	if v.folder() != folder {
		return fmt.Errorf("%s: the plugin belongs into %s", folder, v.folder())
	}
	f.plugin = Plugin{Manifest: m, Folder: folder, Digest: v.digest, KeyID: v.keyID}
	if err := v.checkContent(defaultLimits()); err != nil {
		return err
	}
	return v.compare(l.root, folder, defaultLimits())
}

// readStored reads the two files that every version has.
func readStored(open diskfile.Opener, folder string) (document, artifact []byte, err error) {
	document, err = diskfile.Read(open, path.Join(folder, ManifestFile), MaxManifestBytes)
	if err != nil {
		return nil, nil, err
	}
	artifact, err = diskfile.Read(open, path.Join(folder, ArtifactFile), MaxArtifactBytes)
	return document, artifact, err
}

// rejectDuplicates rejects every plugin whose id another good one has too: which of them was meant is not for the loader to
// say.
func (l *loader) rejectDuplicates() {
	count := map[string]int{}
	for _, f := range l.found {
		if f.outcome.Loaded {
			count[f.plugin.Manifest.ID]++
		}
	}
	for _, f := range l.found {
		if f.outcome.Loaded && count[f.plugin.Manifest.ID] > 1 {
			f.reject(fmt.Sprintf("%d plugins have the id %s, remove all but one", count[f.plugin.Manifest.ID], f.plugin.Manifest.ID))
		}
	}
}

// rejectUnmet rejects the plugins that lack a dependency, and reports whether there were any. Others may have needed those.
func (l *loader) rejectUnmet() bool {
	good, rejected := map[string]string{}, set{}
	for _, f := range l.found {
		if f.outcome.Loaded {
			good[f.outcome.ID] = f.outcome.Version
		} else {
			rejected[f.outcome.ID] = true
		}
	}
	changed := false
	for _, f := range l.found {
		if !f.outcome.Loaded {
			continue
		}
		if reason := unmet(f.plugin.Manifest, good, rejected); reason != "" {
			f.reject(reason)
			changed = true
		}
	}
	return changed
}

// unmet says which required dependency a plugin lacks; empty when it lacks none.
func unmet(m *Manifest, good map[string]string, rejected set) string {
	for _, d := range m.Dependencies {
		version, ok := good[d.ID]
		switch {
		case d.Optional:
		case !ok && rejected[d.ID]:
			return fmt.Sprintf("required dependency %q was rejected itself", d.ID)
		case !ok:
			return fmt.Sprintf("required dependency %q is not installed", d.ID)
		case !inRange(version, d.Version):
			return fmt.Sprintf("required dependency %q: version %s does not satisfy %q", d.ID, version, d.Version)
		}
	}
	return ""
}

func inRange(version, versions string) bool {
	r, err := ParseRange(versions)
	return err == nil && r.Contains(version)
}

// ReadFolder reads a plugin as publishers hand it out: a folder with a manifest and an artifact under their fixed names.
func ReadFolder(dir string) (document, artifact []byte, err error) {
	return readStored(os.OpenFile, filepath.ToSlash(dir))
}
