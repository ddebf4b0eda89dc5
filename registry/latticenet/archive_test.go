package latticenet_test

import (
	"archive/tar"
	"bytes"
	"compress/flate"
	"compress/gzip"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/latticenet/lattice-host/registry/latticenet"
)

// minimal returns v2 for a bundle that needs no other file than program.
func minimal() *latticenet.Manifest {
	m := v2()
	m.Runtime.Entrypoints = map[string]string{"linux/amd64": "bin/p"}
	m.UIRuntime = nil
	m.UI = nil
	return m
}

const program = "bin/p"

// file and folder return headers as a packer writes them.
func file(name string) *tar.Header {
	return &tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o600, ModTime: time.Unix(0, 0)}
}

func folder(name string) *tar.Header {
	return &tar.Header{Typeflag: tar.TypeDir, Name: name, Mode: 0o700, ModTime: time.Unix(0, 0)}
}

// with changes a header.
func with(h *tar.Header, change func(*tar.Header)) *tar.Header {
	change(h)
	return h
}

// tarOf returns a tar file with the program and, after it, entries of zeros.
func tarOf(t testing.TB, headers ...*tar.Header) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, h := range append([]*tar.Header{file(program)}, headers...) {
		check(t, w.WriteHeader(h))
		if h.Typeflag == tar.TypeReg {
			_, err := w.Write(make([]byte, h.Size))
			check(t, err)
		}
	}
	check(t, w.Close())
	return b.Bytes()
}

func zip(t testing.TB, data []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := gzip.NewWriterLevel(&b, gzip.BestSpeed)
	check(t, err)
	_, err = w.Write(data)
	check(t, err)
	check(t, w.Close())
	return b.Bytes()
}

// raw changes one field of the first header after the program, and its checksum.
func raw(t testing.TB, header *tar.Header, at int, value string) []byte {
	t.Helper()
	data := tarOf(t, header)
	block := data[512:1024]
	copy(block[at:], value)
	copy(block[148:156], "        ")
	sum := 0
	for _, b := range block {
		sum += int(b)
	}
	copy(block[148:156], fmt.Sprintf("%06o\x00 ", sum))
	return data
}

// refuseArchive imports a bundle, which must fail and leave nothing at all, not even the folder.
func refuseArchive(t *testing.T, artifact []byte, says string) *latticenet.Verified {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "plugins")
	v := signed(t, minimal(), artifact).verify(t)
	_, err := latticenet.Import(dir, v)
	if err == nil || !strings.Contains(err.Error(), says) {
		t.Errorf("want an error that says %q, got %v", says, err)
	}
	if strings.Contains(errorText(err), "\n") {
		t.Errorf("the error has several lines: %v", err)
	}
	if left := tree(t, dir); left != nil {
		t.Errorf("files left: %v", left)
	}
	return v
}

// refuseArchiveTwice imports it into a folder with another plugin too, which must stay as it is.
func refuseArchiveTwice(t *testing.T, artifact []byte, says string) {
	t.Helper()
	dir := t.TempDir()
	v := refuseArchive(t, artifact, says)
	vpn(t, "1.0.0").store(t, dir)
	before := tree(t, dir)
	if _, err := latticenet.Import(dir, v); err == nil {
		t.Error("the second time it is accepted")
	}
	if diff := cmp.Diff(before, tree(t, dir)); diff != "" {
		t.Errorf("importing changed what is there: %s", diff)
	}
}

