package tuf_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"path"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/theupdateframework/go-tuf/v2/metadata"

	"github.com/latticenet/lattice-host/registry/index/tuf"
	"github.com/latticenet/lattice-host/registry/index/tuf/tuftest"
)

func versionOf(h *harness, data []byte) int64 {
	h.Helper()
	var m struct{ Signed struct{ Version int64 } }
	h.check(json.Unmarshal(data, &m))
	return m.Signed.Version
}

// replaceIn changes what is served under a path, where old must occur exactly once.
func (h *harness) replaceIn(path, old, with string) {
	h.Helper()
	data := h.repo.Get(path)
	if n := bytes.Count(data, []byte(old)); n != 1 {
		h.Fatalf("%q is %d times in %s", old, n, data)
	}
	h.repo.Set(path, bytes.Replace(data, []byte(old), []byte(with), 1))
}

func TestFirstRefresh(t *testing.T) {
	t.Parallel()
	h := newHarness(t, false)
	h.refresh()
	h.asked("2.root.json", "timestamp.json", "1.snapshot.json", "1.targets.json")
	h.versions(1, 1, 1, 1)
	h.refresh()
	h.asked("2.root.json", "timestamp.json")
	newest, err := h.open().Newest()
	h.check(err)
	for role, path := range map[string]string{
		root: "1.root.json", timestamp: "timestamp.json", snapshot: "1.snapshot.json", targets: "1.targets.json",
	} {
		if !bytes.Equal(newest[role], h.repo.Get("metadata/"+path)) {
			t.Errorf("%s is not kept byte for byte", role)
		}
	}
}

func TestPinnedRoot(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		old, with string
		kind      error
		says      string
	}{
		"NoVersion":  {`"version":1`, `"vision":1`, tuf.ErrSignature, "pinned root"},
		"Unsigned":   {`"sig":"`, `"sig":"00`, tuf.ErrSignature, "got 0, want 1"},
		"WrongType":  {`"_type":"root"`, `"_type":"snapshot"`, tuf.ErrMalformed, "expected metadata type root"},
		"NoDocument": {`{"sig`, `["sig`, tuf.ErrMalformed, "pinned root: invalid character ':' after array element: get the first root.json from the operator of the index"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t, false)
			h.config.Root = bytes.Replace(h.config.Root, []byte(tc.old), []byte(tc.with), 1)
			_, err := tuf.Open(h.config)
			h.wants(err, tc.kind, tc.says)
			h.asked()
		})
	}
}

// TestUnknownFields adds what the specification does not know: it counts for signatures, and is no
// error.
func TestUnknownFields(t *testing.T) {
	t.Parallel()
	both(t, func(h *harness) {
		h.refresh()
		signed := &h.repo.Root.Signed
		signed.UnrecognizedFields = map[string]any{"custom-field": "value"}
		signed.Keys[signed.Roles[root].KeyIDs[0]].UnrecognizedFields = map[string]any{"keyid_hash_algorithms": []any{"md5"}}
		signed.Roles[root].UnrecognizedFields = map[string]any{"another-field": map[string]any{"a": 1}}
		h.repo.PublishRoot()
		h.refresh()
		if v := h.refresh().Roles()[0].Version; v != 2 {
			h.Errorf("root version %d", v)
		}
	})
}

// TestSameTimestampVersion changes the timestamp without raising its version: the one that is known
// stays.
func TestSameTimestampVersion(t *testing.T) {
	t.Parallel()
	both(t, func(h *harness) {
		h.refresh()
		before, err := h.open().Newest()
		h.check(err)
		h.repo.Timestamp.Signed.Meta["snapshot.json"].Version = 100
		h.repo.PutTimestamp()
		h.refresh()
		after, err := h.open().Newest()
		h.check(err)
		if diff := cmp.Diff(before, after); diff != "" {
			h.Error(diff)
		}
	})
}

func TestMissing(t *testing.T) {
	t.Parallel()
	for file, known := range map[string][4]int64{
		"timestamp.json": {2, 1, 1, 1}, "2.snapshot.json": {2, 2, 1, 1}, "2.targets.json": {2, 2, 2, 1},
	} {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t, false)
			h.refresh()
			h.repo.PublishRoot()
			h.repo.PublishAll()
			h.repo.Remove("metadata/" + file)
			h.refuse(tuf.ErrUnavailable, file)
			h.versions(known[0], known[1], known[2], known[3])
		})
	}
}

