package main

import (
	"context"
	"errors"
	"slices"

	"github.com/spf13/cobra"

	"github.com/latticenet/lattice-host/abi/bundle"
	"github.com/latticenet/lattice-host/host/gate"
	"github.com/latticenet/lattice-host/host/hostcall"
	"github.com/latticenet/lattice-host/host/memo"
	"github.com/latticenet/lattice-host/host/pipeline"
	"github.com/latticenet/lattice-host/host/resource"
	"github.com/latticenet/lattice-host/host/sandbox"
	"github.com/latticenet/lattice-host/registry/market"
)

// maxPipelineBytes is more than package pipeline reads, so that it is the one to complain.
const maxPipelineBytes = 8 << 20

// inputs are the flags of the commands that derive.
type inputs struct {
	files, with, pipelines []string
	settings               string
	verbose, noMemo        bool
	explain                bool
	// force says that what was derived replaces what somebody else wrote.
	force     bool
	hostCalls hostCallFlags
	policies  policyFlags
}

func (in *inputs) register(c *cobra.Command) {
	flags := c.Flags()
	// Arrays, not slices: a comma may be part of a file's name.
	flags.StringArrayVarP(&in.files, "filename", "f", nil, "`file`, folder or - (standard input) with documents to derive; repeatable")
	flags.StringArrayVar(&in.with, "with", nil, "`file` or folder with documents that those of -f may refer to, such as peers; repeatable")
	flags.StringArrayVar(&in.pipelines, "pipeline", nil, "`file` with pipelines, each in place of the built-in one for its kind; repeatable")
	flags.StringVar(&in.settings, "settings", "", "`file` with the settings of the platform and of steps")
	flags.BoolVarP(&in.verbose, "verbose", "v", false, "print on standard error what plugins log; runs every plugin again")
	flags.BoolVar(&in.noMemo, "no-memo", false, "run every plugin again, instead of using what it answered to the same request before")
	in.hostCalls.registerReplay(c)
	in.policies.register(c)
	for _, name := range []string{"filename", "with", "pipeline", "settings"} {
		// The flags were defined just above, the only thing that can be wrong.
		_ = c.MarkFlagFilename(name, "yaml", "yml", "json")
	}
}

// request is what was read from the inputs.
type request struct {
	docs, peers []*resource.Document
	kinds       *resource.Table
	pipelines   []*pipeline.Pipeline
	settings    *pipeline.Settings
	force       bool
}

func (a *app) readInputs(ctx context.Context, in *inputs) (*request, error) {
	if len(in.files) == 0 {
		return nil, usagef("name files, folders or - (standard input) with -f")
	}
	if err := in.hostCalls.check(); err != nil {
		return nil, err
	}
	settings, settingsErr := readSettings(in.settings)
	pipelines, pipelinesErr := readPipelines(in.pipelines)
	if settingsErr != nil {
		// Without settings it is not known which documents are valid.
		return nil, errors.Join(settingsErr, pipelinesErr)
	}
	// A plugin that would not load brings no kinds; that matters where a document cannot be read without it.
	kinds, kindsErr := a.kinds(ctx)
	r := &request{settings: settings, pipelines: pipelines, force: in.force, kinds: kinds}
	options := resource.Options{AllowTags: settings.AllowTags, Kinds: kinds}
	var docsErr, peersErr error
	r.docs, docsErr = resource.Read(in.files, a.stdin, options)
	if len(in.with) > 0 {
		r.peers, peersErr = resource.Read(in.with, a.stdin, options)
	}
	if docsErr == nil && peersErr == nil {
		kindsErr = nil
	}
	return r, errors.Join(pipelinesErr, kindsErr, docsErr, peersErr)
}

func readSettings(file string) (*pipeline.Settings, error) {
	if file == "" {
		return pipeline.DefaultSettings(), nil
	}
	data, err := readFile(file, maxPipelineBytes)
	if err != nil {
		return nil, err
	}
	return pipeline.ParseSettings(file, data)
}

