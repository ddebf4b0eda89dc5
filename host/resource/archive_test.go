package resource_test

import (
	"bytes"
	"fmt"
)

// archive is a text archive in the txtar format: a comment, then files that begin with a line "--
// name --".
type archive struct {
	comment []byte
	files   []archiveFile
}

type archiveFile struct {
	name string
	data []byte
}

func parseArchive(data []byte) archive {
	var a archive
	content := &a.comment
	for line := range bytes.Lines(data) {
		if name, ok := marker(line); ok {
			a.files = append(a.files, archiveFile{name: name})
			content = &a.files[len(a.files)-1].data
			continue
		}
		*content = append(*content, line...)
	}
	return a
}

func marker(line []byte) (string, bool) {
	rest, before := bytes.CutPrefix(bytes.TrimRight(line, "\n"), []byte("-- "))
	name, after := bytes.CutSuffix(rest, []byte(" --"))
	return string(name), before && after
}

func (a archive) format() []byte {
	var b bytes.Buffer
	b.Write(a.comment)
	for _, f := range a.files {
		fmt.Fprintf(&b, "-- %s --\n%s", f.name, f.data)
	}
	return b.Bytes()
}