// TestExpiredRootOnTheWay: an expired root is not an obstacle on the way to one that is not.
func TestExpiredRootOnTheWay(t *testing.T) {
	t.Parallel()
	both(t, func(h *harness) {
		h.repo.Root.Signed.Expires = start.Add(-day)
		h.repo.PublishRoot()
		h.repo.Root.Signed.Expires = start.Add(day)
		h.repo.PublishRoot()
		h.refresh()
	})
}

// TestExpiredRootOnDisk: a root that has expired since is not an obstacle on the way to the next.
func TestExpiredRootOnDisk(t *testing.T) {
	t.Parallel()
	both(t, func(h *harness) {
		h.repo.Root.Signed.Expires = start.Add(7 * day)
		h.repo.PublishRoot()
		h.refresh()
		h.time = start.Add(18 * day)
		h.refuse(tuf.ErrExpired, "root: version 2 expired")
		h.repo.Root.Signed.Expires = start.Add(21 * day)
		h.repo.PublishRoot()
		h.refresh()
		if v := h.refresh().Roles()[0].Version; v != 3 {
			h.Errorf("root version %d", v)
		}
	})
}

// TestExpiredTimestampOnDisk: metadata that has expired in the meantime still guards against
// rollback, and does not keep newer metadata away.
func TestExpiredTimestampOnDisk(t *testing.T) {
	t.Parallel()
	both(t, func(h *harness) {
		h.repo.Timestamp.Signed.Expires = start.Add(7 * day)
		h.repo.Publish(targets)
		h.refresh()
		old := h.repo.Get("metadata/timestamp.json")
		h.repo.Timestamp.Signed.Expires = start.Add(21 * day)
		h.repo.Publish(targets)
		h.time = start.Add(18 * day)
		h.refresh()
		h.repo.Set("metadata/timestamp.json", old)
		h.time = start.Add(22 * day)
		h.refuse(tuf.ErrRollback, "timestamp: version")
	})
}

func TestDownload(t *testing.T) {
	t.Parallel()
	both(t, func(h *harness) {
		h.repo.Custom = json.RawMessage(`{"yanked":null}`)
		h.repo.AddTarget(targets, web1, []byte("one"))
		h.repo.Custom = nil
		h.repo.AddTarget(targets, tuf.PublishersTarget, []byte("all"))
		h.repo.Publish(targets)
		v := h.refresh()
		target, err := v.Target(context.Background(), web1)
		h.check(err)
		want := &tuf.Target{Name: web1, Data: []byte("one"), Custom: json.RawMessage(`{"yanked":null}`), Role: targets}
		if diff := cmp.Diff(want, target); diff != "" {
			h.Error(diff)
		}
		h.repo.Asked()
		h.check(ignore(v.Target(context.Background(), web1)))
		h.asked()
		if got := h.download(tuf.PublishersTarget); got != "all" {
			h.Error(got)
		}
		h.lacks(web2, tuf.ErrNotFound, "does not have it")
	})
}

// TestDownloadedOnce: another process does not ask for a target again that lies in the folder.
func TestDownloadedOnce(t *testing.T) {
	t.Parallel()
	both(t, func(h *harness) {
		h.repo.AddTarget(targets, web1, []byte("one"))
		h.repo.Publish(targets)
		h.download(web1)
		h.repo.Asked()
		h.download(web1)
		h.asked("2.root.json", "timestamp.json")
	})
}

// TestWithoutConsistentSnapshot reads a repository that serves each role and target under one name
// only.
func TestWithoutConsistentSnapshot(t *testing.T) {
	t.Parallel()
	h := newHarness(t, true)
	h.repo.Root.Signed.ConsistentSnapshot = false
	h.repo.PublishRoot()
	h.repo.AddTarget(targets, web1, []byte("one"))
	h.repo.Set("targets/"+web1, []byte("one"))
	h.delegate(delegation{from: targets, to: "a"})
	h.repo.Asked()
	if got := h.download(web1); got != "one" {
		t.Error(got)
	}
	h.asked("2.root.json", "3.root.json", "timestamp.json", "snapshot.json", "targets.json", web1)
	h.lacks(web2, tuf.ErrNotFound, web2)
	h.asked("3.root.json", "timestamp.json", "a.json")
}

