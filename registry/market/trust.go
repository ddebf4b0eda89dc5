package market

import (
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/internal/diskfile"
	"github.com/latticenet/lattice-host/internal/filelock"
	"github.com/latticenet/lattice-host/registry/internal/strictjson"
	"github.com/latticenet/lattice-host/registry/release"
)

// trustFormat is the value of trust.Version.
const trustFormat = 2

// maxTrustBytes is the largest trust.json: some thousands of publishers.
const maxTrustBytes = 1 << 20

// maxLocationBytes bounds where an index is.
const maxLocationBytes = 4096

// trust is the content of trust.json: what an operator decided, and what followed from that.
type trust struct {
	Version int `json:"version"`
	// Indexes are those that the operator trusts, sorted by name.
	Indexes []Index `json:"indexes"`
	// Publishers are recorded at install, sorted by id. Each belongs to one index.
	Publishers []trustedPublisher `json:"publishers"`
}

// Index is an index that the operator trusts.
type Index struct {
	// Name is what the installation calls it: lower-case letters, digits and single hyphens.
	Name string `json:"name"`
	// Location is where it is: an http or https URL, a folder, or a tar file.
	Location string `json:"location"`
	// Root is the SHA-256 of the root metadata that the operator pinned, in the form of
	// release.Digest.
	Root string `json:"root"`
}

type trustedPublisher struct {
	ID string `json:"id"`
	// Index is the name of the index that the publisher belongs to.
	Index string `json:"index"`
	// Keys are those that signed what was installed, sorted by id.
	Keys []trustedKey `json:"keys"`
}

type trustedKey struct {
	ID string `json:"id"`
	// PublicKey is the base64 of 32 bytes.
	PublicKey string `json:"publicKey"`
}

func newTrust() *trust {
	return &trust{Version: trustFormat, Indexes: []Index{}, Publishers: []trustedPublisher{}}
}

func newTrustedKey(k release.PublicKey) trustedKey {
	return trustedKey{ID: k.ID, PublicKey: base64.StdEncoding.EncodeToString(k.Ed25519)}
}

func (k trustedKey) key() (release.PublicKey, error) {
	raw, err := base64.StdEncoding.Strict().DecodeString(k.PublicKey)
	if err != nil || len(raw) != ed25519.PublicKeySize {
		return release.PublicKey{}, fmt.Errorf("the key %q must be the base64 of %d bytes", k.ID, ed25519.PublicKeySize)
	}
	key, err := release.NewPublicKey(raw)
	if err == nil && key.ID != k.ID {
		err = fmt.Errorf("the key %q must have the id %s", k.ID, key.ID)
	}
	return key, err
}

func publicKeys(keys []trustedKey) ([]release.PublicKey, error) {
	public := make([]release.PublicKey, len(keys))
	for i, k := range keys {
		var err error
		if public[i], err = k.key(); err != nil {
			return nil, err
		}
	}
	return public, nil
}

func parseTrust(data []byte) (*trust, error) {
	var t trust
	if err := strictjson.Decode(data, maxTrustBytes, &t); err != nil {
		return nil, err
	}
	return &t, t.check()
}

func (t *trust) check() error {
	if t.Version != trustFormat {
		return fmt.Errorf("version: is %d, this program reads version %d", t.Version, trustFormat)
	}
	if t.Indexes == nil || t.Publishers == nil {
		return errors.New("indexes and publishers must be arrays")
	}
	for i, x := range t.Indexes {
		if err := x.check(); err != nil {
			return fmt.Errorf("indexes.%d.%w", i, err)
		}
		if i > 0 && t.Indexes[i-1].Name >= x.Name {
			return fmt.Errorf("indexes.%d: %s must appear once, in the order of names", i, x.Name)
		}
	}
	for i, p := range t.Publishers {
		if err := t.checkPublisher(p); err != nil {
			return fmt.Errorf("publishers.%d: %w", i, err)
		}
		if i > 0 && t.Publishers[i-1].ID >= p.ID {
			return fmt.Errorf("publishers.%d: %s must appear once, in the order of ids", i, strconv.Quote(p.ID))
		}
	}
	return nil
}

