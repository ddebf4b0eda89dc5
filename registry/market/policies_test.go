package market_test

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/latticenet/lattice-host/registry/index/tuf"
	"github.com/latticenet/lattice-host/registry/index/tuf/author"
	"github.com/latticenet/lattice-host/registry/internal/indextest"
	"github.com/latticenet/lattice-host/registry/market"
)

// policyBundle returns the archive of a bundle with one file.
func policyBundle(t testing.TB, text string) []byte {
	t.Helper()
	data, err := market.PackPolicyBundle([]market.PolicyFile{{Name: "base.cedar", Text: []byte(text)}})
	check(t, err)
	return data
}

// publishPolicies publishes a bundle, a minute after whatever was published before.
func publishPolicies(x *indextest.Index, name string, data []byte) {
	x.At = x.At.Add(time.Minute)
	x.Change(func(d *author.Draft) error { return d.Set(tuf.PolicyTarget(name), data) })
}

func anyPolicies([]market.PolicyFile) error { return nil }

func installPolicies(h home, names ...string) error {
	return second(h.InstallPolicies(context.Background(), names, market.Options{}, anyPolicies))
}

// texts returns the installed policies.
func texts(t testing.TB, h home) map[string]string {
	t.Helper()
	files, err := h.PolicyFiles()
	check(t, err)
	all := map[string]string{}
	for _, f := range files {
		all[f.Name] = string(f.Text)
	}
	return all
}

func TestInstallPolicies(t *testing.T) {
	t.Parallel()
	x := indextest.New(t, indexSeed)
	publishPolicies(x, "base", policyBundle(t, "one"))
	publishPolicies(x, "more", policyBundle(t, "more"))
	h := newHome(t, x)
	h.clock.now = x.At.Add(time.Minute)
	check(t, installPolicies(h, "base", "more"))
	if d := cmp.Diff(map[string]string{"base/base.cedar": "one", "more/base.cedar": "more"}, texts(t, h)); d != "" {
		t.Error(d)
	}

	publishPolicies(x, "base", policyBundle(t, "two"))
	h.clock.now = x.At.Add(time.Minute)
	broken := errors.New("do not fit")
	err := second(h.InstallPolicies(context.Background(), []string{"base"}, market.Options{}, func([]market.PolicyFile) error { return broken }))
	if !errors.Is(err, broken) || texts(t, h)["base/base.cedar"] != "one" {
		t.Errorf("policies that do not fit must leave what is there, got %v", err)
	}
	if err := installPolicies(h, "base", "absent"); err == nil || err.Error() != "absent: no trusted index has a bundle of policies of this name" {
		t.Errorf("got %v", err)
	}
	if got := texts(t, h)["base/base.cedar"]; got != "one" {
		t.Errorf("either all are installed or none, got %s", got)
	}
	check(t, installPolicies(h, "base"))
	if got := texts(t, h)["base/base.cedar"]; got != "two" {
		t.Errorf("the newest is installed, got %s", got)
	}
	if err := installPolicies(h, "../base"); err == nil || err.Error() != `"../base" cannot name a bundle of policies` {
		t.Errorf("got %v", err)
	}

	if err := h.RemovePolicies([]string{"base", "absent"}); err == nil || err.Error() != "absent: no bundle of policies of this name is installed" {
		t.Errorf("got %v", err)
	}
	if len(texts(t, h)) != 2 {
		t.Error("either all are removed or none")
	}
	check(t, h.RemovePolicies([]string{"base", "more"}))
	if len(texts(t, h)) != 0 {
		t.Error("they are still there")
	}
}

// bundleFile returns the file of the index that holds a bundle.
func bundleFile(t testing.TB, x *indextest.Index) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(x.Dir, "targets", "policy-bundles", "*base.tar"))
	check(t, err)
	if len(files) != 1 {
		t.Fatalf("got %v", files)
	}
	return files[0]
}

