package policy

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/latticenet/lattice-host/host/gate"
	"github.com/latticenet/lattice-host/host/gate/cedar"
	"github.com/latticenet/lattice-host/host/gate/facts"
	"github.com/latticenet/lattice-host/host/gate/quota"
	"github.com/latticenet/lattice-host/host/gate/rego"
	"github.com/latticenet/lattice-host/host/resource"
	"github.com/latticenet/lattice-host/internal/diskfile"
	"github.com/latticenet/lattice-host/internal/problem"
	"github.com/latticenet/lattice-host/internal/yamldoc"
)

//go:embed default/*.cedar
var defaults embed.FS

// defaultPrefix begins the names of the files of this package.
const defaultPrefix = "builtin/"

// Limits on what is read.
const (
	// MaxFiles is how many files of policies there may be.
	MaxFiles = 2000
	// maxFileBytes is the largest file; the engines have limits of their own.
	maxFileBytes = 1 << 20
)

// File is one file of policies.
type File struct {
	// Name is the name as the user gave it, with the ending that says what it is.
	Name string
	Text []byte
}

// Options say which policies there are.
type Options struct {
	// Paths are files and folders, which are read with everything below them.
	Paths []string
	// Files were read from elsewhere, such as a signed bundle.
	Files []File
	// NoDefaults leaves the policies of this package out.
	NoDefaults bool
	// TimeLimit is how long the rules of one gate may run; 0 is rego.DefaultTimeLimit.
	TimeLimit time.Duration
}

// Set is the policies of a host. It does not change and is safe for concurrent use.
type Set struct {
	*gate.Policies
	// Cedar and Rego are the engines.
	Cedar *cedar.Engine
	Rego  *rego.Engine
	// Quotas limit what workloads ask for.
	Quotas []quota.Quota
	// Namespaces say which namespaces are in the groups that quotas limit.
	Namespaces quota.Namespaces
	// Owners are documents that own volumes, and say who may use them, whatever a run says of them.
	Owners []facts.Object
	// Files are the names of everything that was read, in its order.
	Files []string
}

// sources are files by what they are.
type sources struct {
	cedar     []cedar.File
	documents []cedar.File
	rules     []rego.File
	tests     []rego.File
	data      []rego.File
	cases     []File
	quotas    []quota.Quota
	groups    quota.Namespaces
	owners    []facts.Object
	names     []string
}

// Load reads the policies. Everything that is wrong is in the error. Without a single policy the
// error wraps gate.ErrNoPolicies.
func Load(o Options) (*Set, error) {
	s, err := o.read()
	if s == nil {
		return nil, err
	}
	set, more := s.set(o)
	if err != nil && errors.Is(more, gate.ErrNoPolicies) {
		// There may be policies where something is wrong.
		more = nil
	}
	if err := errors.Join(err, more); err != nil {
		return nil, err
	}
	return set, nil
}

func (s *sources) set(o Options) (*Set, error) {
	set := &Set{Quotas: s.quotas, Namespaces: s.groups, Owners: s.owners, Files: s.names}
	var err error
	if set.Cedar, err = cedar.Parse(s.cedar, s.documents...); err != nil {
		_, more := rego.Parse(s.rules, s.data, rego.Options{})
		return nil, errors.Join(err, more)
	}
	rules := s.rules
	isQuota := func(f rego.File) bool { return f.Name == quota.RulesFile }
	switch there := slices.ContainsFunc(rules, isQuota); {
	case len(s.quotas) == 0:
		// Without a quota its rules deny nothing, and preparing them takes longer than all else of
		// a small run.
		rules = slices.DeleteFunc(slices.Clone(rules), isQuota)
	case !there && set.Cedar.Len()+len(rules) > 0:
		// They are what a quota means, rather than a policy that one may leave out.
		rules = append(slices.Clone(rules), rego.File{Name: quota.RulesFile, Text: quota.Rules()})
		set.Files = append(slices.Clone(set.Files), quota.RulesFile)
	}
	if set.Rego, err = rego.Parse(rules, s.data, rego.Options{TimeLimit: o.TimeLimit}); err != nil {
		return nil, err
	}
	if set.Policies, err = gate.New(set.Cedar, set.Rego); err != nil {
		return set, err
	}
	if len(s.owners) > 0 {
		set.Policies = set.Including("owners", s.ownersText())
	}
	if len(s.quotas) == 0 {
		return set, nil
	}
	text, err := quota.Text(s.quotas, s.groups)
	if err != nil {
		return nil, err
	}
	set.Policies = set.Including("quotas", text)
	return set, nil
}

