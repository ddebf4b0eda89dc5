package tuf_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/theupdateframework/go-tuf/v2/metadata"

	"github.com/latticenet/lattice-host/registry/index/tuf"
	"github.com/latticenet/lattice-host/registry/index/tuf/tuftest"
)

func TestAttack16_Threshold(t *testing.T) {
	t.Parallel()
	for _, threshold := range []int{0, -1} {
		for _, role := range []string{timestamp, snapshot, targets} {
			t.Run(fmt.Sprint(role, threshold), func(t *testing.T) {
				t.Parallel()
				h := newHarness(t, false)
				h.repo.Root.Signed.Roles[role].Threshold = threshold
				h.repo.Keys[role] = nil
				h.repo.PublishRoot()
				h.repo.PublishAll()
				h.refuse(tuf.ErrMalformed, fmt.Sprintf("root: %s has the threshold %d", role, threshold))
			})
		}
		t.Run(fmt.Sprint("delegated", threshold), func(t *testing.T) {
			t.Parallel()
			h := newHarness(t, false)
			h.delegate(delegation{from: targets, to: "a"})
			h.repo.Roles[targets].Signed.Delegations.Roles[0].Threshold = threshold
			h.repo.PublishAll()
			h.refuse(tuf.ErrMalformed, "targets: a has the threshold")
		})
	}
}

// TestAttack17_SameKeyTwice meets a threshold of two with one key.
func TestAttack17_SameKeyTwice(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		change func(h *harness, key tuftest.Key)
		kind   error
		says   string
	}{
		"TwoKeyIDs": {func(h *harness, key tuftest.Key) {
			signed := &h.repo.Root.Signed
			other := key.Public()
			other.UnrecognizedFields = map[string]any{"x": 1}
			id, err := other.ID()
			h.check(err)
			signed.Keys[id] = other
			signed.Roles[snapshot].KeyIDs = append(signed.Roles[snapshot].KeyIDs, id)
			h.repo.PublishRoot()
			h.repo.PublishSnapshot()
			signature := h.repo.Snapshot.Signatures[0]
			signature.KeyID = id
			h.repo.Snapshot.Signatures = append(h.repo.Snapshot.Signatures, signature)
			h.serveSnapshot()
		}, tuf.ErrSignature, "got 1, want 2"},
		"KeyIDTwice": {func(h *harness, _ tuftest.Key) {
			signed := &h.repo.Root.Signed
			signed.Roles[snapshot].KeyIDs = append(signed.Roles[snapshot].KeyIDs, signed.Roles[snapshot].KeyIDs[0])
			h.repo.PublishRoot()
			h.repo.PublishSnapshot()
		}, tuf.ErrSignature, "got 1, want 2"},
		"SignatureTwice": {func(h *harness, _ tuftest.Key) {
			h.repo.PublishRoot()
			h.repo.PublishSnapshot()
			h.repo.Snapshot.Signatures = append(h.repo.Snapshot.Signatures, h.repo.Snapshot.Signatures[0])
			h.serveSnapshot()
		}, tuf.ErrMalformed, "multiple signatures found for key ID"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t, false)
			key := tuftest.NewKey(70)
			h.repo.Rotate(snapshot, 2, key)
			tc.change(h, key)
			h.refuse(tc.kind, tc.says)
		})
	}
}

// serveSnapshot serves the snapshot with the signatures that it has, and a timestamp that names it.
func (h *harness) serveSnapshot() {
	h.Helper()
	signed := *h.repo.Snapshot
	h.repo.PutSnapshot()
	data, err := signed.ToBytes(false)
	h.check(err)
	h.publishAs("snapshot", fmt.Sprintf("metadata/%d.snapshot.json", signed.Signed.Version), data)
}

// publishAs serves bytes as metadata of a role, with signatures of the roles above it that name
// exactly these bytes.
func (h *harness) publishAs(role, path string, data []byte) {
	h.Helper()
	h.repo.Set(path, data)
	meta := tuftest.Meta(versionOf(h, data), data)
	if role == snapshot {
		h.repo.Timestamp.Signed.Meta["snapshot.json"] = meta
		h.repo.PublishTimestamp()
		return
	}
	h.repo.Snapshot.Signed.Meta[role+".json"] = meta
	h.repo.PublishSnapshot()
}

func TestAttack18_WrongTypeOrSigner(t *testing.T) {
	t.Parallel()
	files := map[string]string{
		root: "metadata/2.root.json", timestamp: "metadata/timestamp.json",
		snapshot: "metadata/2.snapshot.json", targets: "metadata/2.targets.json",
	}
	for role, path := range files {
		publish := func(h *harness) {
			h.repo.PublishRoot()
			h.repo.PublishAll()
		}
		t.Run(role+"/OtherType", func(t *testing.T) {
			t.Parallel()
			h := newHarness(t, true)
			h.repo.Snapshot.Signed.Version, h.repo.Roles[targets].Signed.Version = 1, 1
			publish(h)
			h.replaceIn(path, `"_type":"`+role+`"`, `"_type":"other"`)
			h.refuse(tuf.ErrMalformed, role+": expected metadata type "+role)
		})
		t.Run(role+"/Unsigned", func(t *testing.T) {
			t.Parallel()
			h := newHarness(t, true)
			h.repo.Keys[role] = nil
			h.repo.Snapshot.Signed.Version, h.repo.Roles[targets].Signed.Version = 1, 1
			publish(h)
			h.refuse(tuf.ErrSignature, role+": version")
		})
		t.Run(role+"/OtherRolesKey", func(t *testing.T) {
			t.Parallel()
			h := newHarness(t, true)
			other := map[string]string{root: targets, timestamp: snapshot, snapshot: timestamp, targets: snapshot}[role]
			h.repo.Keys[role] = h.repo.Keys[other]
			h.repo.Snapshot.Signed.Version, h.repo.Roles[targets].Signed.Version = 1, 1
			publish(h)
			h.refuse(tuf.ErrSignature, role+": version")
		})
	}
}

