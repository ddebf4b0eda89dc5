package resource

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/latticenet/lattice-host/internal/problem"
	"github.com/latticenet/lattice-host/internal/yamldoc"
)

// stdinName means standard input among the paths, and stdinFile in positions.
const (
	stdinName = "-"
	stdinFile = "<stdin>"
)

// Read reads every document of the given files. A folder means the files *.yaml, *.yml and *.json
// in it and in the folders below, in the order of their names and without hidden ones; "-" means
// stdin. Documents for other programs are left out of a folder, and of a file that has a document
// to read: [Options.LeftOut]. No two documents may have kind, namespace and name in common. An
// error is [problem.List] and holds everything that is wrong in all files.
func Read(paths []string, stdin io.Reader, o Options) ([]*Document, error) {
	return reader{opener: osFiles{}, stdin: stdin, options: o}.read(paths)
}

// opener opens files and folders by path; it is a parameter so that tests can make it fail.
type opener interface {
	Open(name string) (fs.File, error)
}

type osFiles struct{}

func (osFiles) Open(name string) (fs.File, error) { return os.Open(name) }

type reader struct {
	opener  opener
	stdin   io.Reader
	options Options
}

func (r reader) read(paths []string) ([]*Document, error) {
	if len(paths) == 0 {
		return nil, problem.List{{Message: "there is no input; name a file, a folder, or - for standard input"}}
	}
	var docs []*Document
	var problems problem.List
	for _, p := range paths {
		found, ps := r.path(p)
		docs = append(docs, found...)
		problems = append(problems, ps...)
	}
	problems = append(problems, doubles(docs)...)
	if err := problems.Err(); err != nil {
		return nil, err
	}
	return docs, nil
}

func (r reader) path(name string) ([]*Document, problem.List) {
	if name == stdinName {
		return r.content(stdinFile, r.stdin, false)
	}
	f, info, problems := r.open(name)
	if problems != nil {
		return nil, problems
	}
	// Nothing was written that closing could lose.
	defer func() { _ = f.Close() }()
	folder, ok := f.(fs.ReadDirFile)
	if !info.IsDir() || !ok {
		return r.content(name, f, false)
	}
	docs, problems := r.folder(name, folder)
	if len(docs) == 0 && len(problems) == 0 {
		problems = problem.List{{
			Position: problem.Position{File: name}, Message: "neither the folder nor one below holds a document in a *.yaml, *.yml or *.json file",
		}}
	}
	return docs, problems
}

func (r reader) open(name string) (fs.File, fs.FileInfo, problem.List) {
	f, err := r.opener.Open(name)
	if err != nil {
		return nil, nil, fileProblem(name, err)
	}
	info, err := f.Stat()
	if err != nil {
		_ = f.Close()
		return nil, nil, fileProblem(name, err)
	}
	return f, info, nil
}

// folder reads the files of a folder and those of the folders below it.
func (r reader) folder(name string, folder fs.ReadDirFile) ([]*Document, problem.List) {
	entries, err := folder.ReadDir(-1)
	if err != nil {
		return nil, fileProblem(name, err)
	}
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	var docs []*Document
	var problems problem.List
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), ".") || !e.IsDir() && !isDocumentName(e.Name()) {
			continue
		}
		found, ps := r.entry(filepath.Join(name, e.Name()), e.IsDir())
		docs = append(docs, found...)
		problems = append(problems, ps...)
	}
	return docs, problems
}

// entry reads a file or folder inside a folder. A link to a folder is left out: it could lead back.
func (r reader) entry(name string, isFolder bool) ([]*Document, problem.List) {
	f, info, problems := r.open(name)
	if problems != nil {
		return nil, problems
	}
	defer func() { _ = f.Close() }()
	if !info.IsDir() {
		return r.content(name, f, true)
	}
	if folder, ok := f.(fs.ReadDirFile); ok && isFolder {
		return r.folder(name, folder)
	}
	return nil, nil
}

// isDocumentName accepts what the shell's *.yaml *.yml *.json would.
func isDocumentName(name string) bool {
	extension := filepath.Ext(name)
	return extension == ".yaml" || extension == ".yml" || extension == ".json"
}

func (r reader) content(name string, from io.Reader, inFolder bool) ([]*Document, problem.List) {
	if from == nil {
		return nil, problem.List{{Position: problem.Position{File: name}, Message: "there is no standard input"}}
	}
	// One byte more than allowed shows that a file is too large.
	data, err := io.ReadAll(io.LimitReader(from, yamldoc.MaxBytes+1))
	if err != nil {
		return nil, fileProblem(name, err)
	}
	return decodeFile(name, data, r.options, inFolder)
}

// fileProblem says what the system answered, without its name of the operation.
func fileProblem(name string, err error) problem.List {
	var pathError *fs.PathError
	message := "cannot be read: " + err.Error()
	switch {
	case errors.Is(err, fs.ErrNotExist):
		message = "the file does not exist; check the path"
	case errors.Is(err, fs.ErrPermission):
		message = "permission to read it is missing"
	case errors.As(err, &pathError):
		message = "cannot be read: " + pathError.Err.Error()
	}
	return problem.List{{Position: problem.Position{File: name}, Message: message}}
}
