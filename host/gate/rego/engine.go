//go:build !lattice_norego

package rego

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"
	"github.com/open-policy-agent/opa/v1/storage"
	"github.com/open-policy-agent/opa/v1/storage/inmem"
	"github.com/open-policy-agent/opa/v1/topdown"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/latticenet/lattice-host/host/gate"
)

// Engine answers by the rules of files. It is immutable, safe for concurrent use, and made by
// [Parse].
type Engine struct {
	packs  map[gate.Point]*pack
	digest string
	count  int
	limit  time.Duration
	// unindexed evaluates every rule, where OPA would first sort out those that cannot match; tests
	// compare both.
	unindexed bool
}

// pack is the package of one point, ready to run.
type pack struct {
	// name is the package, entries are its rules that count.
	name     string
	entries  []string
	compiler *ast.Compiler
	query    rego.PreparedEvalQuery
	// rules are those that count, by position.
	rules []*ast.Rule
	// input is what inputs must conform to.
	input *jsonschema.Schema
}

// Parse reads rules and data. Files of tests are only looked at as far as needed to see that they
// are tests. Every problem of every file is reported; the error satisfies errors.Is with
// problem.Invalid. No files give an engine with no policies.
func Parse(files, data []File, o Options) (*Engine, error) {
	l, caps, err := load(files, data, false)
	if err != nil {
		return nil, err
	}
	return l.engine(caps, digest(files, data), o)
}

// load reads all files and checks what can be seen without compiling.
func load(files, data []File, tests bool) (*library, *ast.Capabilities, error) {
	caps, err := capabilities()
	if err != nil {
		return nil, nil, err
	}
	var p problems
	values := readData(data, &p)
	l := index(read(files, caps, tests, &p), values, &p)
	return l, caps, p.err()
}

// engine compiles each package with the libraries that it uses, for the input of its point.
func (l *library) engine(caps *ast.Capabilities, digest string, o Options) (*Engine, error) {
	e := &Engine{packs: map[gate.Point]*pack{}, digest: digest, limit: cmp.Or(o.TimeLimit, DefaultTimeLimit)}
	s, err := newSchemas()
	if err != nil {
		return nil, err
	}
	store := inmem.NewFromObjectWithOpts(l.data, inmem.OptRoundTripOnWrite(false), inmem.OptReturnASTValuesOnRead(true))
	var p problems
	used := map[string]bool{}
	for _, m := range l.modules {
		if m.space != spacePoint || e.packs[m.point()] != nil {
			continue
		}
		modules := l.withLibraries(m.name)
		for _, r := range modules {
			used[r.name] = true
		}
		c := l.compile(modules, caps, s.of(m.point()), &p)
		if c == nil {
			continue
		}
		l.checkRules(m.name, c, &p)
		pk := &pack{name: m.name, entries: l.entries(m.name), compiler: c, rules: counting(c, m.name)}
		if err := pk.prepare(store, caps); err != nil {
			p.addErrors(m.file, err)
			continue
		}
		if pk.input, err = s.validator(m.point()); err != nil {
			return nil, err
		}
		e.packs[m.point()] = pk
		e.count += len(pk.rules)
	}
	l.compile(slices.DeleteFunc(slices.Clone(l.modules), func(m *module) bool { return used[m.name] || m.space != spaceLib }),
		caps, s.of(""), &p)
	if err := p.err(); err != nil {
		return nil, err
	}
	return e, nil
}

// compile returns nil, and adds the problems, when the modules do not compile.
func (l *library) compile(modules []*module, caps *ast.Capabilities, schemas *ast.SchemaSet, p *problems) *ast.Compiler {
	c := newCompiler(caps, schemas)
	c.Compile(byFile(modules))
	if c.Failed() {
		p.addErrors("", c.Errors)
		return nil
	}
	for _, m := range modules {
		l.checkReferences(m, c.Modules[m.file].Rules, p)
	}
	return c
}

func newCompiler(caps *ast.Capabilities, schemas *ast.SchemaSet) *ast.Compiler {
	return ast.NewCompiler().WithCapabilities(caps).WithSchemas(schemas).WithUseTypeCheckAnnotations(true).WithStrict(true).
		WithEnablePrintStatements(false).WithDefaultRegoVersion(ast.RegoV1)
}

func byFile(modules []*module) map[string]*ast.Module {
	all := make(map[string]*ast.Module, len(modules))
	for _, m := range modules {
		all[m.file] = m.parsed
	}
	return all
}

// prepare makes the query: for each rule that counts a list of its value, which is empty when it is
// undefined.
func (p *pack) prepare(store storage.Store, caps *ast.Capabilities) error {
	terms := make([]string, len(p.entries))
	for i, entry := range p.entries {
		terms[i] = "[x | x := data." + p.name + "." + entry + "]"
	}
	var err error
	p.query, err = rego.New(rego.Query("["+strings.Join(terms, ", ")+"]"), rego.Compiler(p.compiler), rego.Store(store),
		rego.Capabilities(caps), rego.StrictBuiltinErrors(true), rego.Strict(true), rego.EnablePrintStatements(false),
		rego.GenerateJSON(func(t *ast.Term, _ *rego.EvalContext) (any, error) { return t, nil })).
		PrepareForEval(context.Background())
	return err
}