// TestRow56_Entries signs archives with entries that must not be.
func TestRow56_Entries(t *testing.T) {
	t.Parallel()
	link := func(kind byte) *tar.Header {
		return with(file("x"), func(h *tar.Header) { h.Typeflag, h.Linkname = kind, program })
	}
	long := strings.Repeat("a/", 60) + "a"
	tests := map[string]struct {
		says    string
		entries []*tar.Header
	}{
		"Absolute":          {"the path is absolute", []*tar.Header{file("/etc/passwd")}},
		"Parent":            {"a part ..", []*tar.Header{file("../x")}},
		"ParentInside":      {"a part ..", []*tar.Header{file("ui/../../x")}},
		"ParentAtEnd":       {"a part ..", []*tar.Header{folder("ui/..")}},
		"ParentFolder":      {"a part ..", []*tar.Header{folder("../")}},
		"Dot":               {"a part .", []*tar.Header{file("./x")}},
		"DotFolder":         {"a part .", []*tar.Header{folder("./")}},
		"DoubleSlash":       {"an empty part", []*tar.Header{file("ui//x")}},
		"SlashAtEnd":        {"an empty part", []*tar.Header{folder("ui//")}},
		"OnlySlash":         {"the path is empty", []*tar.Header{folder("/")}},
		"Backslash":         {"printable ASCII", []*tar.Header{file(`..\x`)}},
		"Drive":             {"printable ASCII", []*tar.Header{file("C:x")}},
		"Stream":            {"printable ASCII", []*tar.Header{file("x:stream")}},
		"LineBreak":         {"printable ASCII", []*tar.Header{file("x\ny")}},
		"Escape":            {"printable ASCII", []*tar.Header{file("x\x1b[31m")}},
		"Delete":            {"printable ASCII", []*tar.Header{file("x\x7f")}},
		"LookAlike":         {"printable ASCII", []*tar.Header{file("b\u0456n/p")}},
		"Decomposed":        {"printable ASCII", []*tar.Header{file("e\u0301")}},
		"DotAtEnd":          {"ends in a dot", []*tar.Header{file("bin./x")}},
		"BlankAtEnd":        {"ends in a dot or a blank", []*tar.Header{file("x ")}},
		"Device":            {"device of Windows", []*tar.Header{file("ui/CON")}},
		"DeviceWithEnding":  {"device of Windows", []*tar.Header{file("nul.txt")}},
		"DeviceWithBlank":   {"device of Windows", []*tar.Header{file("aux .txt")}},
		"DeviceFolder":      {"device of Windows", []*tar.Header{file("com1/x")}},
		"Deep":              {"more than 16 deep", []*tar.Header{file(long)}},
		"LongPath":          {"more than 240 bytes", []*tar.Header{file(strings.Repeat("a", 241))}},
		"Twice":             {"is a duplicate", []*tar.Header{file("x"), file("x")}},
		"ProgramTwice":      {"is a duplicate", []*tar.Header{file(program)}},
		"FolderTwice":       {"is a duplicate", []*tar.Header{folder("x/"), folder("x/")}},
		"FolderThenFile":    {"is a duplicate", []*tar.Header{folder("x/"), file("x")}},
		"FileThenFolder":    {"is a duplicate", []*tar.Header{file("x"), folder("x/")}},
		"FileAsParent":      {`is inside of "bin/p", which is a file`, []*tar.Header{file("bin/p/x")}},
		"ParentBecomesFile": {"is a duplicate", []*tar.Header{file("a/b"), file("a")}},
		"Case":              {`differs from "bin/p" only in case`, []*tar.Header{file("bin/P")}},
		"CaseOfParent":      {`differs from "bin" only in case`, []*tar.Header{file("Bin/x")}},
		"CaseOfFolder":      {`differs from "bin" only in case`, []*tar.Header{folder("BIN/")}},
		"SymbolicLink":      {"is neither a file nor a folder", []*tar.Header{link(tar.TypeSymlink)}},
		"HardLink":          {"is neither a file nor a folder", []*tar.Header{link(tar.TypeLink)}},
		"CharacterDevice":   {"is neither a file nor a folder", []*tar.Header{link(tar.TypeChar)}},
		"BlockDevice":       {"is neither a file nor a folder", []*tar.Header{link(tar.TypeBlock)}},
		"Pipe":              {"is neither a file nor a folder", []*tar.Header{link(tar.TypeFifo)}},
		"Contiguous":        {"is neither a file nor a folder", []*tar.Header{link(tar.TypeCont)}},
		"UnknownKind":       {"is neither a file nor a folder", []*tar.Header{link('Z')}},
		"GlobalPAX": {"is neither a file nor a folder", []*tar.Header{{
			Typeflag: tar.TypeXGlobalHeader, Name: "x", PAXRecords: map[string]string{"comment": "x"},
		}}},
		"PAXTime":      {`the PAX record "mtime"`, []*tar.Header{with(file("x"), func(h *tar.Header) { h.ModTime, h.Format = time.Unix(0, 5), tar.FormatPAX })}},
		"PAXAttribute": {`the PAX record "SCHILY.xattr.security.capability"`, []*tar.Header{with(file("x"), func(h *tar.Header) { h.PAXRecords = map[string]string{"SCHILY.xattr.security.capability": "all"} })}},
		"PAXUnknown":   {`the PAX record "X.y"`, []*tar.Header{with(file("x"), func(h *tar.Header) { h.PAXRecords = map[string]string{"X.y": "z"} })}},
		"GNU":          {"form of tar other than USTAR and PAX", []*tar.Header{with(file("x"), func(h *tar.Header) { h.Format = tar.FormatGNU })}},
		"GNULongName":  {"form of tar other than USTAR and PAX", []*tar.Header{with(file(strings.Repeat("a", 200)), func(h *tar.Header) { h.Format = tar.FormatGNU })}},
		"LargeFile":    {"the file has 33554433 bytes, the limit is 33554432", []*tar.Header{with(file("x"), func(h *tar.Header) { h.Size = 32<<20 + 1 })}},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			refuseArchiveTwice(t, zip(t, tarOf(t, tc.entries...)), tc.says)
		})
	}
}