// TestAttack20_Diamond has two roles delegate to a third, which only the first one's key signed.
func TestAttack20_Diamond(t *testing.T) {
	t.Parallel()
	both(t, func(h *harness) {
		acme, beta := []string{"releases/acme/*/*"}, []string{"releases/beta/*/*"}
		h.delegate(delegation{from: targets, to: "a", paths: acme}, delegation{from: targets, to: "b", paths: beta})
		good, bad := tuftest.NewKey(81), tuftest.NewKey(82)
		h.repo.Delegate("a", metadata.DelegatedRole{Name: "c", Paths: acme}, good)
		h.repo.Delegate("b", metadata.DelegatedRole{Name: "c", Paths: beta}, bad)
		h.repo.AddTarget("c", web1, []byte("one"))
		h.repo.PublishAll()
		v := h.refresh()
		h.check(ignore(v.Target(context.Background(), web1)))
		_, err := v.Target(context.Background(), api1)
		h.wants(err, tuf.ErrSignature, "c: version 2: Verifying c failed")
	})
}

// TestAttack21_Names has a role list names that it must not.
func TestAttack21_Names(t *testing.T) {
	t.Parallel()
	for _, name := range []string{
		"releases/acme/../evil.json", "releases/acme/web/../../evil.json", "releases/beta/web/1.0.0.json", "../evil", "/etc/passwd",
		"releases/acme/Web/1.0.0.json", "releases/acme/web/1.0.json", "releases/acme/web/1.0.0", "releases//web/1.0.0.json",
		"releases/acme/web/1.0.0.json/", "releases/acme/wéb/1.0.0.json", "publishers.json", "revocations.json", "",
		"releases/acme/web/..%2f1.0.0.json", "releases\\acme\\web\\1.0.0.json", "policy-bundles/x.tar",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t, false)
			h.delegate(delegation{from: targets, to: "a", paths: []string{"releases/acme/*/*"}})
			file, err := metadata.TargetFile().FromBytes(name, []byte("evil"))
			h.check(err)
			h.repo.Roles["a"].Signed.Targets[name] = file
			h.repo.PublishAll()
			h.lacks(web1, tuf.ErrMalformed, "a: ")
		})
	}
	t.Run("AskedFor", func(t *testing.T) {
		t.Parallel()
		for loose, name := range map[bool]string{false: "releases/acme/../../evil.json", true: "releases/../evil"} {
			h := newHarness(t, loose)
			h.repo.AddTarget(targets, web1, []byte("one"))
			v := h.refresh()
			h.repo.Asked()
			_, err := v.Target(context.Background(), name)
			h.wants(err, tuf.ErrNotFound, "no target of an index has such a name")
			h.asked()
		}
	})
}

func TestAttack22_RoleNames(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"?", "#", "/x", "../x", "%2e%2e", "A", "targets", "x y", strings.Repeat("a", 81)} {
		t.Run("Index/"+name, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t, false)
			h.delegate(delegation{from: targets, to: name})
			h.refuse(tuf.ErrMalformed, fmt.Sprintf("targets: %q is not a name for a delegated role", name))
		})
	}
	for _, name := range []string{"?", "#", "/x", "../x", "%2e%2e"} {
		t.Run("AnyRepository/"+name, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t, true)
			h.delegate(delegation{from: targets, to: name, paths: []string{"*"}})
			h.repo.AddTarget(name, "file", []byte("content"))
			h.repo.PublishAll()
			h.serve(faulty{})
			if got := h.download("file"); got != "content" {
				t.Error(got)
			}
			outside, err := os.ReadDir(filepath.Dir(h.config.Dir))
			if err != nil || len(outside) != 1 {
				t.Errorf("next to the folder: %v, %v", outside, err)
			}
		})
	}
}

func TestAttack23_TargetSubstituted(t *testing.T) {
	t.Parallel()
	both(t, func(h *harness) {
		h.repo.AddTarget(targets, web1, []byte("one"))
		h.repo.AddTarget(targets, web2, []byte("two"))
		h.repo.Publish(targets)
		h.download(web1)
		for name, content := range map[string]string{web1: "one", web2: "two"} {
			h.repo.Set("targets/"+tuftest.TargetPath(name, []byte(content)), []byte("bad"))
		}
		if got := h.download(web1); got != "one" {
			h.Errorf("got %q", got)
		}
		h.lacks(web2, tuf.ErrMismatch, web2)
	})
}

// TestAttack23_KeptTargetEdited edits the kept copy of a target: it is fetched again.
func TestAttack23_KeptTargetEdited(t *testing.T) {
	t.Parallel()
	h := newHarness(t, false)
	h.repo.AddTarget(targets, web1, []byte("one"))
	h.repo.Publish(targets)
	h.download(web1)
	files, err := filepath.Glob(filepath.Join(h.config.Dir, "targets", "*"))
	if err != nil || len(files) != 1 {
		t.Fatal(files, err)
	}
	h.check(os.WriteFile(files[0], []byte("bad"), 0o644))
	if got := h.download(web1); got != "one" {
		t.Errorf("got %q", got)
	}
	if kept, err := os.ReadFile(files[0]); err != nil || string(kept) != "one" {
		t.Errorf("the copy was not healed: %q, %v", kept, err)
	}
}
