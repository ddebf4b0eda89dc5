package tuf_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/latticenet/lattice-host/registry/index/tuf"
	"github.com/latticenet/lattice-host/registry/index/tuf/tuftest"
)

// revoke replaces the keys of all online roles after they were stolen, and returns what a thief
// then signs with them: a newer timestamp that leads to malware.
func (h *harness) revoke() (forged map[string][]byte) {
	h.Helper()
	for i, role := range []string{timestamp, snapshot, targets} {
		h.repo.Rotate(role, 1, tuftest.NewKey(byte(200+i)))
	}
	h.repo.PublishRoot()
	h.repo.PublishAll()
	thief := tuftest.New(h.T, start)
	for range 5 {
		thief.PublishAll()
	}
	thief.AddTarget(targets, web1, []byte("malware"))
	thief.PublishAll()
	return thief.Files
}

// TestAttack12_RootDowngrade withholds the root that revoked stolen keys from a client that has
// seen it.
func TestAttack12_RootDowngrade(t *testing.T) {
	t.Parallel()
	h := newHarness(t, false)
	forged := h.revoke()
	h.refresh()
	for name, data := range forged {
		h.repo.Set(name, data)
	}
	h.repo.Remove("metadata/2.root.json")
	h.refuse(tuf.ErrSignature, "timestamp: version 7: Verifying timestamp failed")
	h.versions(2, 2, 2, 2)
}

// TestAttack12_HistoryRemoved takes the kept root away as well: that the client once came further
// is still known.
func TestAttack12_HistoryRemoved(t *testing.T) {
	t.Parallel()
	h := newHarness(t, false)
	forged := h.revoke()
	h.refresh()
	for name, data := range forged {
		h.repo.Set(name, data)
	}
	h.repo.Remove("metadata/2.root.json")
	h.check(os.Remove(filepath.Join(h.config.Dir, "roots", "2.root.json")))
	h.refuse(tuf.ErrRollback, "root: version 1 is offered, and version 2 was verified before")
	_, err := h.open().Verified()
	h.wants(err, tuf.ErrState, "no chain of signatures leads from root version 1 to version 2")
}

// TestAttack12_SeenInFailedRefresh: a root counts from when it was verified, whatever happens
// afterwards.
func TestAttack12_SeenInFailedRefresh(t *testing.T) {
	t.Parallel()
	h := newHarness(t, false)
	h.refresh()
	forged := h.revoke()
	h.repo.Remove("metadata/timestamp.json")
	h.refuse(tuf.ErrUnavailable, "timestamp.json")
	for name, data := range forged {
		h.repo.Set(name, data)
	}
	h.repo.Remove("metadata/2.root.json")
	h.refuse(tuf.ErrSignature, "timestamp: version 7")
}

// TestAttack13_PoisonedRoot puts a root of somebody else's into the folder: the pinned one decides.
func TestAttack13_PoisonedRoot(t *testing.T) {
	t.Parallel()
	poison := func(h *harness) {
		evil := tuftest.New(t, start)
		evil.Rotate(root, 1, tuftest.NewKey(250))
		evil.PublishRoot()
		h.check(os.MkdirAll(filepath.Join(h.config.Dir, "roots"), 0o755))
		h.check(os.WriteFile(filepath.Join(h.config.Dir, "roots", "2.root.json"), evil.Get("metadata/2.root.json"), 0o644))
	}
	t.Run("NoNewerRoot", func(t *testing.T) {
		t.Parallel()
		h := newHarness(t, false)
		poison(h)
		h.refresh()
		h.versions(1, 1, 1, 1)
	})
	t.Run("InPlaceOfNewerRoot", func(t *testing.T) {
		t.Parallel()
		h := newHarness(t, false)
		h.repo.PublishRoot()
		h.refresh()
		poison(h)
		h.refresh()
		h.versions(2, 1, 1, 1)
		kept, err := os.ReadFile(filepath.Join(h.config.Dir, "roots", "2.root.json"))
		if err != nil || !bytes.Equal(kept, h.repo.Get("metadata/2.root.json")) {
			t.Error("the kept root was not healed", err)
		}
	})
}

