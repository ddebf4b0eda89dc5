package sandbox

import (
	"bytes"
	"io"
	"os"
	"sync"
)

// buildIDBytes is how much of a program is searched for its build ID: the Go linker puts it at the
// beginning.
const buildIDBytes = 64 << 10

// buildID returns the build ID of this program, which changes with anything that it was built from,
// or "" when it has none or its file cannot be read.
var buildID = sync.OnceValue(func() string {
	name, err := os.Executable()
	if err != nil {
		return ""
	}
	f, err := os.Open(name)
	if err != nil {
		return ""
	}
	// Nothing was written that closing could lose.
	defer func() { _ = f.Close() }()
	head, err := io.ReadAll(io.LimitReader(f, buildIDBytes))
	if err != nil {
		return ""
	}
	return findBuildID(head)
})

// findBuildID finds a build ID in the beginning of a program, as cmd/internal/buildid of Go does:
// in a note of an ELF file, elsewhere between two marks at the beginning of the code.
func findBuildID(head []byte) string {
	// A note has the length of its name, the length of the ID in four bytes, its type and its name.
	const nameAndType = "\x04\x00\x00\x00Go\x00\x00"
	if at := bytes.Index(head, []byte(nameAndType)); at >= 4 {
		n := int(head[at-4]) | int(head[at-3])<<8
		if id := head[at+len(nameAndType):]; n <= len(id) {
			return string(id[:n])
		}
	}
	_, after, found := bytes.Cut(head, []byte("\xff Go build ID: \""))
	id, _, closed := bytes.Cut(after, []byte("\"\n \xff"))
	if !found || !closed {
		return ""
	}
	return string(id)
}
