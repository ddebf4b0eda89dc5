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

// stdinName stands for standard input among the paths, and stdinFile in positions.
const (
	stdinName = "-"
	stdinFile = "<stdin>"
)

// Read reads every document of the given files. A folder stands for the files *.yaml, *.yml and *.json directly in it,
// in the order of their names and without hidden ones; "-" stands for stdin. No two documents may have kind, namespace
// and name in common. An error is [problem.List] and holds everything that is wrong in all files.
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
		return r.content(stdinFile, r.stdin)
	}
	return r.open(name, r.folder)
}

// open reads a file, or hands a folder to onFolder.
func (r reader) open(name string, onFolder func(string, fs.ReadDirFile) ([]*Document, problem.List)) ([]*Document, problem.List) {
	f, err := r.opener.Open(name)
	if err != nil {
		return nil, fileProblem(name, err)
	}
	// Nothing was written that closing could lose.
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	switch folder, ok := f.(fs.ReadDirFile); {
	case err != nil:
		return nil, fileProblem(name, err)
	case info.IsDir() && ok:
		return onFolder(name, folder)
	}
	return r.content(name, f)
}

// passOver is for a link to a folder inside a folder.
func passOver(string, fs.ReadDirFile) ([]*Document, problem.List) { return nil, nil }

func (r reader) folder(name string, folder fs.ReadDirFile) ([]*Document, problem.List) {
	entries, err := folder.ReadDir(-1)
	if err != nil {
		return nil, fileProblem(name, err)
	}
	var files []string
	for _, e := range entries {
		if !e.IsDir() && isDocumentName(e.Name()) {
			files = append(files, filepath.Join(name, e.Name()))
		}
	}
	if len(files) == 0 {
		return nil, problem.List{{Position: problem.Position{File: name}, Message: "the folder holds no *.yaml, *.yml or *.json file"}}
	}
	slices.Sort(files)
	var docs []*Document
	var problems problem.List
	for _, file := range files {
		found, ps := r.open(file, passOver)
		docs = append(docs, found...)
		problems = append(problems, ps...)
	}
	return docs, problems
}

// isDocumentName accepts what the shell's *.yaml *.yml *.json would.
func isDocumentName(name string) bool {
	extension := filepath.Ext(name)
	return !strings.HasPrefix(name, ".") && (extension == ".yaml" || extension == ".yml" || extension == ".json")
}

func (r reader) content(name string, from io.Reader) ([]*Document, problem.List) {
	if from == nil {
		return nil, problem.List{{Position: problem.Position{File: name}, Message: "there is no standard input"}}
	}
	// One byte more than allowed shows that a file is too large.
	data, err := io.ReadAll(io.LimitReader(from, yamldoc.MaxBytes+1))
	if err != nil {
		return nil, fileProblem(name, err)
	}
	return decodeFile(name, data, r.options)
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