// paxed returns a tar file in which records of PAX are in front of a file, whatever a writer thinks
// of them.
func paxed(t testing.TB, records, name string) []byte {
	t.Helper()
	data := tarOf(t, with(file("pax"), func(h *tar.Header) { h.Size = int64(len(records)) }), file(name))
	data = slices.Concat(data[:512], raw(t, with(file("pax"), func(h *tar.Header) { h.Size = int64(len(records)) }), 156, "x")[512:1024], data[1024:])
	copy(data[1024:], records)
	return data
}

func record(key, value string) string {
	for n := len(key) + len(value) + 4; ; n++ {
		if r := fmt.Sprintf("%d %s=%s\n", n, key, value); len(r) == n {
			return r
		}
	}
}

// TestRow56_Bytes signs archives that two programs would read differently.
func TestRow56_Bytes(t *testing.T) {
	t.Parallel()
	good := tarOf(t)
	zipped := zip(t, good)
	flipped := slices.Clone(zipped)
	flipped[len(flipped)-8] ^= 1
	shortened := slices.Clone(zipped)
	shortened[len(shortened)-4] ^= 1
	tests := map[string]struct {
		says     string
		artifact []byte
	}{
		"Nothing":           {"is not a gzip file", nil},
		"NoGzip":            {"is not a gzip file", good},
		"NoTar":             {"is not a tar file", zip(t, bytes.Repeat([]byte("x"), 2048))},
		"EmptyGzip":         {"the tar file has no end", zip(t, nil)},
		"Checksum":          {"is not a gzip file", flipped},
		"Length":            {"is not a gzip file", shortened},
		"CutGzip":           {"unexpected EOF", zipped[:len(zipped)-9]},
		"BehindGzip":        {"1 bytes follow the end of the gzip file", append(slices.Clone(zipped), 0)},
		"SecondMember":      {"bytes follow the end of the gzip file", append(slices.Clone(zipped), zipped...)},
		"EmptySecondMember": {"bytes follow the end of the gzip file", append(slices.Clone(zipped), zip(t, nil)...)},
		"BehindTar":         {"the tar file has data after its end", zip(t, append(slices.Clone(good), "hidden"...))},
		"SecondTar":         {"the tar file has data after its end", zip(t, append(slices.Clone(good), good...))},
		"FarBehindTar":      {"the tar file has data after its end", zip(t, append(append(slices.Clone(good), make([]byte, 1<<20)...), 1))},
		"NoEnd":             {"the tar file has no end", zip(t, good[:512])},
		"HalfEnd":           {"the tar file has no end", zip(t, good[:1024])},
		"CutContent":        {"unexpected EOF", zip(t, tarOf(t, with(file("x"), func(h *tar.Header) { h.Size = 2048 }))[:2048])},
		"SparseGNU":         {"is neither a file nor a folder", zip(t, raw(t, with(file("x"), func(h *tar.Header) { h.Format = tar.FormatGNU }), 156, "S"))},
		"NegativeSize":      {"is not a tar file", zip(t, raw(t, file("x"), 124, "-0000000001\x00"))},
		"FolderWithSize":    {"has a size that it cannot have", zip(t, raw(t, folder("x/"), 124, "00000000001\x00"))},
		"LinkName":          {"is a link", zip(t, raw(t, file("x"), 157, "/etc/passwd"))},
		"OldForm":           {"form of tar other than USTAR and PAX", zip(t, raw(t, file("x"), 257, "\x00\x00\x00\x00\x00\x00\x00\x00"))},
		"HeaderChecksum":    {"is not a tar file", zip(t, append([]byte("X"), good[1:]...))},
		"PAXSparse":         {`PAX record "GNU.sparse.`, zip(t, paxed(t, record("GNU.sparse.size", "99999999")+record("GNU.sparse.numblocks", "1")+record("GNU.sparse.map", "99999999,0"), "x"))},
		"PAXShortPath":      {"a PAX record for a path that needs none", zip(t, paxed(t, record("path", "ui/evil"), "x"))},
		"PAXSize":           {`the PAX record "size"`, zip(t, paxed(t, record("size", "0"), "x"))},
		"PAXLink":           {"is a link", zip(t, paxed(t, record("linkpath", "/etc/passwd"), "x"))},
		"PAXLongPath":       {"more than 16 deep", zip(t, paxed(t, record("path", strings.Repeat("a/", 60)+"a"), "x"))},
		"PAXBroken":         {"is not a tar file", zip(t, paxed(t, "99 path=x\n", "x"))},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			refuseArchiveTwice(t, tc.artifact, tc.says)
		})
	}
}

