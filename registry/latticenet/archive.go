package latticenet

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
)

// MaxArtifactBytes is the largest artifact: the compressed bundle in version 2.
const MaxArtifactBytes = 64 << 20

// limits bound what an archive expands to.
type limits struct {
	// stream is how many bytes come out of the compression, headers and padding included.
	stream int64
	// files is how many bytes all files have, file how many one has.
	files, file int64
	// entries is how many files and folders there are, those included that are only part of a path.
	entries int
}

func defaultLimits() limits {
	const entries, files = 2048, 256 << 20
	// An entry takes a header, two of an extended header, its records and padding.
	const perEntry = 8 * blockBytes
	return limits{stream: files + entries*perEntry, files: files, file: 32 << 20, entries: entries}
}

// blockBytes is what everything in a tar file is a multiple of; two empty blocks end it.
const blockBytes = 512

// entry is a file or folder of an archive.
type entry struct {
	path   string
	folder bool
	size   int64
}

// visitor is called for every entry, folders before what is in them. Content is empty for folders.
type visitor func(e entry, content io.Reader) error

// readArchive reads a gzipped tar file and tells visit about its entries. What two programs could
// understand differently is an error: there is one gzip member and nothing after it, nothing but
// zeros after the end of the tar file, and no entry but regular files and folders, each with one
// name.
func readArchive(artifact []byte, most limits, visit visitor) error {
	if len(artifact) > MaxArtifactBytes {
		return fmt.Errorf("the bundle has %d bytes, the limit is %d", len(artifact), MaxArtifactBytes)
	}
	compressed := bytes.NewReader(artifact)
	unzipped, err := gzip.NewReader(compressed)
	if err != nil {
		return fmt.Errorf("the bundle is not a gzip file: %w", err)
	}
	unzipped.Multistream(false)
	a := archive{stream: &meter{from: unzipped, left: most.stream}, limits: most, names: map[string]named{}, visit: visit}
	if err := a.read(); err != nil {
		return err
	}
	if compressed.Len() > 0 {
		return fmt.Errorf("%d bytes follow the end of the gzip file", compressed.Len())
	}
	return nil
}

// meter counts what is read, and fails once there is more than left.
type meter struct {
	from       io.Reader
	read, left int64
}

var errExpands = errors.New("the bundle expands to more than it may")

func (m *meter) Read(p []byte) (int, error) {
	if m.left <= 0 {
		// The end of the file is still fine.
		var one [1]byte
		if n, err := io.ReadFull(m.from, one[:]); n == 0 {
			return 0, err
		}
		return 0, errExpands
	}
	n, err := m.from.Read(p[:min(int64(len(p)), m.left)])
	m.read += int64(n)
	m.left -= int64(n)
	return n, err
}

// archive is the state of reading one.
type archive struct {
	stream *meter
	limits limits
	bytes  int64
	// names are the paths so far, in lower case: file systems may fold them.
	names map[string]named
	visit visitor
}

// named is a path that was there.
type named struct {
	path string
	// folder is false for files. A folder that was only part of a path so far is not stated.
	folder, stated bool
}

func (a *archive) read() error {
	t := tar.NewReader(a.stream)
	end := int64(0)
	for {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			return a.finish(end)
		}
		if err != nil {
			return fmt.Errorf("the bundle is not a tar file: %w", err)
		}
		e, err := a.enter(h)
		if err != nil {
			return fmt.Errorf("entry %q: %w", h.Name, err)
		}
		if err := a.visit(e, t); err != nil {
			return err
		}
		// What the visitor did not read still has to be sound.
		if _, err := io.Copy(io.Discard, t); err != nil {
			return fmt.Errorf("entry %q: %w", h.Name, err)
		}
		end = a.stream.read + (blockBytes-e.size%blockBytes)%blockBytes
	}
}

// finish checks what comes after the last entry: two empty blocks at least, and nothing but zeros.
func (a *archive) finish(end int64) error {
	if a.stream.read-end < 2*blockBytes {
		return errors.New("the tar file has no end")
	}
	buffer := make([]byte, 32<<10)
	for {
		n, err := a.stream.Read(buffer)
		if slices.ContainsFunc(buffer[:n], func(b byte) bool { return b != 0 }) {
			return errors.New("the tar file has data after its end")
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("the bundle is not a gzip file: %w", err)
		}
	}
}

// enter checks a header and remembers its name.
func (a *archive) enter(h *tar.Header) (entry, error) {
	e := entry{path: h.Name, folder: h.Typeflag == tar.TypeDir, size: h.Size}
	if e.folder {
		e.path = strings.TrimSuffix(e.path, "/")
	}
	if problem := pathProblem(e.path); problem != "" {
		return entry{}, errors.New(problem)
	}
	if err := checkHeader(h); err != nil {
		return entry{}, err
	}
	if e.size > a.limits.file {
		return entry{}, fmt.Errorf("the file has %d bytes, the limit is %d", e.size, a.limits.file)
	}
	if a.bytes += e.size; a.bytes > a.limits.files {
		return entry{}, fmt.Errorf("the files have more than %d bytes together", a.limits.files)
	}
	return e, a.name(e)
}

// checkHeader refuses what is not a plain file or folder, and extensions of the format, which may
// rename entries or say where their holes are. The one that is needed is a long path.
func checkHeader(h *tar.Header) error {
	switch {
	case h.Typeflag != tar.TypeReg && h.Typeflag != tar.TypeDir:
		return errors.New("is neither a file nor a folder")
	case h.Linkname != "":
		return errors.New("is a link")
	case h.Format != tar.FormatUSTAR && h.Format != tar.FormatPAX:
		return errors.New("is in a form of tar other than USTAR and PAX")
	case h.Size < 0 || h.Typeflag == tar.TypeDir && h.Size > 0:
		return errors.New("has a size that it cannot have")
	}
	records := make([]string, 0, len(h.PAXRecords))
	for record := range h.PAXRecords {
		records = append(records, record)
	}
	slices.Sort(records)
	for _, record := range records {
		if record != "path" {
			return fmt.Errorf("has the PAX record %q, only path is allowed", record)
		}
		if len(h.Name) <= longestPlainName {
			return errors.New("has a PAX record for a path that needs none")
		}
	}
	return nil
}

// longestPlainName is how long a path always fits into a header of USTAR.
const longestPlainName = 100

// name notes the path of an entry and the folders it is in.
func (a *archive) name(e entry) error {
	for parent := path.Dir(e.path); parent != "."; parent = path.Dir(parent) {
		was, ok := a.names[strings.ToLower(parent)]
		switch {
		case !ok:
			a.names[strings.ToLower(parent)] = named{path: parent, folder: true}
		case was.path != parent:
			return differsInCase(parent, was.path)
		case !was.folder:
			return fmt.Errorf("is inside of %q, which is a file", parent)
		}
	}
	was, ok := a.names[strings.ToLower(e.path)]
	switch {
	case ok && was.path != e.path:
		return differsInCase(e.path, was.path)
	case ok && (was.stated || !e.folder):
		return errors.New("is a duplicate")
	}
	a.names[strings.ToLower(e.path)] = named{path: e.path, folder: e.folder, stated: true}
	if len(a.names) > a.limits.entries {
		return fmt.Errorf("the bundle has more than %d files and folders", a.limits.entries)
	}
	return nil
}

func differsInCase(path, other string) error {
	return fmt.Errorf("the path %q differs from %q only in case", path, other)
}