// counting returns the rules of a package that count, by position.
func counting(c *ast.Compiler, name string) []*ast.Rule {
	var found []*ast.Rule
	for _, m := range c.Modules {
		if packageName(m.Package.Path) != name {
			continue
		}
		for _, r := range m.Rules {
			if isEntry(ruleName(r)) {
				found = append(found, r)
			}
		}
	}
	slices.SortFunc(found, compareRules)
	return found
}

func compareRules(a, b *ast.Rule) int { return a.Location.Compare(b.Location) }

// digest is the SHA-256 over the digests of all files that decide, sorted, so that neither their
// order nor their names count.
func digest(files, data []File) string {
	var lines []string
	add := func(kind string, files []File) {
		for _, f := range files {
			sum := sha256.Sum256(f.Text)
			lines = append(lines, kind+" "+hex.EncodeToString(sum[:])+"\n")
		}
	}
	add("rules", slices.DeleteFunc(slices.Clone(files), func(f File) bool { return isTest(f.Name) }))
	add("data", data)
	slices.Sort(lines)
	sum := sha256.Sum256([]byte(strings.Join(lines, "")))
	return "sha256:" + hex.EncodeToString(sum[:])
}

// Digest is the SHA-256 of the rules and data, whatever their files are called.
func (e *Engine) Digest() string { return e.digest }

// Len is how many rules deny or warn.
func (e *Engine) Len() int { return e.count }

// Judges reports whether there are rules for a point, which look at [gate.Input.Document].
func (e *Engine) Judges(p gate.Point) bool { return e.packs[p] != nil }

// Evaluate judges the input by the package of its point. Without such a package there is nothing to
// judge. What goes wrong is a reason with the verdict [gate.Error].
func (e *Engine) Evaluate(ctx context.Context, in *gate.Input) (gate.Answer, error) {
	p := e.packs[in.Point]
	if p == nil {
		return gate.Answer{Verdict: gate.Allow}, nil
	}
	input, err := p.convert(in)
	if err != nil {
		return failure(p.failed(err)), nil
	}
	values, err := e.run(ctx, p, input)
	if err != nil {
		return failure(p.failed(err)), nil
	}
	elements, failures := p.elements(values)
	if len(failures) > 0 {
		return failure(failures...), nil
	}
	if len(elements) == 0 {
		return gate.Answer{Verdict: gate.Allow}, nil
	}
	origins := &origins{rules: map[string]*ast.Rule{}}
	if _, err := e.run(ctx, p, input, rego.EvalQueryTracer(origins)); err != nil {
		return failure(p.failed(err)), nil
	}
	return p.answer(elements, origins), nil
}

func failure(reasons ...gate.Reason) gate.Answer {
	return gate.Answer{Verdict: gate.Error, Reasons: reasons}
}

// failed is the reason for the verdict Error.
func (p *pack) failed(err error) gate.Reason {
	at, message := explain(err)
	return gate.Reason{Engine: engineName, Verdict: gate.Error, Policy: p.name, Position: at, Message: message}
}

// explain returns where an evaluation failed, if that is known, and why.
func explain(err error) (at, message string) {
	message = err.Error()
	var failed *topdown.Error
	if errors.As(err, &failed) {
		at, message = position(failed.Location).String(), failed.Message
	}
	return at, cut(oneLine(message))
}

// zeros is the seed: nothing that rules may call needs one.
type zeros struct{}

func (zeros) Read(b []byte) (int, error) {
	clear(b)
	return len(b), nil
}

var _ io.Reader = zeros{}

// run evaluates all rules that count, within the time limit, and returns their values in the order
// of the entries.
func (e *Engine) run(ctx context.Context, p *pack, input ast.Value, more ...rego.EvalOption) (*ast.Array, error) {
	limited, cancel := context.WithTimeout(ctx, e.limit)
	defer cancel()
	options := append([]rego.EvalOption{rego.EvalParsedInput(input), rego.EvalTime(time.Unix(0, 0).UTC()), rego.EvalSeed(zeros{}),
		rego.EvalRuleIndexing(!e.unindexed)}, more...)
	results, err := p.query.Eval(limited, options...)
	switch {
	case err != nil && ctx.Err() != nil:
		return nil, fmt.Errorf("the rules were interrupted: %w", ctx.Err())
	case err != nil && topdown.IsCancel(err):
		return nil, fmt.Errorf("the rules did not end within %s; make them do less", e.limit)
	case err != nil:
		return nil, err
	case len(results) != 1 || len(results[0].Expressions) != 1:
		return nil, errors.New("the rules have no result")
	}
	term, ok := results[0].Expressions[0].Value.(*ast.Term)
	if !ok {
		return nil, errors.New("the rules have no result")
	}
	values, ok := term.Value.(*ast.Array)
	if !ok || values.Len() != len(p.entries) {
		return nil, errors.New("the rules have no result")
	}
	return values, nil
}
