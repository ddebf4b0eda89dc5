package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/latticenet/lattice-host/registry/index/tuf/author"
	"github.com/latticenet/lattice-host/registry/release"
)

// keyring are the private keys at hand. Those that are needed are opened, and no others.
type keyring struct {
	app  *app
	keys []keyFile
	// opened are the keys that were opened, by id.
	opened map[string]release.PrivateKey
}

// keyFile is the file of a private key. The id is that of the public half next to it; without one
// it is known only once the key is opened.
type keyFile struct{ id, file string }

// newKeyring returns the keys in folders and files. A folder that does not exist has none.
func (a *app) newKeyring(folders, files []string) (*keyring, error) {
	ring := &keyring{app: a, opened: map[string]release.PrivateKey{}}
	for _, file := range files {
		if _, err := os.Stat(file); err != nil {
			return nil, asInput(err)
		}
	}
	for _, folder := range folders {
		entries, err := os.ReadDir(folder)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, asInput(err)
		}
		for _, e := range entries {
			if strings.HasSuffix(e.Name(), release.PrivateEnding) && !e.IsDir() {
				files = append(files, filepath.Join(folder, e.Name()))
			}
		}
	}
	for _, file := range files {
		key, err := release.ReadPublicKey(strings.TrimSuffix(file, release.PrivateEnding) + release.PublicEnding)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, asInput(err)
		}
		ring.keys = append(ring.keys, keyFile{key.ID, file})
	}
	return ring, nil
}

// add puts a key that was just made into the ring.
func (r *keyring) add(key release.PrivateKey) { r.opened[key.ID] = key }

// open returns the private key in a file.
func (r *keyring) open(ctx context.Context, k keyFile) (release.PrivateKey, error) {
	if key, ok := r.opened[k.id]; ok {
		return key, nil
	}
	key, err := r.app.readKey(ctx, k.file)
	if err != nil {
		return key, err
	}
	if k.id != "" && k.id != key.ID {
		return key, inputf("%s: holds the key %s, but the public key next to it is %s", k.file, key.ID, k.id)
	}
	r.opened[key.ID] = key
	return key, nil
}

// keysFor opens enough keys to sign for needs; its error says for each role which keys are missing.
func (r *keyring) keysFor(ctx context.Context, needs []author.Need) ([]release.PrivateKey, error) {
	var keys []release.PrivateKey
	var missing []error
	for _, need := range needs {
		found, err := r.find(ctx, need)
		if err != nil {
			return nil, err
		}
		keys = append(keys, found...)
		if len(found) < need.Threshold {
			missing = append(missing, lacks(need, found))
		}
	}
	return keys, errors.Join(missing...)
}

// find opens keys for one need, as many as must sign: first those that are open already.
func (r *keyring) find(ctx context.Context, need author.Need) (found []release.PrivateKey, err error) {
	for _, id := range need.KeyIDs {
		if key, ok := r.opened[id]; ok && len(found) < need.Threshold {
			found = append(found, key)
		}
	}
	// Files without a public key next to them are opened when there is nothing else.
	for _, named := range []bool{true, false} {
		for _, k := range r.keys {
			if len(found) >= need.Threshold {
				return found, nil
			}
			if named != (k.id != "") || named && (!slices.Contains(need.KeyIDs, k.id) || holds(found, k.id)) {
				continue
			}
			key, err := r.open(ctx, k)
			if err != nil {
				return nil, err
			}
			if slices.Contains(need.KeyIDs, key.ID) && !holds(found, key.ID) {
				found = append(found, key)
			}
		}
	}
	return found, nil
}

func holds(keys []release.PrivateKey, id string) bool {
	return slices.ContainsFunc(keys, func(k release.PrivateKey) bool { return k.ID == id })
}

// lacks says which keys a role is short of.
func lacks(need author.Need, found []release.PrivateKey) error {
	var others []string
	for _, id := range need.KeyIDs {
		if !holds(found, id) {
			others = append(others, id)
		}
	}
	role := need.Role
	if need.Before {
		role += ", whose keys until now must sign as well"
	}
	return inputf("%s: %d of %s must sign, %d at hand: name the folder or the file of %s with --keys or --key",
		role, need.Threshold, counted(len(need.KeyIDs), "key"), len(found), oneOf(others, need.Threshold-len(found)))
}

func oneOf(ids []string, missing int) string {
	if len(ids) == 1 {
		return ids[0]
	}
	return fmt.Sprintf("%d of %s", missing, strings.Join(ids, ", "))
}
