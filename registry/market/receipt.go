package market

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/latticenet/lattice-host/internal/diskfile"
	"github.com/latticenet/lattice-host/registry/internal/strictjson"
	"github.com/latticenet/lattice-host/registry/lock"
)

const (
	receiptFormat   = 1
	maxReceiptBytes = 256 << 10
)

// receipt says that somebody agreed to what a plugin may do. It is bound to the plugin, the index,
// the keys that signed, and the whole set of capabilities with their hosts and kinds: its file is
// named after these, so a change of any of them finds no receipt. It does not name a version: an
// update that asks for the same needs no new consent.
type receipt struct {
	Version int `json:"version"`
	// Plugin is publisher/name.
	Plugin string `json:"plugin"`
	Index  string `json:"index"`
	// KeyID and CoSigners are the keys that signed, as the lock has them.
	KeyID     string   `json:"keyId"`
	CoSigners []string `json:"coSigners,omitempty"`
	// Capabilities are in one order, Digest is theirs.
	Capabilities []Grant `json:"capabilities"`
	Digest       string  `json:"digest"`
	// GrantedAt and GrantedBy are for people.
	GrantedAt string `json:"grantedAt"`
	GrantedBy string `json:"grantedBy"`
}

// newReceipt returns the receipt for what an entry of the lock asks for, not yet given by anybody.
func newReceipt(p lock.Plugin, asked []Grant) (*receipt, error) {
	r := receiptOf(p)
	r.Capabilities = append(r.Capabilities, asked...)
	var err error
	r.Digest, err = digestOf(asked)
	return r, err
}

// receiptOf returns what names the receipt of an installed plugin.
func receiptOf(p lock.Plugin) *receipt {
	return &receipt{
		Version: receiptFormat, Plugin: p.Path(), Index: p.Index, KeyID: p.KeyID, CoSigners: p.CoSigners,
		Digest: p.Capabilities.Digest, Capabilities: []Grant{},
	}
}

// prefix begins the names of all receipts of a plugin. Names of publishers and plugins have no
// dots.
func receiptPrefix(plugin string) string { return strings.Replace(plugin, "/", ".", 1) + "." }

func (h *Home) receiptFile(r *receipt) string {
	signers := strings.Join(append([]string{r.KeyID}, r.CoSigners...), ",")
	sum := sha256.Sum256([]byte(r.Plugin + "\n" + r.Index + "\n" + signers + "\n" + r.Digest))
	return filepath.Join(h.receiptsDir(), receiptPrefix(r.Plugin)+hex.EncodeToString(sum[:])+".json")
}

func (h *Home) receiptsDir() string { return filepath.Join(h.dir, "receipts") }

// readReceipt returns the receipt that has the name of r. The error is fs.ErrNotExist if none
// exists, and another when what is there is not the receipt of that name.
func (h *Home) readReceipt(named *receipt) (*receipt, error) {
	file := h.receiptFile(named)
	data, err := diskfile.Read(os.OpenFile, file, maxReceiptBytes)
	if err != nil {
		return nil, err
	}
	r, err := parseReceipt(data)
	if err == nil && h.receiptFile(r) != file {
		err = errors.New("is the receipt of something else")
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return r, nil
}

func parseReceipt(data []byte) (*receipt, error) {
	var r receipt
	if err := strictjson.Decode(data, maxReceiptBytes, &r); err != nil {
		return nil, err
	}
	if r.Version != receiptFormat {
		return nil, fmt.Errorf("version: is %d, this program reads version %d", r.Version, receiptFormat)
	}
	digest, err := digestOf(r.Capabilities)
	if err != nil {
		return nil, err
	}
	if digest != r.Digest {
		return nil, fmt.Errorf("digest: is %q, the capabilities have %s", r.Digest, digest)
	}
	return &r, nil
}

func (h *Home) writeReceipt(r *receipt) error {
	data, err := strictjson.MarshalIndent(r)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(h.receiptsDir(), 0o755); err != nil {
		return err
	}
	return replaceChanged(h.receiptFile(r), data)
}

// forgetReceipts removes the receipts of a plugin except for those to keep.
func (h *Home) forgetReceipts(plugin string, keep ...*receipt) error {
	entries, err := os.ReadDir(h.receiptsDir())
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	var problems []error
	for _, e := range entries {
		file := filepath.Join(h.receiptsDir(), e.Name())
		kept := slices.ContainsFunc(keep, func(r *receipt) bool { return h.receiptFile(r) == file })
		if strings.HasPrefix(e.Name(), receiptPrefix(plugin)) && !kept {
			problems = append(problems, removeIfThere(file))
		}
	}
	return errors.Join(problems...)
}
