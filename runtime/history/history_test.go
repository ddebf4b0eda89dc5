package history_test

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/latticenet/lattice-host/abi/bundle"
	"github.com/latticenet/lattice-host/internal/exactjson"
	"github.com/latticenet/lattice-host/runtime"
	"github.com/latticenet/lattice-host/runtime/executortest"
	"github.com/latticenet/lattice-host/runtime/history"
)

// store is a store in memory that refuses what is too large, and fails after some writes.
type store struct {
	values map[string][]byte
	// left is how many writes succeed; negative for all.
	left int
}

var errFull = errors.New("full")

func newStore() *store { return &store{map[string][]byte{}, -1} }

func (s *store) List(folder string) (names []string, err error) {
	for name := range s.values {
		if rest, ok := strings.CutPrefix(name, folder+"/"); ok {
			names = append(names, rest)
		}
	}
	return names, nil
}

func (s *store) Get(name string) ([]byte, error) { return s.values[name], nil }

func (s *store) Put(name string, value []byte) error {
	if len(value) > history.MaxValueBytes {
		return fmt.Errorf("%s has %d bytes", name, len(value))
	}
	if s.left == 0 {
		return errFull
	}
	s.left--
	s.values[name] = bytes.Clone(value)
	return nil
}

func (s *store) Delete(name string) error {
	delete(s.values, name)
	return nil
}

func (s *store) names() []string { return slices.Sorted(maps.Keys(s.values)) }

// large returns a bundle of exactly so many bytes.
func large(t testing.TB, name string, size int) runtime.Bundle {
	t.Helper()
	b := executortest.Bundle(t, name, "", "a")
	return executortest.Bundle(t, name, strings.Repeat("x", size-len(b.Raw)), "a")
}