// A bundle that no one signed, that was edited, or that is older than what was seen is not
// installed, and one that was edited after it was installed is not used.
func TestAttack60_PolicyBundles(t *testing.T) {
	t.Parallel()
	fixture := func(t *testing.T) (*indextest.Index, home) {
		x := indextest.New(t, indexSeed)
		publishPolicies(x, "base", policyBundle(t, "one"))
		h := newHome(t, x)
		h.clock.now = x.At.Add(time.Minute)
		return x, h
	}
	t.Run("Unsigned", func(t *testing.T) {
		t.Parallel()
		x, h := fixture(t)
		write(t, policyBundle(t, "evil"), x.Dir, "targets", "policy-bundles", "evil.tar")
		if err := installPolicies(h, "evil"); err == nil || !strings.Contains(err.Error(), "evil: no trusted index has a bundle") {
			t.Errorf("a bundle that the metadata does not list is not found, got %v", err)
		}
	})
	t.Run("Edited", func(t *testing.T) {
		t.Parallel()
		x, h := fixture(t)
		write(t, policyBundle(t, "two"), bundleFile(t, x))
		refused(t, "Unsigned bytes are not policies.", installPolicies(h, "base"), "base.tar")
		if len(texts(t, h)) != 0 {
			t.Error("it was installed")
		}
	})
	t.Run("Older", func(t *testing.T) {
		t.Parallel()
		x, h := fixture(t)
		old := t.TempDir()
		check(t, os.CopyFS(filepath.Join(old, "index"), os.DirFS(x.Dir)))
		publishPolicies(x, "base", policyBundle(t, "two"))
		h.clock.now = x.At.Add(time.Minute)
		check(t, installPolicies(h, "base"))
		check(t, os.RemoveAll(x.Dir))
		check(t, os.CopyFS(x.Dir, os.DirFS(filepath.Join(old, "index"))))
		refused(t, "What was taken back does not come back.", installPolicies(h, "base"), "version")
		if got := texts(t, h)["base/base.cedar"]; got != "two" {
			t.Errorf("got %s", got)
		}
	})
	t.Run("EditedInstallation", func(t *testing.T) {
		t.Parallel()
		_, h := fixture(t)
		check(t, installPolicies(h, "base"))
		installed, err := h.Policies()
		check(t, err)
		file := blobFile(filepath.Join(h.Dir(), "store"), installed[0].Digest)
		check(t, os.Chmod(file, 0o600))
		write(t, policyBundle(t, "two"), file)
		_, err = h.PolicyFiles()
		refused(t, "A file that does not have the digest of the lock is not used.", err, "policies base")
		// It was moved away.
		_, err = h.PolicyFiles()
		refused(t, "Nor does a missing one leave the host without its policies.", err, "run lattice-host policy install base")
	})
}

// archive returns a tar file of headers, each with a text.
func archive(t testing.TB, headers ...tar.Header) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, h := range headers {
		text := []byte("x")
		if h.Typeflag == tar.TypeReg {
			h.Size, h.Mode = int64(len(text)), 0o644
		}
		check(t, w.WriteHeader(&h))
		if h.Typeflag == tar.TypeReg {
			_, err := w.Write(text)
			check(t, err)
		}
	}
	check(t, w.Close())
	return b.Bytes()
}

// sparse returns an archive of a few kilobytes whose file has 64 MiB. The writer refuses to make
// such records, so that a comment of the same length is replaced.
func sparse(t testing.TB) []byte {
	t.Helper()
	const key, value = "COMMENT.x", 150
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	check(t, w.WriteHeader(&tar.Header{
		Typeflag: tar.TypeReg, Name: "a.cedar", Size: 512, Mode: 0o644, Format: tar.FormatPAX,
		PAXRecords: map[string]string{key: strings.Repeat(" ", value)},
	}))
	_, err := w.Write(append([]byte("1\n0\n0\n"), make([]byte, 506)...))
	check(t, err)
	check(t, w.Close())
	comment := paxRecord(key, strings.Repeat(" ", value))
	records := paxRecord("GNU.sparse.major", "1") + paxRecord("GNU.sparse.minor", "0") + paxRecord("GNU.sparse.name", "a.cedar") +
		paxRecord("GNU.sparse.realsize", "67108864")
	rest := len(comment) - len(records)
	records += paxRecord("c", strings.Repeat("x", rest-len("99 c=\n")))
	return bytes.Replace(b.Bytes(), []byte(comment), []byte(records), 1)
}

// paxRecord returns a record of an extended header, which begins with its own length.
func paxRecord(key, value string) string {
	n := len(" =\n") + len(key) + len(value)
	n += len(strconv.Itoa(n + len(strconv.Itoa(n))))
	return strconv.Itoa(n) + " " + key + "=" + value + "\n"
}