func ignore[T any](_ T, err error) error { return err }

// TestChangedTarget changes the content of a target, honestly and not.
func TestChangedTarget(t *testing.T) {
	t.Parallel()
	both(t, func(h *harness) {
		for i := range 4 {
			content := fmt.Sprintf("content %d", i)
			h.repo.AddTarget(targets, web1, []byte(content))
			h.repo.Publish(targets)
			if got := h.download(web1); got != content {
				h.Errorf("got %q, want %q", got, content)
			}
		}
		h.repo.AddTarget(targets, web1, []byte("last"))
		h.repo.Set("targets/"+tuftest.TargetPath(web1, []byte("last")), []byte("evil"))
		h.repo.Publish(targets)
		h.lacks(web1, tuf.ErrMismatch, "mismatch for algorithm sha256")
	})
}

func TestTargetHashes(t *testing.T) {
	t.Parallel()
	sha512 := func(f *metadata.TargetFiles) {
		both, err := metadata.TargetFile().FromBytes(web1, []byte("one"), "sha256", "sha512")
		if err != nil {
			panic(err)
		}
		f.Hashes = both.Hashes
	}
	tests := map[string]struct {
		change func(*metadata.TargetFiles)
		kind   error
	}{
		"Both":    {sha512, nil},
		"OneLies": {func(f *metadata.TargetFiles) { sha512(f); f.Hashes["sha512"][0]++ }, tuf.ErrMismatch},
		"Unknown": {func(f *metadata.TargetFiles) { f.Hashes["sha3"] = f.Hashes["sha256"] }, tuf.ErrMismatch},
		"Length":  {func(f *metadata.TargetFiles) { f.Length++ }, tuf.ErrMismatch},
		"Shorter": {func(f *metadata.TargetFiles) { f.Length-- }, tuf.ErrMismatch},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t, false)
			h.repo.AddTarget(targets, web1, []byte("one"))
			tc.change(h.repo.Roles[targets].Signed.Targets[web1])
			h.repo.Publish(targets)
			if tc.kind == nil {
				h.download(web1)
				return
			}
			h.lacks(web1, tc.kind, web1)
		})
	}
}

// TestTargetHashSHA512 has nothing but a hash that an index does not use.
func TestTargetHashSHA512(t *testing.T) {
	t.Parallel()
	for loose, says := range map[bool]string{true: "", false: "hashes.sha256 is missing"} {
		h := newHarness(t, loose)
		h.repo.AddTarget(targets, web1, []byte("one"))
		file, err := metadata.TargetFile().FromBytes(web1, []byte("one"), "sha512")
		h.check(err)
		h.repo.Roles[targets].Signed.Targets[web1] = file
		folder, base := path.Split(web1)
		h.repo.Set("targets/"+folder+file.Hashes["sha512"].String()+"."+base, []byte("one"))
		h.repo.Publish(targets)
		if says != "" {
			h.refuse(tuf.ErrMalformed, says)
		} else if got := h.download(web1); got != "one" {
			t.Error(got)
		}
	}
}

func TestKeyTypes(t *testing.T) {
	t.Parallel()
	p256, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	rsa2048, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	for name, key := range map[string]tuftest.Key{
		"ECDSA": tuftest.SignWith(p256, crypto.SHA256), "RSA": tuftest.SignPSS(rsa2048), "Ed25519": tuftest.NewKey(77),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t, false)
			h.repo.Rotate(snapshot, 1, key)
			h.repo.PublishRoot()
			h.repo.PublishSnapshot()
			h.refresh()
		})
	}
}

// TestKeysRotatedAlone gives a role another key without a new version of it.
func TestKeysRotatedAlone(t *testing.T) {
	t.Parallel()
	for _, role := range []string{timestamp, snapshot, targets} {
		t.Run(role, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t, true)
			h.refresh()
			h.repo.Rotate(role, 1, tuftest.NewKey(99))
			h.repo.PublishRoot()
			h.repo.PutRole(targets)
			h.repo.PutSnapshot()
			h.repo.PutTimestamp()
			h.refresh()
		})
	}
}