// Warnings says which quotas count nothing: those of a group in which no namespace is.
func (s *Set) Warnings() []string {
	var warnings []string
	for _, q := range s.Quotas {
		if q.Enabled && q.Principal.Type == quota.TypeGroup && !slices.Contains(slices.Collect(maps.Values(s.Namespaces)), q.Principal.ID) {
			warnings = append(warnings, fmt.Sprintf("%s: %s: limits a group in which no namespace is, so that it counts nothing; add the Namespace "+
				"documents that have the label %s: %s to the policies", q.Position, q.String(), quota.GroupLabel, q.Principal.ID))
		}
	}
	return warnings
}

// read returns the files by what they are; nil when they could not even be read.
func (o Options) read() (*sources, error) {
	s := &sources{groups: quota.Namespaces{}}
	var files []File
	if !o.NoDefaults {
		builtin, err := Defaults()
		if err != nil {
			return nil, err
		}
		files = append(files, builtin...)
	}
	files = append(files, o.Files...)
	for _, p := range o.Paths {
		read, err := ReadPath(p)
		if err != nil {
			return nil, err
		}
		files = append(files, read...)
	}
	if len(files) > MaxFiles {
		return nil, fmt.Errorf("there are %d files of policies, the limit is %d", len(files), MaxFiles)
	}
	var problems []error
	for _, f := range files {
		problems = append(problems, s.add(f))
	}
	return s, errors.Join(problems...)
}

// Defaults returns the policies of this package.
func Defaults() ([]File, error) {
	entries, err := fs.ReadDir(defaults, "default")
	if err != nil {
		return nil, err
	}
	var files []File
	for _, e := range entries {
		text, err := defaults.ReadFile(path.Join("default", e.Name()))
		if err != nil {
			return nil, err
		}
		files = append(files, File{defaultPrefix + e.Name(), text})
	}
	return append(files, File{quota.RulesFile, quota.Rules()}), nil
}

// ReadPath reads a file, or every file of policies below a folder, in the order of their names.
func ReadPath(root string) ([]File, error) {
	info, err := os.Stat(root)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		f, err := readFile(root)
		return []File{f}, err
	}
	var files []File
	// With a separator at the end a link to a folder is that folder.
	folder := strings.TrimSuffix(root, string(filepath.Separator)) + string(filepath.Separator)
	err = filepath.WalkDir(folder, func(file string, e fs.DirEntry, err error) error {
		switch hidden := strings.HasPrefix(e.Name(), "."); {
		case err != nil:
			return err
		case hidden && file != folder && e.IsDir():
			return fs.SkipDir
		case e.IsDir() || hidden:
			return nil
		case !IsPolicy(e.Name()):
			return checkSkipped(file, e)
		case len(files) == MaxFiles:
			return fmt.Errorf("%s: has more than %d files of policies", root, MaxFiles)
		}
		f, err := readFile(file)
		files = append(files, f)
		return err
	})
	if err == nil && len(files) == 0 {
		return nil, fmt.Errorf("%s: %w in this folder; a policy is a file that ends in .cedar, .rego, .yaml or .json", root, gate.ErrNoPolicies)
	}
	return files, err
}

