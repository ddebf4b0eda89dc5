//go:build !lattice_norego

package rego

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/latticenet/lattice-host/host/gate"
	"github.com/latticenet/lattice-host/internal/problem"
)

// maxNesting is how deep terms of a rule file nest. OPA's own limit lets a small file take a large
// part of the memory.
const maxNesting = 200

// space is what a package is for.
type space uint8

const (
	spaceNone space = iota
	// spacePoint is the package of a gate's point, spaceLib one that packages share, spaceTest one
	// of tests.
	spacePoint
	spaceLib
	spaceTest
)

// module is one file of rules.
type module struct {
	file   string
	parsed *ast.Module
	// name is the package, such as lattice.outputs.
	name  string
	space space
}

// point is the gate that the package is for, if it is for one.
func (m *module) point() gate.Point {
	point, _ := strings.CutPrefix(m.name, "lattice.")
	return gate.Point(point)
}

// entryPattern matches the rules that count; the first group is what they do.
var entryPattern = regexp.MustCompile(`^(deny|violation|warn)(_[a-zA-Z0-9]+)*$`)

func isEntry(name string) bool { return entryPattern.MatchString(name) }

// denies reports whether a rule that counts denies.
func denies(name string) bool { return isEntry(name) && !strings.HasPrefix(name, "warn") }

// problems collects what is wrong with the files.
type problems problem.List

func (p *problems) add(at problem.Position, object, format string, args ...any) {
	*p = append(*p, problem.Problem{Position: at, Object: object, Message: fmt.Sprintf(format, args...)})
}

// addErrors adds errors of OPA's parser or compiler, each with its place if it has one.
func (p *problems) addErrors(file string, err error) {
	var list ast.Errors
	if !errors.As(err, &list) {
		p.add(problem.Position{File: file}, "", "%s", oneLine(err.Error()))
		return
	}
	for _, e := range list {
		at := position(e.Location)
		at.File = cmp.Or(at.File, file)
		p.add(at, "", "%s", oneLine(e.Message)+instead(e))
	}
}

// instead says what there is where a reference names something that is not.
func instead(e *ast.Error) string {
	d, ok := e.Details.(*ast.RefErrInvalidDetail)
	if !ok || len(d.OneOf) == 0 {
		return ""
	}
	names := make([]string, len(d.OneOf))
	for i, v := range d.OneOf {
		names[i] = strings.Trim(v.String(), `"`)
	}
	slices.Sort(names)
	return "; there is " + strings.Join(names, ", ")
}

// err returns the problems by place, each once, or nil if none exists.
func (p *problems) err() error {
	if len(*p) == 0 {
		return nil
	}
	slices.SortFunc(*p, func(a, b problem.Problem) int {
		return cmp.Or(strings.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column),
			strings.Compare(a.Object, b.Object), strings.Compare(a.Message, b.Message))
	})
	return problem.List(slices.Compact(*p))
}

func position(l *ast.Location) problem.Position {
	if l == nil {
		return problem.Position{}
	}
	return problem.Position{File: l.File, Line: l.Row, Column: l.Col}
}

// read parses the files, those with tests only on request.
func read(files []File, caps *ast.Capabilities, tests bool, p *problems) []*module {
	if len(files) > MaxFiles {
		p.add(problem.Position{}, "", "there are %d rule files, the limit is %d", len(files), MaxFiles)
		return nil
	}
	sorted := slices.Clone(files)
	slices.SortFunc(sorted, func(a, b File) int { return strings.Compare(a.Name, b.Name) })
	var modules []*module
	for i, f := range sorted {
		if i > 0 && f.Name == sorted[i-1].Name {
			p.add(problem.Position{File: f.Name}, "", "is a duplicate; give every file a name of its own")
			continue
		}
		if m := readModule(f, caps, p); m != nil && (tests || m.space != spaceTest) {
			modules = append(modules, m)
		}
	}
	return modules
}

// readModule parses one file, and returns nil when it cannot be used.
func readModule(f File, caps *ast.Capabilities, p *problems) *module {
	at := problem.Position{File: f.Name}
	if len(f.Text) > MaxFileBytes {
		p.add(at, "", "the file has %d bytes, the limit is %d", len(f.Text), MaxFileBytes)
		return nil
	}
	text := string(f.Text)
	o := ast.ParserOptions{ProcessAnnotation: true, RegoVersion: ast.RegoV1, Capabilities: caps}
	if err := checkNesting(f.Name, text, o); err != nil {
		p.addErrors(f.Name, err)
		return nil
	}
	parsed, err := ast.ParseModuleWithOpts(f.Name, text, o)
	if err != nil && strings.Contains(err.Error(), "empty module") {
		p.add(at, "", "holds nothing; begin it with a line such as: package lattice.outputs")
		return nil
	}
	if err != nil {
		if old := oldSyntax(f.Name, text, caps, err); old != nil {
			err = old
		}
		p.addErrors(f.Name, err)
		return nil
	}
	m := &module{file: f.Name, parsed: parsed, name: packageName(parsed.Package.Path)}
	m.space = spaceOf(parsed.Package.Path)
	if !m.check(p) {
		return nil
	}
	m.checkMetadata(p)
	return m
}