// TestRow56_Missing signs bundles without the files that their manifests name.
func TestRow56_Missing(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		change func(*latticenet.Manifest, fstest.MapFS)
		says   string
	}{
		"Program":       {func(_ *latticenet.Manifest, f fstest.MapFS) { delete(f, "bin/linux-arm64/plugin") }, `acme.web@1.2.0-alpha.1: runtime.entrypoints: "bin/linux-arm64/plugin" is not a file of the bundle`},
		"ProgramFolder": {func(m *latticenet.Manifest, _ fstest.MapFS) { m.Runtime.Entrypoints["linux/arm64"] = "bin/linux-arm64" }, `acme.web@1.2.0-alpha.1: runtime.entrypoints: "bin/linux-arm64" is not a file of the bundle`},
		"Page":          {func(_ *latticenet.Manifest, f fstest.MapFS) { delete(f, "ui/index.html") }, `acme.web@1.2.0-alpha.1: ui_runtime.entrypoint: "ui/index.html" is not a file of the bundle`},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(t.TempDir(), "plugins")
			_, err := latticenet.Import(dir, packed(t, tc.change).verify(t))
			if diff := cmp.Diff(tc.says, errorText(err)); diff != "" {
				t.Error(diff)
			}
			if left := tree(t, dir); left != nil {
				t.Errorf("files left: %v", left)
			}
		})
	}
}

// TestRow56_Size checks every limit at its edge, with small limits: one step beyond is
// refused.
func TestRow56_Size(t *testing.T) {
	t.Parallel()
	sized := func(name string, size int64) *tar.Header {
		return with(file(name), func(h *tar.Header) { h.Size = size })
	}
	// Two headers, a file of one block and the end.
	artifact := zip(t, tarOf(t, sized("x", 512)))
	enough := latticenet.Limits{Stream: 5 * 512, Files: 512, File: 512, Entries: 3}
	tests := map[string]struct {
		limits latticenet.Limits
		says   string
	}{
		"Enough":  {enough, ""},
		"Stream":  {latticenet.Limits{Stream: 5*512 - 1, Files: 512, File: 512, Entries: 3}, "expands to more than it may"},
		"Files":   {latticenet.Limits{Stream: 5 * 512, Files: 511, File: 512, Entries: 3}, "the files have more than 511 bytes together"},
		"File":    {latticenet.Limits{Stream: 5 * 512, Files: 512, File: 511, Entries: 3}, "the file has 512 bytes, the limit is 511"},
		"Entries": {latticenet.Limits{Stream: 5 * 512, Files: 512, File: 512, Entries: 2}, "the bundle has more than 2 files and folders"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(t.TempDir(), "plugins")
			_, err := latticenet.ImportWithin(dir, signed(t, minimal(), artifact).verify(t), tc.limits)
			if (err == nil) != (tc.says == "") || !strings.Contains(errorText(err), tc.says) {
				t.Errorf("want an error that says %q, got %v", tc.says, err)
			}
			if left := tree(t, dir); tc.says != "" && left != nil {
				t.Errorf("files left: %v", left)
			}
		})
	}
	want := latticenet.Limits{Stream: 256<<20 + 2048*4096, Files: 256 << 20, File: 32 << 20, Entries: 2048}
	if diff := cmp.Diff(want, latticenet.DefaultLimits()); diff != "" {
		t.Error(diff)
	}
}