func TestAttack14_RootSkipsVersion(t *testing.T) {
	t.Parallel()
	both(t, func(h *harness) {
		h.repo.Root.Signed.Version = 2
		h.repo.PublishRoot()
		h.repo.Set("metadata/2.root.json", h.repo.Get("metadata/3.root.json"))
		h.refuse(tuf.ErrMismatch, "root: version 3: bad version number, expected 2, got 3")
		h.repo.Set("metadata/2.root.json", h.repo.Get("metadata/1.root.json"))
		h.refuse(tuf.ErrMismatch, "root: version 1: bad version number, expected 2, got 1")
	})
}

// rotation is one version of a role: keys, threshold and signatures, by the number of the key.
type rotation struct {
	keys      []byte
	threshold int
	signed    []byte
}

func keys(numbers []byte) (list []tuftest.Key) {
	for _, n := range numbers {
		list = append(list, tuftest.NewKey(100+n))
	}
	return list
}

// TestAttack14_RootRotation goes through sequences of roots. The last one is refused where refused
// is set.
func TestAttack14_RootRotation(t *testing.T) {
	t.Parallel()
	five := []byte{0, 1, 2, 3, 4}
	tests := map[string]struct {
		roots   []rotation
		refused bool
	}{
		"OneKey":               {[]rotation{{[]byte{1}, 1, []byte{1}}, {[]byte{2}, 1, []byte{2, 1}}, {[]byte{2}, 1, []byte{2}}}, false},
		"UnusedSignatures":     {[]rotation{{[]byte{1}, 1, []byte{3, 1, 4}}, {[]byte{2}, 1, []byte{3, 2, 1, 4}}, {[]byte{2}, 1, []byte{3, 2, 4}}}, false},
		"OtherThreeOfFive":     {[]rotation{{five, 3, []byte{0, 2, 4}}, {five, 3, []byte{0, 4, 1}}, {five, 3, []byte{0, 1, 3}}}, false},
		"OneOfFive":            {[]rotation{{five, 3, []byte{0, 2, 4}}, {[]byte{0, 1, 3, 4, 5}, 3, []byte{0, 4, 1}}}, false},
		"AllOfFive":            {[]rotation{{five, 3, []byte{0, 2, 4}}, {[]byte{5, 6, 7, 8, 9}, 3, []byte{0, 2, 4, 5, 6, 7}}, {[]byte{5, 6, 7, 8, 9}, 3, []byte{5, 6, 7}}}, false},
		"ThresholdUp":          {[]rotation{{[]byte{1, 2, 3}, 1, []byte{1}}, {[]byte{1, 2, 3}, 2, []byte{1, 2}}}, false},
		"ThresholdDown":        {[]rotation{{[]byte{1, 2, 3}, 2, []byte{1, 2}}, {[]byte{1, 2, 3}, 1, []byte{1, 2}}, {[]byte{1, 2, 3}, 1, []byte{1}}}, false},
		"SecondKey":            {[]rotation{{[]byte{1}, 1, []byte{1}}, {[]byte{1, 2}, 2, []byte{1, 2}}}, false},
		"NotByOldKey":          {[]rotation{{[]byte{1}, 1, []byte{1}}, {[]byte{2}, 1, []byte{2, 3, 4}}}, true},
		"NotByNewKey":          {[]rotation{{[]byte{1}, 1, []byte{1}}, {[]byte{2}, 1, []byte{1, 3, 4}}}, true},
		"TooFewNewKeys":        {[]rotation{{five, 3, []byte{0, 2, 4}}, {[]byte{0, 1, 3, 4, 5}, 3, []byte{0, 2, 4}}}, true},
		"TooFewOldKeys":        {[]rotation{{five, 3, []byte{0, 2, 4}}, {[]byte{0, 1, 3, 4, 5}, 3, []byte{0, 4, 5}}}, true},
		"NewThresholdNotMet":   {[]rotation{{[]byte{1, 2, 3}, 1, []byte{1}}, {[]byte{1, 2, 3}, 2, []byte{2}}}, true},
		"OldThresholdNotMet":   {[]rotation{{[]byte{1, 2, 3}, 2, []byte{1, 2}}, {[]byte{1, 2, 3}, 1, []byte{1}}}, true},
		"ThirdOfThreeNotByOld": {[]rotation{{[]byte{1}, 1, []byte{1}}, {[]byte{2}, 1, []byte{1, 2}}, {[]byte{3}, 1, []byte{1, 3}}}, true},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t, false)
			h.repo.Root.Signed.Version = 0
			for _, r := range tc.roots {
				h.repo.Rotate(root, r.threshold, keys(r.keys)...)
				h.repo.Keys[root] = keys(r.signed)
				h.repo.PublishRoot()
			}
			h.config.Root = h.repo.Get("metadata/1.root.json")
			last := int64(len(tc.roots))
			if !tc.refused {
				h.refresh()
				h.versions(last, 1, 1, 1)
				return
			}
			h.refuse(tuf.ErrSignature, fmt.Sprintf("root: version %d: ", last))
			h.asked(asks(2, last)...)
			h.versions(last-1, 0, 0, 0)
		})
	}
}