// checkSkipped refuses to skip a file that its author may take for a policy: a forbid policy that
// is not read would go unnoticed.
func checkSkipped(file string, e fs.DirEntry) error {
	if IsPolicy(strings.ToLower(e.Name())) {
		return fmt.Errorf("%s: is not read, as %s is not in lower case; rename it", file, filepath.Ext(file))
	}
	if e.Type()&fs.ModeSymlink == 0 {
		return nil
	}
	info, err := os.Stat(file)
	if err == nil && info.IsDir() {
		return fmt.Errorf("%s: is a link to a folder, which is not followed; name that folder with --policies, or move it here", file)
	}
	return nil
}

func readFile(file string) (File, error) {
	text, err := diskfile.Read(os.OpenFile, file, maxFileBytes)
	return File{file, text}, err
}

// IsPolicy reports whether a file is read for the ending of its name.
func IsPolicy(name string) bool {
	return slices.Contains([]string{".cedar", ".rego", ".yaml", ".yml", ".json"}, filepath.Ext(name))
}

// isTest reports whether a file holds tests, which are not loaded to judge.
func isTest(name string) bool {
	return strings.HasSuffix(strings.TrimSuffix(name, filepath.Ext(name)), "_test") && filepath.Ext(name) != ".cedar"
}

// isData reports whether a file is data for rules rather than documents.
func isData(name string) bool {
	base := filepath.Base(name)
	return strings.TrimSuffix(base, filepath.Ext(base)) == "data"
}

func (s *sources) add(f File) error {
	s.names = append(s.names, f.Name)
	if bytes.HasPrefix(f.Text, []byte("\ufeff")) {
		return problem.Problem{
			Position: problem.Position{File: f.Name, Line: 1, Column: 1}, Message: "begins with a byte order mark; save the file as UTF-8 without one",
		}
	}
	switch ext := filepath.Ext(f.Name); {
	case ext == ".cedar" && len(bytes.TrimSpace(f.Text)) == 0:
		return noPoliciesIn(f)
	case ext == ".cedar":
		s.cedar = append(s.cedar, cedar.File{Name: f.Name, Text: f.Text})
	case isTest(f.Name) && ext == ".rego":
		s.tests = append(s.tests, rego.File{Name: f.Name, Text: f.Text})
	case isTest(f.Name) && IsPolicy(f.Name):
		s.cases = append(s.cases, f)
	case ext == ".rego":
		s.rules = append(s.rules, rego.File{Name: f.Name, Text: f.Text})
	case isData(f.Name):
		s.data = append(s.data, rego.File{Name: f.Name, Text: f.Text})
	case IsPolicy(f.Name):
		return s.addDocuments(f)
	default:
		return fmt.Errorf("%s: is not a policy file; its name must end in .cedar, .rego, .yaml or .json", f.Name)
	}
	return nil
}

// addDocuments sorts the documents of a file by their kind.
func (s *sources) addDocuments(f File) error {
	kinds, err := kindsIn(&f)
	if err != nil {
		return err
	}
	workloads := resource.Workloads()
	switch {
	case len(kinds) == 0:
		return noPoliciesIn(f)
	case len(kinds) > 1:
		return fmt.Errorf("%s: has documents of the kinds %s; put each kind into a file of its own", f.Name, quoted(kinds))
	case kinds[0] == "CedarPolicy":
		s.documents = append(s.documents, cedar.File{Name: f.Name, Text: f.Text})
		return nil
	case kinds[0] == "LatticeQuota":
		return s.addQuotas(f)
	case slices.Contains([]string{"Namespace", "NamespaceList", "List"}, kinds[0]):
		return s.addNamespaces(f)
	case slices.Contains(workloads, kinds[0]):
		return s.addOwners(f)
	}
	return fmt.Errorf("%s: %q is not a kind of policy; the kinds are CedarPolicy, LatticeQuota, for quotas Namespace, and for the consent of those who own volumes %s; "+
		"what rules read is in a file named data%s", f.Name, kinds[0], strings.Join(workloads, ", "), filepath.Ext(f.Name))
}

