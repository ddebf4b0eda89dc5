//go:build !lattice_norego

package rego

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/storage"
	"github.com/open-policy-agent/opa/v1/storage/inmem"
	"github.com/open-policy-agent/opa/v1/tester"
	"github.com/open-policy-agent/opa/v1/topdown"
)

// Test runs the tests among the files: the rules test_<name> of packages such as
// lattice.outputs_test, in files whose names end in _test.rego. Tests have the capabilities of
// rules. The files must pass [Parse] first; the error is its error, or that the tests do not
// compile. A test that fails is not an error.
func Test(ctx context.Context, files, data []File, o Options) (*Report, error) {
	e, err := Parse(files, data, o)
	if err != nil {
		return nil, err
	}
	l, caps, err := load(files, data, true)
	if err != nil {
		return nil, err
	}
	s, err := newSchemas()
	if err != nil {
		return nil, err
	}
	var p problems
	if l.compile(l.modules, caps, s.of(""), &p) == nil || len(p) > 0 {
		return nil, p.err()
	}
	// The runner adds its stages to a compiler before it compiles; the one above has done so
	// already.
	store := inmem.NewFromObjectWithOpts(l.data, inmem.OptRoundTripOnWrite(false))
	fired := &firings{rules: map[string]bool{}}
	var results []*tester.Result
	err = storage.Txn(ctx, store, storage.TransactionParams{}, func(txn storage.Transaction) error {
		results, err = runTests(ctx, newTester(newCompiler(caps, s.of("")), store, fired, e), txn, byFile(l.modules))
		return err
	})
	if err != nil {
		return nil, err
	}
	return report(results, e, fired), nil
}

func newTester(c *ast.Compiler, store storage.Store, fired *firings, e *Engine) *tester.Runner {
	// One at a time: the tests share the tracer.
	return tester.NewRunner().SetCompiler(c).SetStore(store).CapturePrintOutput(false).RaiseBuiltinErrors(true).
		SetTimeout(e.limit).SetParallel(1).SetCoverageQueryTracer(fired)
}

func runTests(ctx context.Context, r *tester.Runner, txn storage.Transaction, modules map[string]*ast.Module) ([]*tester.Result, error) {
	ch, err := r.SetModules(modules).RunTests(ctx, txn)
	if err != nil {
		return nil, err
	}
	var results []*tester.Result
	for result := range ch {
		results = append(results, result)
	}
	return results, ctx.Err()
}

func report(results []*tester.Result, e *Engine, fired *firings) *Report {
	slices.SortFunc(results, func(a, b *tester.Result) int {
		return cmp.Or(a.Location.Compare(b.Location), strings.Compare(a.Name, b.Name))
	})
	r := &Report{Results: []Result{}, Silent: []string{}}
	for _, t := range results {
		r.Results = append(r.Results, Result{
			Name: strings.TrimPrefix(t.Package, "data.") + "." + t.Name, Position: position(t.Location).String(), Failure: failureOf(t),
		})
	}
	var silent []*ast.Rule
	for _, p := range e.packs {
		for _, rule := range p.rules {
			if denies(ruleName(rule)) && !fired.rules[position(rule.Location).String()] {
				silent = append(silent, rule)
			}
		}
	}
	slices.SortFunc(silent, compareRules)
	for _, rule := range silent {
		r.Silent = append(r.Silent, position(rule.Location).String()+": "+packageName(rule.Module.Package.Path)+"."+ruleName(rule))
	}
	return r
}

// failureOf says in one line why a test did not pass, nothing of one that passed.
func failureOf(t *tester.Result) string {
	switch {
	case t.Pass():
		return ""
	case t.Skip:
		return "is skipped; a test that does not run tests nothing"
	case topdown.IsCancel(t.Error):
		return "did not end in time"
	case t.Error != nil:
		at, message := explain(t.Error)
		return strings.TrimPrefix(at+": "+message, ": ")
	}
	var cases []string
	for name, sub := range t.SubResults.Iter {
		if sub.Fail && len(sub.SubResults) == 0 {
			cases = append(cases, strings.Join(name, "/"))
		}
	}
	if len(cases) > 0 {
		return "is not true for " + strings.Join(cases, ", ")
	}
	return "is not true"
}

// firings remembers the rules that count and were true at least once.
type firings struct{ rules map[string]bool }

var _ topdown.QueryTracer = (*firings)(nil)

// Enabled returns true.
func (*firings) Enabled() bool { return true }

// Config asks for no variables.
func (*firings) Config() topdown.TraceConfig { return topdown.TraceConfig{} }

// TraceEvent remembers the rule that ends.
func (f *firings) TraceEvent(e topdown.Event) {
	rule, ok := e.Node.(*ast.Rule)
	if ok && (e.Op == topdown.ExitOp || e.Op == topdown.DuplicateOp) && isEntry(ruleName(rule)) {
		f.rules[position(rule.Location).String()] = true
	}
}