// bomb is a gzip file that is put together from compressed pieces, without an end: no one gets that
// far.
type bomb struct{ bytes.Buffer }

func newBomb() *bomb {
	b := &bomb{}
	b.WriteString("\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff")
	return b
}

// add appends data n times.
func (b *bomb) add(t testing.TB, data []byte, n int) *bomb {
	t.Helper()
	var piece bytes.Buffer
	w, err := flate.NewWriter(&piece, flate.BestCompression)
	check(t, err)
	_, err = w.Write(data)
	check(t, err)
	check(t, w.Flush())
	b.Write(bytes.Repeat(piece.Bytes(), n))
	return b
}

// TestRow56_Bombs are small files that expand, or have very many entries, beyond the real
// limits.
func TestRow56_Bombs(t *testing.T) {
	t.Parallel()
	zeros := make([]byte, 1<<20)
	var many []*tar.Header
	for i := range 2100 {
		many = append(many, file(fmt.Sprintf("%d", i)))
	}
	files := newBomb()
	for i := range 9 {
		var b bytes.Buffer
		check(t, tar.NewWriter(&b).WriteHeader(with(file(fmt.Sprintf("%d", i)), func(h *tar.Header) { h.Size = 32 << 20 })))
		files.add(t, b.Bytes(), 1).add(t, zeros, 32)
	}
	tests := map[string]struct {
		artifact []byte
		says     string
	}{
		"Zeros":      {newBomb().add(t, zeros, 300).Bytes(), "expands to more than it may"},
		"Files":      {files.Bytes(), "the files have more than 268435456 bytes together"},
		"Entries":    {zip(t, tarOf(t, many...)), "more than 2048 files and folders"},
		"Compressed": {make([]byte, 64<<20+1), "the limit is 67108864"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if name != "Compressed" && len(tc.artifact) > 1<<20 {
				t.Errorf("the bomb has %d bytes", len(tc.artifact))
			}
			refuseArchive(t, tc.artifact, tc.says)
		})
	}
}

// TestRow56_Unsigned has a bomb that no one trusted signed: it is refused for that, and not
// opened.
func TestRow56_Unsigned(t *testing.T) {
	t.Parallel()
	p := signed(t, minimal(), []byte("not even a gzip file"))
	if _, err := policy(t).Verify(p.document, append(p.artifact, 0)); !isNotTrusted(err) {
		t.Errorf("got %v", err)
	}
}

// TestLongPaths packs paths up to the longest.
func TestLongPaths(t *testing.T) {
	t.Parallel()
	content := fstest.MapFS{}
	for _, path := range []string{
		strings.Repeat("a", 100), strings.Repeat("b", 101), strings.Repeat("c", 240), strings.Repeat("d", 120) + "/" + strings.Repeat("e", 119),
		strings.Repeat("f/", 15) + "f",
	} {
		content[path] = &fstest.MapFile{Data: []byte(path)}
	}
	m := minimal()
	content[program] = &fstest.MapFile{}
	folder := signed(t, m, pack(t, m, content)).store(t, t.TempDir())
	for path := range content {
		data, err := os.ReadFile(filepath.Join(folder, "bundle", path))
		if err != nil || path != program && string(data) != path {
			t.Errorf("%s: %q, %v", path, data, err)
		}
	}
}