// addOwners adds documents that own volumes. Which image they run does not matter here.
func (s *sources) addOwners(f File) error {
	docs, err := resource.Decode(f.Name, f.Text, resource.Options{AllowTags: true})
	problems := []error{err}
	for _, d := range docs {
		o := facts.Object{
			Ref: d.Ref, Document: d.JSON(), Origin: gate.FromPolicies,
			Place: func(field string) string { return d.Position(field).String() },
		}
		p := problem.Problem{Position: d.Position(""), Object: d.Object()}
		switch known := slices.IndexFunc(s.owners, func(k facts.Object) bool { return k.Ref == d.Ref }); {
		case known >= 0:
			p.Message = "is a duplicate among the policies, at " + s.owners[known].Place("") + " too; keep one"
		case !facts.Owns(o):
			p.Message = "owns no volume, no resource of the type volume with params.size, which is all that a document among the policies is for; " +
				"documents to derive are given with -f"
		default:
			s.owners = append(s.owners, o)
			continue
		}
		problems = append(problems, p)
	}
	return errors.Join(problems...)
}

// ownersText returns the documents that own volumes in one form, whatever files they came from and
// in whatever order.
func (s *sources) ownersText() []byte {
	texts := make([]string, len(s.owners))
	for i, o := range s.owners {
		texts[i] = string(o.Document)
	}
	slices.Sort(texts)
	return []byte(strings.Join(texts, "\n"))
}

// noPoliciesIn refuses a file that was meant to hold policies: what was cut to nothing would
// otherwise forbid nothing.
func noPoliciesIn(f File) error {
	return fmt.Errorf("%s: holds no policies; write some into it, or remove it", f.Name)
}

// addQuotas adds the quotas of a file. A name is there once, whatever file it is in: messages tell
// quotas by their names.
func (s *sources) addQuotas(f File) error {
	quotas, err := quota.Parse(f.Name, f.Text)
	problems := []error{err}
	for _, q := range quotas {
		if i := slices.IndexFunc(s.quotas, func(o quota.Quota) bool { return o.Name == q.Name }); i >= 0 {
			problems = append(problems, problem.Problem{
				Position: q.Position, Object: q.String(), Field: "metadata.name",
				Message: fmt.Sprintf("is the name of the quota at %s too", s.quotas[i].Position),
			})
		}
	}
	s.quotas = append(s.quotas, quotas...)
	return errors.Join(problems...)
}

// addNamespaces adds the groups of the Namespaces of a file.
func (s *sources) addNamespaces(f File) error {
	found, err := quota.ParseNamespaces(f.Name, f.Text)
	problems := []error{err}
	for _, name := range slices.Sorted(maps.Keys(found)) {
		if group, known := s.groups[name]; known && group != found[name] {
			problems = append(problems, fmt.Errorf("%s: Namespace %s: is in another file, too, in the group %q and not %q; keep one",
				f.Name, name, group, found[name]))
		}
		s.groups[name] = found[name]
	}
	return errors.Join(problems...)
}

// quoted lists texts as a sentence does.
func quoted(texts []string) string {
	all := make([]string, len(texts))
	for i, t := range texts {
		all[i] = strconv.Quote(t)
	}
	return strings.Join(all, " and ")
}

// kindsIn returns the kinds of the documents in a file, sorted and each once. A document without a
// kind has the kind "".
func kindsIn(f *File) ([]string, error) {
	documents, syntaxErr := yamldoc.Parse(f.Text, maxFileBytes)
	if syntaxErr != nil {
		return nil, problem.Problem{Position: syntaxErr.In(f.Name), Message: syntaxErr.Message}
	}
	var kinds []string
	for _, n := range documents {
		kinds = append(kinds, n.TextOf("kind"))
	}
	slices.Sort(kinds)
	return slices.Compact(kinds), nil
}