func TestReadPolicyBundle(t *testing.T) {
	t.Parallel()
	file := func(name string) tar.Header { return tar.Header{Typeflag: tar.TypeReg, Name: name} }
	many := make([]tar.Header, market.MaxPolicyFiles+1)
	for i := range many {
		many[i] = file(fmt.Sprintf("%d.cedar", i))
	}
	tests := map[string]struct {
		reason string
		data   []byte
		want   []string
		err    string
	}{
		"Files":    {"Files are sorted, folders do not count.", archive(t, file("b/c.rego"), tar.Header{Typeflag: tar.TypeDir, Name: "b/"}, file("a.cedar")), []string{"x/a.cedar", "x/b/c.rego"}, ""},
		"Empty":    {"An archive without files has no policies; who uses it says so.", archive(t), nil, ""},
		"NoTar":    {"Other bytes are refused.", bytes.Repeat([]byte("x"), 1024), nil, "x: is not a tar file: "},
		"Large":    {"There is a limit.", make([]byte, market.MaxPolicyBundleBytes+1), nil, "x: the archive has 4194305 bytes, the limit is 4194304"},
		"Many":     {"There is a limit.", archive(t, many...), nil, "x: has more than 500 files"},
		"Sparse":   {"A file of any size fits into a small archive.", sparse(t), nil, `x: entry "a.cedar": the files have more than 4194304 bytes together`},
		"Up":       {"A name stays in the archive.", archive(t, file("../a.cedar")), nil, `x: entry "../a.cedar": the name leads out of the archive`},
		"Inside":   {"A name has one form.", archive(t, file("b/../../a.cedar")), nil, "leads out of the archive"},
		"Absolute": {"A name stays in the archive.", archive(t, file("/etc/a.cedar")), nil, "leads out of the archive"},
		"Windows":  {"A name stays in the archive everywhere.", archive(t, file(`..\a.cedar`)), nil, "leads out of the archive"},
		"Control":  {"A name cannot disturb a terminal.", archive(t, file("a\x1b[31m.cedar")), nil, `entry "a\x1b[31m.cedar"`},
		"Dot":      {"The archive itself is not a file.", archive(t, file(".")), nil, "leads out of the archive"},
		"Symlink":  {"A link leads anywhere.", archive(t, tar.Header{Typeflag: tar.TypeSymlink, Name: "a.cedar", Linkname: "/etc/passwd"}), nil, `x: entry "a.cedar": is neither a file nor a folder`},
		"Link":     {"So does a hard one.", archive(t, tar.Header{Typeflag: tar.TypeLink, Name: "a.cedar", Linkname: "b"}), nil, "is neither a file nor a folder"},
		"Device":   {"A device is not a file.", archive(t, tar.Header{Typeflag: tar.TypeChar, Name: "a.cedar"}), nil, "is neither a file nor a folder"},
		"Twice":    {"One of two would be overlooked.", archive(t, file("a.cedar"), file("a.cedar")), nil, `x: entry "a.cedar": is a duplicate`},
		"Cut":      {"What is cut off is refused.", archive(t, file("a.cedar"))[:512], nil, "unexpected EOF"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			files, err := market.ReadPolicyBundle("x", tc.data)
			if tc.err != "" {
				if err == nil || !strings.Contains(err.Error(), tc.err) {
					t.Errorf("%s\ngot the error %v, want %q", tc.reason, err, tc.err)
				}
				return
			}
			check(t, err)
			var names []string
			for _, f := range files {
				names = append(names, f.Name)
			}
			if d := cmp.Diff(tc.want, names); d != "" {
				t.Errorf("%s\n%s", tc.reason, d)
			}
		})
	}
}

func TestPackPolicyBundle(t *testing.T) {
	t.Parallel()
	a, b := market.PolicyFile{Name: "a.cedar", Text: []byte("a")}, market.PolicyFile{Name: "b/c.rego", Text: []byte("b")}
	one, err := market.PackPolicyBundle([]market.PolicyFile{a, b})
	check(t, err)
	two, err := market.PackPolicyBundle([]market.PolicyFile{b, a})
	check(t, err)
	if !bytes.Equal(one, two) {
		t.Error("equal files must give equal bytes")
	}
	if _, err := market.PackPolicyBundle([]market.PolicyFile{{Name: "../a"}}); err == nil {
		t.Error("what cannot be read must not be packed")
	}
}

// FuzzReadPolicyBundle reads archives. What is read stays in its bundle, and is the same when it is
// packed and read again.
func FuzzReadPolicyBundle(f *testing.F) {
	file := tar.Header{Typeflag: tar.TypeReg, Name: "a.cedar"}
	f.Add(archive(f, file, tar.Header{Typeflag: tar.TypeDir, Name: "b/"}, tar.Header{Typeflag: tar.TypeReg, Name: "b/c.rego"}))
	f.Add(archive(f, tar.Header{Typeflag: tar.TypeSymlink, Name: "a", Linkname: "b"}))
	f.Add(sparse(f))
	f.Fuzz(func(t *testing.T, data []byte) {
		files, err := market.ReadPolicyBundle("x", data)
		if err != nil {
			return
		}
		total := 0
		inner := make([]market.PolicyFile, len(files))
		for i, file := range files {
			name, ok := strings.CutPrefix(file.Name, "x/")
			if !ok || strings.Contains("/"+name+"/", "/../") {
				t.Fatalf("%q leads out of the bundle", file.Name)
			}
			total += len(file.Text)
			inner[i] = market.PolicyFile{Name: name, Text: file.Text}
		}
		if total > market.MaxPolicyBundleBytes {
			t.Fatalf("%d bytes", total)
		}
		packed, err := market.PackPolicyBundle(inner)
		if err != nil {
			// Names that are too long for the form that is written, and files that fill the archive
			// to the brim.
			return
		}
		again, err := market.ReadPolicyBundle("x", packed)
		if d := cmp.Diff(files, again); err != nil || d != "" {
			t.Fatalf("%v\n%s", err, d)
		}
	})
}
