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

	"github.com/latticenet/lattice-host/internal/diskfile"
	"github.com/latticenet/lattice-host/internal/filelock"
	"github.com/latticenet/lattice-host/registry/internal/strictjson"
	"github.com/latticenet/lattice-host/registry/release"
)

// trustFormat is the value of trust.Version.
const trustFormat = 1

// maxTrustBytes is the largest trust.json: some thousands of publishers.
const maxTrustBytes = 1 << 20

// trust is the content of trust.json.
type trust struct {
	Version int `json:"version"`
	// IndexKeys are pinned by the operator, sorted by id.
	IndexKeys []trustedKey `json:"indexKeys"`
	// Publishers are recorded at install, sorted by id.
	Publishers []trustedPublisher `json:"publishers"`
}

type trustedKey struct {
	ID string `json:"id"`
	// PublicKey is the base64 of 32 bytes.
	PublicKey string `json:"publicKey"`
}

type trustedPublisher struct {
	ID string `json:"id"`
	// Index is the id of the index key under which the publisher was first seen.
	Index string       `json:"index"`
	Keys  []trustedKey `json:"keys"`
}

func newTrust() *trust {
	return &trust{Version: trustFormat, IndexKeys: []trustedKey{}, Publishers: []trustedPublisher{}}
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
	if t.IndexKeys == nil || t.Publishers == nil {
		return errors.New("indexKeys and publishers must be arrays")
	}
	if _, err := publicKeys(t.IndexKeys); err != nil {
		return fmt.Errorf("indexKeys: %w", err)
	}
	for i, p := range t.Publishers {
		if _, err := publicKeys(p.Keys); err != nil {
			return fmt.Errorf("publishers.%d: %w", i, err)
		}
		if len(p.Keys) == 0 || p.Index == "" {
			return fmt.Errorf("publishers.%d: %s must have keys and an index", i, strconv.Quote(p.ID))
		}
		if i > 0 && t.Publishers[i-1].ID >= p.ID {
			return fmt.Errorf("publishers.%d: %s must stand once, in the order of ids", i, strconv.Quote(p.ID))
		}
	}
	return nil
}

func (t *trust) publisher(id string) (trustedPublisher, bool) {
	i := slices.IndexFunc(t.Publishers, func(p trustedPublisher) bool { return p.ID == id })
	if i < 0 {
		return trustedPublisher{}, false
	}
	return t.Publishers[i], true
}

func (t *trust) addPublisher(p trustedPublisher) {
	i, _ := slices.BinarySearchFunc(t.Publishers, p.ID, func(o trustedPublisher, id string) int { return strings.Compare(o.ID, id) })
	t.Publishers = slices.Insert(t.Publishers, i, p)
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
		return nil, fmt.Errorf("%s: %w", h.trustFile(), err)
	}
	return t, nil
}

func (h *Home) writeTrust(t *trust) error {
	data, err := strictjson.MarshalIndent(t)
	if err != nil {
		return err
	}
	return diskfile.Replace(h.trustFile(), data, 0o644)
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
		return h.writeTrust(t)
	})
}

// TrustIndexKey pins a key: indexes that it signed may be installed from. Pinning a key again changes nothing.
func (h *Home) TrustIndexKey(key release.PublicKey) error {
	pinned := newTrustedKey(key)
	if _, err := pinned.key(); err != nil {
		return err
	}
	return h.updateTrust(func(t *trust) error {
		if slices.Contains(t.IndexKeys, pinned) {
			return nil
		}
		t.IndexKeys = append(t.IndexKeys, pinned)
		slices.SortFunc(t.IndexKeys, func(a, b trustedKey) int { return strings.Compare(a.ID, b.ID) })
		return nil
	})
}

// UntrustIndexKey takes back a pinned key. What was installed keeps running: its publishers' keys are recorded.
func (h *Home) UntrustIndexKey(id string) error {
	return h.updateTrust(func(t *trust) error {
		before := len(t.IndexKeys)
		t.IndexKeys = slices.DeleteFunc(t.IndexKeys, func(k trustedKey) bool { return k.ID == id })
		if len(t.IndexKeys) == before {
			return fmt.Errorf("%s: the index key %q is not trusted", h.trustFile(), id)
		}
		return nil
	})
}

// IndexKeys returns the pinned keys, sorted by id.
func (h *Home) IndexKeys() ([]release.PublicKey, error) {
	t, err := h.readTrust()
	if err != nil {
		return nil, err
	}
	return publicKeys(t.IndexKeys)
}

// ForgetPublisher deletes the recorded keys of a publisher, so that the next install records those of the index. Until
// then the publisher's installed plugins do not load.
func (h *Home) ForgetPublisher(id string) error {
	return h.updateTrust(func(t *trust) error {
		before := len(t.Publishers)
		t.Publishers = slices.DeleteFunc(t.Publishers, func(p trustedPublisher) bool { return p.ID == id })
		if len(t.Publishers) == before {
			return fmt.Errorf("%s: the publisher %q is not recorded", h.trustFile(), id)
		}
		return nil
	})
}

// admit checks a publisher and its keys, as an index signed by signers gives them, against the record, and records them
// when the publisher is new. It returns the name of the index for the lock.
func (h *Home) admit(t *trust, id string, keys []release.PublicKey, signers []string) (index string, err error) {
	given := make([]trustedKey, len(keys))
	for i, k := range keys {
		given[i] = newTrustedKey(k)
	}
	known, ok := t.publisher(id)
	if !ok {
		t.addPublisher(trustedPublisher{ID: id, Index: signers[0], Keys: given})
		return signers[0], nil
	}
	if !slices.Contains(signers, known.Index) {
		return "", fmt.Errorf("the publisher %s belongs to the index %s, and this one is signed by %s: %s",
			id, known.Index, strings.Join(signers, ", "), h.howToForget(id))
	}
	if !slices.Equal(known.Keys, given) {
		return "", fmt.Errorf("the index gives the publisher %s the key %s, this installation recorded %s: %s",
			id, keyIDs(given), keyIDs(known.Keys), h.howToForget(id))
	}
	return known.Index, nil
}

func (h *Home) howToForget(id string) string {
	return "ask the publisher, and if it is right delete the entry " + strconv.Quote(id) + " under publishers in " +
		h.trustFile() + " and install again"
}

func keyIDs(keys []trustedKey) string {
	ids := make([]string, len(keys))
	for i, k := range keys {
		ids[i] = k.ID
	}
	return strings.Join(ids, ", ")
}