func (x Index) check() error {
	switch {
	case !abi.ValidName(x.Name):
		return fmt.Errorf("name: %q must be lower-case letters, digits and single hyphens, at most 40", x.Name)
	case x.Location == "" || len(x.Location) > maxLocationBytes || strings.ContainsFunc(x.Location, func(r rune) bool { return r < ' ' || r == 0x7f }):
		return fmt.Errorf("location: %q must be a URL, a folder or a tar file", x.Location)
	case !release.ValidDigest(x.Root):
		return fmt.Errorf("root: %q must be sha256: and 64 hexadecimal digits", x.Root)
	}
	return nil
}

func (t *trust) checkPublisher(p trustedPublisher) error {
	if _, err := publicKeys(p.Keys); err != nil {
		return err
	}
	if len(p.Keys) == 0 || !abi.ValidName(p.ID) {
		return fmt.Errorf("%s must have a name and keys", strconv.Quote(p.ID))
	}
	if t.index(p.Index) == nil {
		return fmt.Errorf("%s belongs to the index %s, which is not among the indexes", p.ID, strconv.Quote(p.Index))
	}
	return nil
}

// index returns the index with a name, or nil.
func (t *trust) index(name string) *Index {
	i := slices.IndexFunc(t.Indexes, func(x Index) bool { return x.Name == name })
	if i < 0 {
		return nil
	}
	return &t.Indexes[i]
}

// publisher returns the record of a publisher, or nil.
func (t *trust) publisher(id string) *trustedPublisher {
	i := slices.IndexFunc(t.Publishers, func(p trustedPublisher) bool { return p.ID == id })
	if i < 0 {
		return nil
	}
	return &t.Publishers[i]
}

// record notes that a publisher of an index signed something with keys. The error says that the
// publisher belongs to another index: who sets up a second index must not be able to offer plugins
// in the name of a publisher that is known.
func (t *trust) record(id, index string, keys ...release.PublicKey) error {
	known := t.publisher(id)
	if known == nil {
		i, _ := slices.BinarySearchFunc(t.Publishers, id, func(o trustedPublisher, id string) int { return strings.Compare(o.ID, id) })
		t.Publishers = slices.Insert(t.Publishers, i, trustedPublisher{ID: id, Index: index})
		known = &t.Publishers[i]
	}
	if known.Index != index {
		return fmt.Errorf("the publisher %s belongs to the index %s, and %s offers it too: ask the publisher which one is right; "+
			"lattice-host index forget %s makes the installation forget where it belongs", id, known.Index, index, id)
	}
	for _, key := range keys {
		if added := newTrustedKey(key); !slices.Contains(known.Keys, added) {
			known.Keys = append(known.Keys, added)
		}
	}
	slices.SortFunc(known.Keys, func(a, b trustedKey) int { return strings.Compare(a.ID, b.ID) })
	return nil
}

func (h *Home) readTrust() (*trust, error) {
	data, err := diskfile.Read(os.OpenFile, h.trustFile(), maxTrustBytes)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: is not an installation, it has no trust.json: %w", h.dir, err)
	}
	if err != nil {
		return nil, err
	}
	t, err := parseTrust(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w: restore it, or remove it, trust the indexes again and install again", h.trustFile(), err)
	}
	return t, nil
}

func (h *Home) writeTrust(t *trust) error {
	data, err := strictjson.MarshalIndent(t)
	if err != nil {
		return err
	}
	return replaceChanged(h.trustFile(), data)
}

// replaceChanged writes a file unless it has this content already: making a file durable takes
// longer than reading it.
func replaceChanged(file string, data []byte) error {
	if present, err := diskfile.Read(os.OpenFile, file, int64(len(data))); err == nil && slices.Equal(present, data) {
		return nil
	}
	return diskfile.Replace(file, data, 0o644)
}

// updateTrust changes trust.json while nothing else changes the installation.
func (h *Home) updateTrust(change func(*trust) error) error {
	return filelock.With(h.lockFile(), func() error {
		t, err := h.readTrust()
		if err != nil {
			return err
		}
		if err := change(t); err != nil {
			return err
		}
		if err := t.check(); err != nil {
			return err
		}
		return h.writeTrust(t)
	})
}

// ForgetPublisher deletes the record of a publisher, so that the next install records the index
// that it comes from then. Until then the publisher's installed plugins do not load.
func (h *Home) ForgetPublisher(id string) error {
	return h.updateTrust(func(t *trust) error {
		if t.publisher(id) == nil {
			return fmt.Errorf("%s: the publisher %q is not recorded", h.trustFile(), id)
		}
		t.Publishers = slices.DeleteFunc(t.Publishers, func(p trustedPublisher) bool { return p.ID == id })
		return nil
	})
}