func readPipelines(files []string) ([]*pipeline.Pipeline, error) {
	var all []*pipeline.Pipeline
	var errs []error
	for _, file := range files {
		data, err := readFile(file, maxPipelineBytes)
		if err == nil {
			var parsed []*pipeline.Pipeline
			parsed, err = pipeline.ParsePipelines(file, data)
			if err == nil && len(parsed) == 0 {
				err = inputf("%s: holds no pipeline", file)
			}
			all = append(all, parsed...)
		}
		errs = append(errs, err)
	}
	return all, errors.Join(errs...)
}

// neededPlugins returns the names of the plugins that the request certainly needs: those of the user's own pipelines and
// of the pipelines for the documents' kinds.
func (r *request) neededPlugins() ([]string, error) {
	builtin, err := pipeline.Builtin(r.kinds)
	if err != nil {
		return nil, err
	}
	needed := slices.Clone(r.pipelines)
	for _, b := range builtin {
		replaced := slices.ContainsFunc(r.pipelines, func(p *pipeline.Pipeline) bool { return p.For == b.For })
		used := slices.ContainsFunc(r.docs, func(d *resource.Document) bool { return d.Ref.GroupKind() == b.For })
		if used && !replaced {
			needed = append(needed, b)
		}
	}
	var names []string
	for _, p := range needed {
		for _, step := range p.Steps {
			if !slices.Contains(names, step.Plugin) {
				names = append(names, step.Plugin)
			}
		}
	}
	return names, nil
}

// derived is a document with what was derived from it, and what the gates said.
type derived struct {
	doc    *resource.Document
	bundle *bundle.Bundle
	judged *judged
}

// outcome is what came of the documents of a run.
type outcome struct {
	results []derived
	// denied are the documents that a gate did not let pass, in the order of the run. Nothing was emitted for them.
	denied []*judged
	// documents are all documents, in the order of the run.
	documents []*judged
	gates     *gates
	calls     *hostcall.Run
	home      *market.Home
	// staleDays is for how many days an index of the plugins has been expired, or -1.
	staleDays int
}

// err returns why documents were denied, or nil.
func (o *outcome) err() error {
	var problems []error
	for _, j := range o.denied {
		problems = append(problems, j.err())
	}
	return errors.Join(problems...)
}

// derive reads the inputs and derives every document, all or nothing. What plugins stored meanwhile is kept by
// keepHostCalls only.
func (a *app) derive(ctx context.Context, in *inputs) (results []derived, calls *hostcall.Run, err error) {
	o, err := a.deriveAllowed(ctx, in)
	if err != nil {
		return nil, nil, err
	}
	if err := o.err(); err != nil {
		return nil, nil, err
	}
	return o.results, o.calls, nil
}

// deriveAllowed reads the inputs and derives every document that the gates let pass. Any error but a denial is one of the
// whole run.
func (a *app) deriveAllowed(ctx context.Context, in *inputs) (o *outcome, err error) {
	r, err := a.readInputs(ctx, in)
	if err != nil {
		return nil, err
	}
	home, err := a.openHome()
	if err != nil {
		return nil, err
	}
	if err := r.usePipelines(home); err != nil {
		return nil, err
	}
	o = &outcome{home: home}
	if o.gates, err = a.newGates(&in.policies, home, r); err != nil {
		return nil, err
	}
	admitted := o.admit(ctx, r)
	progress := newProgress(a.stderr)
	loader, end, err := a.startPlugins(ctx, in, home, o.gates, progress)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, end()) }()
	o.staleDays = loader.installed.StaleDays()
	if o.calls, err = a.startHostCalls(&in.hostCalls, loader.home, loader, o.gates); err != nil {
		return nil, err
	}
	names, err := r.neededPlugins()
	if err != nil {
		return nil, err
	}
	loader.loadAhead(ctx, names)
	engine, err := pipeline.New(ctx, pipeline.Config{
		Plugins: loader, Pipelines: r.pipelines, Kinds: r.kinds, Settings: r.settings, Peers: append(o.deniedDocuments(), r.peers...), HostCalls: o.calls,
		Admit: o.gates.require, Progress: func(done, total int) { progress.counting("deriving", done, total) },
	})
	if err != nil {
		return nil, err
	}
	bundles, err := engine.DeriveAll(ctx, documentsOf(admitted))
	if ctx.Err() == nil {
		a.countFailures(loader.home, loader.loaded(), err)
	}
	if err != nil {
		return nil, err
	}
	for _, warning := range engine.Warnings() {
		a.note("warning: %s", warning)
	}
	return o, o.judge(ctx, admitted, bundles)
}

