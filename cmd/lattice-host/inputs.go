package main

import (
	"context"
	"errors"
	"sync"

	"github.com/spf13/cobra"

	"github.com/latticenet/lattice-host/host/engine"
	"github.com/latticenet/lattice-host/host/memo"
	"github.com/latticenet/lattice-host/host/pipeline"
	"github.com/latticenet/lattice-host/host/resource"
	"github.com/latticenet/lattice-host/host/sandbox"
	"github.com/latticenet/lattice-host/internal/problem"
	"github.com/latticenet/lattice-host/registry/market"
)

// inputs are the flags of the commands that derive.
type inputs struct {
	files, with, pipelines []string
	settings               settingsFlags
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
	in.settings.register(c, "")
	flags.BoolVarP(&in.verbose, "verbose", "v", false, "print on standard error what plugins log; runs every plugin again")
	flags.BoolVar(&in.noMemo, "no-memo", false, "run every plugin again, instead of using what it answered to the same request before")
	in.hostCalls.registerReplay(c)
	in.policies.register(c)
	for _, name := range []string{"filename", "with", "pipeline"} {
		// The flags were defined just above, the only thing that can be wrong.
		_ = c.MarkFlagFilename(name, "yaml", "yml", "json")
	}
}

// request is what was read from the inputs.
type request struct {
	engine.Run
	home      *market.Home
	kinds     *resource.Table
	pipelines []*pipeline.Pipeline
	settings  *pipeline.Settings
}

func (a *app) readInputs(ctx context.Context, in *inputs) (*request, error) {
	if len(in.files) == 0 {
		return nil, usagef("name files, folders or - (standard input) with -f")
	}
	if err := in.hostCalls.check(); err != nil {
		return nil, err
	}
	settings, settingsErr := in.settings.read()
	pipelines, pipelinesErr := engine.ReadPipelines(in.pipelines)
	if settingsErr != nil {
		// Without settings it is not known which documents are valid.
		return nil, errors.Join(settingsErr, pipelinesErr)
	}
	kinds, kindsErr := a.kinds(ctx)
	r := &request{Run: engine.Run{Force: in.force, Record: in.hostCalls.record != ""}, settings: settings, pipelines: pipelines, kinds: kinds}
	options := settings.Documents(kinds)
	var docsErr, peersErr error
	r.Documents, docsErr = a.readDocuments(in.files, options, kindsErr)
	if len(in.with) > 0 {
		r.Peers, peersErr = a.readDocuments(in.with, options, kindsErr)
	}
	return r, errors.Join(pipelinesErr, docsErr, peersErr)
}

// readDocuments reads documents, and says which it leaves out. A plugin that would not load brings
// no kinds: kindsErr, which says so, is part of the error where a document was not read that may be
// of such a kind.
func (a *app) readDocuments(files []string, o resource.Options, kindsErr error) ([]*resource.Document, error) {
	complete := true
	o.LeftOut = func(p problem.Problem) {
		complete = false
		a.note("%s", p.Error())
	}
	docs, err := resource.Read(files, a.stdin, o)
	if err != nil || !complete {
		err = errors.Join(kindsErr, err)
	}
	return docs, err
}

// derive reads the inputs and derives every document that the gates let pass. Any error but a
// denial is one of the whole run. What plugins stored meanwhile is kept by keepHostCalls only. The
// function ends what was started; the engine is good until then.
func (a *app) derive(ctx context.Context, in *inputs) (_ *engine.Engine, _ *engine.Outcome, end func(), err error) {
	r, err := a.readInputs(ctx, in)
	if err != nil {
		return nil, nil, nil, err
	}
	if r.home, err = a.openHome(); err != nil {
		return nil, nil, nil, err
	}
	if r.Replay, err = in.hostCalls.tape(); err != nil {
		return nil, nil, nil, err
	}
	e, end, err := a.openEngine(ctx, in, r)
	if err != nil {
		return nil, nil, nil, err
	}
	o, err := e.Derive(ctx, r.Run)
	if err != nil {
		end()
		return nil, nil, nil, err
	}
	return e, o, end, nil
}

// openEngine opens an engine with a sandbox. The function closes both, once.
func (a *app) openEngine(ctx context.Context, in *inputs, r *request) (*engine.Engine, func(), error) {
	progress := newProgress(a.stderr)
	runtime, err := a.newRuntime(ctx, progress, in.verbose)
	if err != nil {
		return nil, nil, err
	}
	c, err := a.engineConfig(r.home, &in.policies, progress)
	if err == nil {
		c.Pipelines, c.Kinds, c.Settings = r.pipelines, r.kinds, r.settings
		c.Runtime, c.Memo = runtime, a.openMemo(in)
		var e *engine.Engine
		if e, err = engine.Open(c); err == nil {
			return e, sync.OnceFunc(func() {
				e.Close()
				// Nothing can be done about a sandbox that does not close, and the process ends.
				_ = runtime.Close(context.WithoutCancel(ctx))
				progress.end()
			}), nil
		}
	}
	return nil, nil, errors.Join(err, runtime.Close(context.WithoutCancel(ctx)))
}

// engineConfig returns what every engine of the program works with. Home may be nil.
func (a *app) engineConfig(home *market.Home, policies *policyFlags, progress *progress) (engine.Config, error) {
	log, err := a.ownAuditLog()
	return engine.Config{
		Home: home, Policies: policies.Policies, Pages: a.pages, Audit: log, Caller: userName(), Log: a.logger(progress), Progress: progress.counting,
	}, err
}

// plainEngine opens an engine that runs no plugin. Home may be nil.
func (a *app) plainEngine(home *market.Home, policies *policyFlags) (*engine.Engine, *progress, error) {
	progress := newProgress(a.stderr)
	c, err := a.engineConfig(home, policies, progress)
	if err != nil {
		return nil, nil, err
	}
	e, err := engine.Open(c)
	return e, progress, err
}

// newRuntime makes a sandbox that keeps compiled plugins. Verbose prints what plugins log, and not
// only the sandbox's own warnings.
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