// asks returns the names of a range of roots.
func asks(from, to int64) (files []string) {
	for v := from; v <= to; v++ {
		files = append(files, fmt.Sprintf("%d.root.json", v))
	}
	return files
}

// TestAttack15_RoleRotation gives each role other keys, thresholds and signatures.
func TestAttack15_RoleRotation(t *testing.T) {
	t.Parallel()
	five := []byte{0, 1, 2, 3, 4}
	tests := map[string]struct {
		rotation
		refused bool
	}{
		"OneKey":             {rotation{[]byte{2}, 1, []byte{2}}, false},
		"UnusedSignatures":   {rotation{[]byte{1}, 1, []byte{3, 1, 4}}, false},
		"FirstThreeOfFive":   {rotation{five, 3, []byte{0, 2, 4}}, false},
		"OtherThreeOfFive":   {rotation{five, 3, []byte{2, 3, 4}}, false},
		"NotByNewKey":        {rotation{[]byte{2}, 1, []byte{1, 3, 4}}, true},
		"OneOfThreeIsOld":    {rotation{[]byte{0, 1, 3, 4, 5}, 3, []byte{0, 2, 4}}, true},
		"ThresholdNotMet":    {rotation{[]byte{0, 1, 3, 4, 5}, 3, []byte{0, 4}}, true},
		"ThresholdAboveKeys": {rotation{[]byte{0, 1}, 3, []byte{0, 1}}, true},
		"Unsigned":           {rotation{[]byte{0}, 1, nil}, true},
	}
	for name, tc := range tests {
		for _, role := range []string{timestamp, snapshot, targets} {
			t.Run(name+"/"+role, func(t *testing.T) {
				t.Parallel()
				h := newHarness(t, false)
				h.refresh()
				h.repo.Rotate(role, tc.threshold, keys(tc.keys)...)
				h.repo.Keys[role] = keys(tc.signed)
				h.repo.PublishRoot()
				h.repo.PublishAll()
				if !tc.refused {
					h.refresh()
					h.versions(2, 2, 2, 2)
					return
				}
				h.refuse(tuf.ErrSignature, role+": version 2: ")
			})
		}
	}
}

// TestAttack15_ThresholdRaised asks for more signatures than the snapshot that is known has.
func TestAttack15_ThresholdRaised(t *testing.T) {
	t.Parallel()
	both(t, func(h *harness) {
		four := []byte{0, 1, 2, 3}
		h.repo.Rotate(snapshot, 3, keys(four)...)
		h.repo.PublishRoot()
		h.repo.PublishSnapshot()
		h.refresh()
		h.repo.Root.Signed.Roles[snapshot].Threshold = 5
		h.repo.PublishRoot()
		h.refuse(tuf.ErrSignature, "got 4, want 5")
		h.repo.Root.Signed.Roles[snapshot].Threshold = 4
		h.repo.PublishRoot()
		if v := h.refresh().Roles()[0].Version; v != 4 {
			h.Errorf("root version %d", v)
		}
	})
}

// TestAttack15_KeyMissing has a root name a key that it does not have: it is refused before
// anything is verified with it.
func TestAttack15_KeyMissing(t *testing.T) {
	t.Parallel()
	for _, role := range []string{root, timestamp, snapshot, targets} {
		t.Run(role, func(t *testing.T) {
			t.Parallel()
			both(t, func(h *harness) {
				h.refresh()
				missing := tuftest.NewKey(9).ID()
				h.repo.Root.Signed.Roles[role].KeyIDs = append(h.repo.Root.Signed.Roles[role].KeyIDs, missing)
				h.repo.PublishRoot()
				h.refuse(tuf.ErrMalformed, missing)
				if _, err := h.open().Verified(); err != nil {
					h.Error(err)
				}
			})
		})
	}
}
