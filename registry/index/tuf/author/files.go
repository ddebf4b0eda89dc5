package author

import (
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/latticenet/lattice-host/registry/index/tuf"
)

// SetStatic has the index list the static document, or not list it any more when content is nil.
// Reading it needs nothing but the document: anyone who signs it takes care that it says what the
// releases say.
func (d *Draft) SetStatic(content []byte) error {
	role, signed, err := d.role(tuf.StaticTarget)
	if err != nil {
		return err
	}
	if content == nil {
		if signed.Targets[tuf.StaticTarget] != nil {
			delete(signed.Targets, tuf.StaticTarget)
			d.changed[role] = true
			d.note("%s: takes %s away", RoleReleases, tuf.StaticTarget)
		}
		return nil
	}
	changed, err := d.put(tuf.StaticTarget, content)
	if err == nil && changed {
		d.note("%s: sets %s, %d bytes", RoleReleases, tuf.StaticTarget, len(content))
	}
	return err
}

// File is a target of the index.
type File struct {
	// Name is the name of the target, Path where it lies below the folder targets, Length its size
	// in bytes.
	Name, Path string
	Length     int64
	// Digest is that of the content, in the form of release.Digest.
	Digest string
}

// Files returns the targets of the index in the order of their names. It reads all bins.
func (d *Draft) Files() ([]File, error) {
	targets := maps.Clone(d.targets.Signed.Targets)
	for _, role := range d.listNames() {
		l, err := d.list(role)
		if err != nil {
			return nil, err
		}
		maps.Copy(targets, l.Signed.Targets)
	}
	files := make([]File, 0, len(targets))
	for _, name := range slices.Sorted(maps.Keys(targets)) {
		file := targets[name]
		files = append(files, File{
			Name: name, Path: targetPath(name, file), Length: file.Length, Digest: "sha256:" + hex.EncodeToString(file.Hashes["sha256"]),
		})
	}
	return files, nil
}

// Metadata returns the names of the files of metadata that the index consists of, roots aside: the
// timestamp, and what leads from it to every target.
func (d *Draft) Metadata() ([]string, error) {
	files := []string{"timestamp.json", fmt.Sprintf("%d.snapshot.json", d.snapshot.Signed.Version)}
	for _, role := range append([]string{RoleTargets}, d.listNames()...) {
		meta := d.snapshot.Signed.Meta[role+".json"]
		if meta == nil {
			return nil, errors.New("the snapshot does not name the role " + role)
		}
		files = append(files, fmt.Sprintf("%d.%s.json", meta.Version, role))
	}
	return files, nil
}