// admit asks about every document before it is derived, and returns those that are.
func (o *outcome) admit(ctx context.Context, r *request) []*judged {
	var admitted []*judged
	for _, d := range r.docs {
		j := &judged{doc: d, decisions: []*gate.Decision{o.gates.judge.Admit(ctx, objectOf(d))}}
		o.documents = append(o.documents, j)
		if j.allowed() {
			admitted = append(admitted, j)
		} else {
			o.denied = append(o.denied, j)
		}
	}
	return admitted
}

func documentsOf(list []*judged) []*resource.Document {
	docs := make([]*resource.Document, len(list))
	for i, j := range list {
		docs[i] = j.doc
	}
	return docs
}

// deniedDocuments are still there for others to refer to.
func (o *outcome) deniedDocuments() []*resource.Document { return documentsOf(o.denied) }

// judge asks about what was derived, and keeps what may be emitted.
func (o *outcome) judge(ctx context.Context, admitted []*judged, bundles []*bundle.Bundle) error {
	o.gates.judge.Deny(refsOf(o.denied)...)
	decisions := o.gates.decideAll(admitted, func(i int) *gate.Decision {
		return o.gates.judge.Outputs(ctx, objectOf(admitted[i].doc), outputsOf(bundles[i]))
	})
	for i, b := range bundles {
		j := admitted[i]
		j.decisions = append(j.decisions, decisions[i])
		if !j.allowed() {
			o.denied = append(o.denied, j)
			continue
		}
		o.results = append(o.results, derived{j.doc, b, j})
	}
	return ctx.Err()
}

// startPlugins makes the installation's plugins ready to be loaded. The function ends what was started.
func (a *app) startPlugins(
	ctx context.Context, in *inputs, home *market.Home, g *gates, progress *progress,
) (*pluginLoader, func() error, error) {
	installed, err := home.Snapshot(ctx, market.Policy{RunRevoked: a.runRevoked(g.set, g.keep)})
	if err != nil {
		return nil, nil, err
	}
	a.warn(installed)
	runtime, err := a.newRuntime(ctx, progress, in.verbose)
	if err != nil {
		return nil, nil, err
	}
	loader := newPluginLoader(home, installed, runtime, a.openMemo(in))
	return loader, func() error {
		err := loader.close(ctx)
		progress.end()
		return err
	}, nil
}

// newRuntime makes a sandbox that keeps compiled plugins. Verbose prints what plugins log, and not only the sandbox's own
// warnings.
func (a *app) newRuntime(ctx context.Context, progress *progress, verbose bool) (*sandbox.Runtime, error) {
	runtime, err := sandbox.New(ctx, sandbox.Config{
		CacheDir: a.cacheDir(), Compiler: a.compiler, Progress: progress.compiling,
		Log: func(m sandbox.Message) {
			if verbose || m.Plugin == "" {
				progress.above(func() { a.note("%s", logLine(m)) })
			}
		},
	})
	if err != nil {
		return nil, asInput(err)
	}
	watchMemory(runtime)
	return runtime, nil
}

// openMemo opens the kept answers, unless the plugins shall run.
func (a *app) openMemo(in *inputs) *memo.Store {
	dir := a.cacheDir()
	if in.noMemo || in.verbose || dir == "" {
		return nil
	}
	return memo.Open(memoDir(dir))
}

// logLine is a message of a plugin, or of the sandbox itself, as one line.
func logLine(m sandbox.Message) string {
	line := m.Level.String() + ": " + m.Text
	if m.Step != "" {
		line = "step " + m.Step + ": " + line
	}
	if m.Plugin != "" {
		line = m.Plugin + "@" + m.Version + ": " + line
	}
	return line
}