// checkMetadata refuses what rules say of themselves in another form than it is read in.
func (m *module) checkMetadata(p *problems) {
	for _, a := range m.parsed.Annotations {
		for _, table := range []struct {
			name   string
			values map[string]any
		}{{"labels", a.Labels}, {"custom", a.Custom}} {
			for _, key := range []string{"id", "severity"} {
				if value := table.values[key]; value != nil && text(table.values, key) == "" {
					p.add(position(a.Location), m.name, "METADATA: %s.%s: is %v, and must be text; put it in quotes", table.name, key, value)
				}
			}
		}
	}
}

// checkNesting refuses what nests too deep before anything recurses into it without a limit.
func checkNesting(file, text string, o ast.ParserOptions) error {
	_, _, errs := ast.NewParser().WithMaxRecursionDepth(maxNesting).WithFilename(file).WithReader(strings.NewReader(text)).
		WithCapabilities(o.Capabilities).WithRegoVersion(o.RegoVersion).Parse()
	for _, e := range errs {
		if strings.Contains(e.Message, ast.ErrMaxParsingRecursionDepthExceeded.Error()) {
			e.Message = fmt.Sprintf("nests deeper than %d; split the rule", maxNesting)
			return ast.Errors{e}
		}
	}
	return nil
}

// oldSyntax returns what to say of a file that is Rego as it was before OPA 1.0, nil of any other
// file.
func oldSyntax(file, text string, caps *ast.Capabilities, err error) error {
	o := ast.ParserOptions{RegoVersion: ast.RegoV0, Capabilities: caps}
	if _, oldErr := ast.ParseModuleWithOpts(file, text, o); oldErr != nil {
		return nil
	}
	var list ast.Errors
	if !errors.As(err, &list) || len(list) == 0 {
		return nil
	}
	first := list[0]
	first.Message = "the file is Rego of before OPA 1.0 (" + oneLine(first.Message) + "); opa fmt --v0-v1 --write rewrites it"
	return ast.Errors{first}
}

// packageName returns a path as it is in a file, without data.
func packageName(path ast.Ref) string { return strings.TrimPrefix(path.String(), "data.") }

var libName = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)

// spaceOf returns what a package is for, spaceNone when it is for nothing.
func spaceOf(path ast.Ref) space {
	var parts []string
	for _, t := range path[1:] {
		s, ok := t.Value.(ast.String)
		if !ok {
			return spaceNone
		}
		parts = append(parts, string(s))
	}
	if len(parts) == 0 || parts[0] != "lattice" {
		return spaceNone
	}
	last, isTest := strings.CutSuffix(parts[len(parts)-1], "_test")
	found := spaceNone
	switch {
	case len(parts) == 2 && definition(gate.Point(last)) != "":
		found = spacePoint
	case len(parts) == 3 && parts[1] == "lib" && libName.MatchString(last):
		found = spaceLib
	}
	if isTest && found != spaceNone {
		return spaceTest
	}
	return found
}

// check refuses a package that no gate would ever read, and tests that would count as rules or the
// other way round.
func (m *module) check(p *problems) bool {
	at := position(m.parsed.Package.Location)
	switch {
	case m.space == spaceNone:
		p.add(at, m.name, "no gate reads this package; the packages are lattice.install, lattice.admit, lattice.capability, "+
			"lattice.outputs, lattice.execute, and lattice.lib.<name> for what they share")
	case m.space == spaceTest && !isTest(m.file):
		p.add(at, m.name, "a package of tests belongs into a file whose name ends in %s", testSuffix)
	case m.space != spaceTest && isTest(m.file):
		p.add(at, m.name, "the file's name ends in %s, so its package must end in _test", testSuffix)
	default:
		return true
	}
	return false
}

// ruleName returns the first name of a rule: of p.q.r it is p.
func ruleName(r *ast.Rule) string {
	if v, ok := r.Head.Ref()[0].Value.(ast.Var); ok {
		return string(v)
	}
	return r.Head.Ref()[0].String()
}