func entry(number int, bundles ...runtime.Bundle) *history.Entry {
	return history.NewEntry("shop", runtime.Revision{
		Number: number, Time: time.Unix(0, 0).UTC(), Plan: bundle.Digest(nil), Decisions: []string{"d"}, Bundles: runtime.Recorded(bundles),
	})
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestParts keeps bundles of sizes around the limit of a value.
func TestParts(t *testing.T) {
	t.Parallel()
	for _, size := range []int{history.MaxValueBytes - 1, history.MaxValueBytes, history.MaxValueBytes + 1, 3 * history.MaxValueBytes} {
		s := newStore()
		h := history.Open(s, "shop")
		b := large(t, "web", size)
		if len(b.Raw) != size {
			t.Fatalf("the bundle has %d bytes, want %d", len(b.Raw), size)
		}
		check(t, h.KeepBundle(b))
		check(t, h.Record(entry(1, b)))
		got, err := h.Bundles(runtime.Recorded([]runtime.Bundle{b}))
		check(t, err)
		if !bytes.Equal(got[0].Raw, b.Raw) {
			t.Errorf("%d bytes: the bundle is not what was kept", size)
		}
		if want := size/history.MaxValueBytes + 1; len(s.values) != want+1 {
			t.Errorf("%d bytes: got %q, want %d parts and a revision", size, s.names(), want)
		}
		check(t, h.Tidy(1, nil))
		if _, err := h.Bundles(runtime.Recorded([]runtime.Bundle{b})); err != nil {
			t.Errorf("tidying removed a bundle of a revision: %v", err)
		}
		check(t, h.Clear())
		if len(s.values) > 0 {
			t.Errorf("%q are left", s.names())
		}
	}
}

// TestManyRevisions keeps the last ones, with the bundles that they name.
func TestManyRevisions(t *testing.T) {
	t.Parallel()
	s := newStore()
	h := history.Open(s, "shop")
	var all []runtime.Bundle
	for n := 1; n <= history.Revisions+3; n++ {
		b := executortest.Bundle(t, "web", fmt.Sprint(n), "a")
		all = append(all, b)
		check(t, h.KeepBundle(b))
		check(t, h.Record(entry(n, b)))
		check(t, h.Tidy(n, runtime.Recorded([]runtime.Bundle{b})))
	}
	revisions, err := h.Revisions()
	check(t, err)
	var got []int
	for _, r := range revisions {
		got = append(got, r.Number)
	}
	if diff := cmp.Diff([]int{13, 12, 11, 10, 9, 8, 7, 6, 5, 4}, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	if _, err := h.Bundles(runtime.Recorded(all[3:4])); err != nil {
		t.Errorf("the oldest revision lost its bundle: %v", err)
	}
	if _, err := h.Bundles(runtime.Recorded(all[2:3])); !errors.Is(err, runtime.ErrDamaged) {
		t.Errorf("a bundle that no revision has: got %v, want ErrDamaged", err)
	}
}

// TestBrokenOff checks that a revision that was not written whole is ignored.
func TestBrokenOff(t *testing.T) {
	t.Parallel()
	e := entry(1)
	for len(e.Bundles) < 6000 {
		e.Bundles = append(e.Bundles, runtime.RevisionBundle{
			Resource: executortest.Resource(fmt.Sprintf("web-%06d", len(e.Bundles))), Digest: bundle.Digest(nil),
		})
	}
	parts := 0
	for left := 0; ; left++ {
		s := newStore()
		s.left = left
		h := history.Open(s, "shop")
		err := h.Record(e)
		s.left = -1
		revisions, readErr := h.Revisions()
		check(t, readErr)
		if err == nil {
			if len(revisions) != 1 || len(revisions[0].Bundles) != 6000 {
				t.Errorf("the revision is missing")
			}
			break
		}
		if parts++; !errors.Is(err, errFull) || len(revisions) > 0 {
			t.Errorf("after %d parts: got %v and %d revisions", left, err, len(revisions))
		}
	}
	if parts < 2 {
		t.Errorf("the revision has %d parts, the test wants several", parts)
	}
}

// TestDamaged checks that whatever is not as it was written is said to be damaged, by its name.
func TestDamaged(t *testing.T) {
	t.Parallel()
	b := executortest.Bundle(t, "web", "1", "a")
	tests := map[string]struct{ name, from, to, err string }{
		"Bundle":      {"bundles/" + strings.TrimPrefix(b.Digest(), "sha256:"), `"1"`, `"2"`, "it is not the bundle of "},
		"OtherNumber": {"history/1", `"revision":1`, `"revision":2`, "history/1: it is revision 2"},
		"OtherSet":    {"history/1", `"shop"`, `"other"`, "history/1: it is of the set other"},
		"Schema":      {"history/1", `revision.v1`, `revision.v9`, `history/1: schema is "lattice.directory.revision.v9"`},
		"Form":        {"history/1", `{`, `[`, "history/1: "},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStore()
			h := history.Open(s, "shop")
			check(t, h.KeepBundle(b))
			check(t, h.Record(entry(1, b)))
			s.values[test.name] = bytes.Replace(s.values[test.name], []byte(test.from), []byte(test.to), 1)
			_, err := h.Revisions()
			if err == nil {
				_, err = h.Bundles(runtime.Recorded([]runtime.Bundle{b}))
			}
			if !errors.Is(err, runtime.ErrDamaged) || !strings.Contains(err.Error(), test.err) {
				t.Errorf("got %v, want %s", err, test.err)
			}
			// A damaged revision must not cost the bundles of the others.
			count := len(s.values)
			check(t, h.Tidy(1, nil))
			if test.name == "history/1" && len(s.values) != count {
				t.Errorf("tidying left %q", s.names())
			}
		})
	}
}

// FuzzParseEntry reads what may be in place of a revision.
func FuzzParseEntry(f *testing.F) {
	data, err := exactjson.Marshal(entry(1, executortest.Bundle(f, "web", "1", "a")))
	check(f, err)
	f.Add(data)
	f.Fuzz(func(t *testing.T, data []byte) {
		e, err := history.ParseEntry("history/1", data)
		if err != nil {
			if !errors.Is(err, runtime.ErrDamaged) {
				t.Fatalf("got %v, want ErrDamaged", err)
			}
			return
		}
		again, err := exactjson.Marshal(e)
		if err != nil || !bytes.Equal(again, data) {
			t.Fatalf("it is written differently: %v\n%s\n%s", err, data, again)
		}
	})
}
