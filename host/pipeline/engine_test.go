package pipeline_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/abi/cbor"
	"github.com/latticenet/lattice-host/host/pipeline"
	"github.com/latticenet/lattice-host/host/resource"
	"github.com/latticenet/lattice-host/internal/problem"
)

const configMaps = `{group: "", kind: ConfigMap}`

// chorus returns plugins that depend on each other in several ways and end in any order: eight that
// emit, two that contribute to what each emitted, one that reads everything.
func chorus(t testing.TB, nap func()) (fakes, []*pipeline.Pipeline) {
	t.Helper()
	plugins := fakes{}
	var steps []string
	for i := range 8 {
		name := fmt.Sprintf("emit%d", i)
		plugins[name] = &fake{
			manifest: manifest(t, name, "outputs: ["+configMaps+"]\ncontextProduced: [k"+fmt.Sprint(i)+"]"),
			derive: func(_ context.Context, req *abi.Request) (*abi.Response, []string, error) {
				nap()
				return &abi.Response{
					Outputs: []abi.Output{output(t, fmt.Sprintf(
						`{"apiVersion":"v1","kind":"ConfigMap","metadata":{"namespace":"media","name":"m%d"},"data":{"a":"%d"}}`, i, i))},
					Results: []abi.Result{{Severity: abi.SeverityInfo, Message: fmt.Sprintf("emitted by %s", req.Step)}},
					Context: []abi.ContextEntry{{Key: fmt.Sprintf("k%d", i), Value: cbor.AppendInt(nil, int64(i))}},
				}, nil, nil
			},
		}
		steps = append(steps, fmt.Sprintf("{name: s%d, plugin: %s}", 7-i, name))
	}
	for _, name := range []string{"left", "right"} {
		plugins[name] = &fake{
			manifest: manifest(t, name, "contributes: ["+configMaps+"]"),
			derive: func(context.Context, *abi.Request) (*abi.Response, []string, error) {
				nap()
				resp := &abi.Response{}
				for i := range 8 {
					resp.Contributions = append(resp.Contributions, abi.Contribution{
						Ref:    abi.Ref{APIVersion: "v1", Kind: "ConfigMap", Namespace: "media", Name: fmt.Sprintf("m%d", i)},
						Fields: item(t, `{"data":{"`+name+`":"x","both":"z"}}`),
					})
				}
				return resp, nil, nil
			},
		}
		steps = append(steps, "{name: "+name+", plugin: "+name+"}")
	}
	plugins["all"] = &fake{
		manifest: manifest(t, "all", "outputs: [{group: \"\", kind: Secret}]\nreads: ["+configMaps+"]\ncontextConsumed: [k0, k3, k7]"),
		derive: func(_ context.Context, req *abi.Request) (*abi.Response, []string, error) {
			nap()
			var seen bytes.Buffer
			for _, o := range req.Outputs {
				seen.WriteString(o.Ref.Name)
				seen.Write(o.Document)
			}
			for _, e := range req.Context {
				seen.WriteString(e.Key)
				seen.Write(e.Value)
			}
			doc := fmt.Sprintf(`{"apiVersion":"v1","kind":"Secret","metadata":{"namespace":"media","name":"all"},"seen":"%x"}`, seen.Bytes())
			return &abi.Response{Outputs: []abi.Output{output(t, doc)}}, nil, nil
		},
	}
	steps = append([]string{"{name: all, plugin: all}"}, steps...)
	return plugins, memberPipeline(t, steps...)
}

func TestDeriveIsTheSameWhateverTheSchedule(t *testing.T) {
	// Not parallel, as it changes GOMAXPROCS.
	nap := func() { time.Sleep(time.Duration(rand.IntN(300)) * time.Microsecond) }
	plugins, pipelines := chorus(t, nap)
	docs := members(t, "a", "b", "c")
	var want []string
	for i := range 100 {
		procs := runtime.GOMAXPROCS(1 + i%2*(runtime.NumCPU()*2-1))
		e := engine(t, pipeline.Config{Plugins: plugins, Pipelines: pipelines})
		bundles, err := e.DeriveAll(t.Context(), docs)
		runtime.GOMAXPROCS(procs)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, b := range bundles {
			got = append(got, string(b.JSON()))
		}
		if want == nil {
			want = got
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("run %d differs:\n%s", i, diff)
		}
	}
}

// twins returns an engine whose one step derives the members left and right from the member root,
// and from each of those what object returns.
func twins(t *testing.T, object func(req *abi.Request, name string) abi.Output) *pipeline.Engine {
	t.Helper()
	plugin := &fake{manifest: manifest(t, "twins", "outputs: [{group: lattice.dev, kind: LatticeMeshMember}, "+configMaps+"]\nrequires: [{group: lattice.dev, kind: LatticeMeshMember}]")}
	members := &abi.Response{Outputs: []abi.Output{output(t, memberYAML("left")), output(t, memberYAML("right"))}}
	plugin.derive = func(_ context.Context, req *abi.Request) (*abi.Response, []string, error) {
		doc, err := resource.FromDerived(req.Resource, resource.Options{})
		if err != nil {
			return nil, nil, err
		}
		if doc.Ref.Name == "root" {
			return members, nil, nil
		}
		time.Sleep(time.Duration(rand.IntN(200)) * time.Microsecond)
		return &abi.Response{
			Outputs:      []abi.Output{object(req, doc.Ref.Name)},
			Requirements: []abi.Requirement{{Name: "members", APIVersion: "lattice.dev/v1alpha1", Kind: "LatticeMeshMember"}},
		}, nil, nil
	}
	return engine(t, pipeline.Config{Plugins: fakes{"twins": plugin}, Pipelines: memberPipeline(t, "{name: twins, plugin: twins}")})
}

// TestConflictsAreTheSameWhateverTheSchedule lets two derived documents emit one object with
// different contents.
func TestConflictsAreTheSameWhateverTheSchedule(t *testing.T) {
	t.Parallel()
	e := twins(t, func(_ *abi.Request, name string) abi.Output {
		return output(t, "{apiVersion: v1, kind: ConfigMap, metadata: {namespace: media, name: same}, data: {from: "+name+"}}")
	})
	want := "members.yaml:4:18: LatticeMeshMember media/right: step twins (lattice/twins@1.0.0 sha256:050505050505): ConfigMap media/same: " +
		"step twins (lattice/twins@1.0.0 sha256:050505050505) of pipeline members emits the same object; an object has one owner, the others contribute to it"
	for range 50 {
		_, err := e.Derive(t.Context(), members(t, "root")[0])
		if !errors.Is(err, pipeline.ErrConflict) || err.Error() != want {
			t.Fatalf("got  %v\nwant %s", err, want)
		}
	}
}

// TestSiblingsKnowEachOther has two derived documents that see each other, and share an object that
// both derive alike.
func TestSiblingsKnowEachOther(t *testing.T) {
	t.Parallel()
	e := twins(t, func(req *abi.Request, name string) abi.Output {
		seen := ""
		for _, a := range req.Answers {
			for _, raw := range a.Resources {
				seen += cbor.TextAt(raw, "metadata", "name")
			}
		}
		if req.Round > 1 && (seen == name || seen != "left" && seen != "right") {
			t.Errorf("%s sees %q", name, seen)
		}
		return output(t, "{apiVersion: v1, kind: ConfigMap, metadata: {namespace: media, name: same}}")
	})
	b, err := e.Derive(t.Context(), members(t, "root")[0])
	if err != nil {
		t.Fatal(err)
	}
	count := 0
	for _, o := range b.Outputs {
		if o.Ref.Kind == "ConfigMap" {
			count++
		}
	}
	if count != 1 {
		t.Errorf("got %d objects, want the one that both share", count)
	}
}

// TestStepSeesItsPredecessorsOnly holds what a step is shown against the order of the pipeline.
func TestStepSeesItsPredecessorsOnly(t *testing.T) {
	t.Parallel()
	plugins := fakes{}
	for name, m := range map[string]string{
		"owner":  "outputs: [" + configMaps + "]",
		"adder":  "contributes: [" + configMaps + "]",
		"reader": "reads: [" + configMaps + "]",
		"other":  "outputs: [{group: \"\", kind: Secret}]",
	} {
		plugins[name] = &fake{manifest: manifest(t, name, m), derive: always(&abi.Response{})}
	}
	plugins["owner"].derive = always(&abi.Response{Outputs: []abi.Output{
		output(t, "{apiVersion: v1, kind: ConfigMap, metadata: {namespace: media, name: z}, data: {a: x}}"),
		output(t, "{apiVersion: v1, kind: ConfigMap, metadata: {namespace: media, name: b}}"),
	}})
	plugins["adder"].derive = always(response(t,
		"contributions: [{ref: {apiVersion: v1, kind: ConfigMap, namespace: media, name: z}, fields: {data: {b: z}}}]"))
	plugins["other"].derive = always(&abi.Response{Outputs: []abi.Output{
		output(t, "{apiVersion: v1, kind: Secret, metadata: {namespace: media, name: s}}"),
	}})
	var got []string
	plugins["reader"].derive = func(_ context.Context, req *abi.Request) (*abi.Response, []string, error) {
		for _, o := range req.Outputs {
			text, err := cbor.ToJSON(nil, o.Document)
			if err != nil {
				t.Error(err)
			}
			got = append(got, o.Ref.Name+" "+string(text))
		}
		return &abi.Response{}, nil, nil
	}
	e := engine(t, pipeline.Config{Plugins: plugins, Pipelines: memberPipeline(t,
		"{name: reader, plugin: reader}", "{name: adder, plugin: adder}", "{name: other, plugin: other}", "{name: owner, plugin: owner}")})
	if _, err := e.Derive(t.Context(), members(t, "a")[0]); err != nil {
		t.Fatal(err)
	}
	want := []string{
		`b {"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"b","namespace":"media"}}`,
		`z {"apiVersion":"v1","data":{"a":"x","b":"z"},"kind":"ConfigMap","metadata":{"name":"z","namespace":"media"}}`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestErrorsPassThrough(t *testing.T) {
	t.Parallel()
	steps := memberPipeline(t, "{name: asker, plugin: asker}")
	cases := map[string]struct {
		reason string
		plugin func(*fake)
		config pipeline.Config
		want   error
	}{
		"Plugin": {
			reason: "the error of a plugin's transport is found",
			plugin: func(f *fake) {
				f.derive = func(context.Context, *abi.Request) (*abi.Response, []string, error) { return nil, nil, errBoom }
			},
			want: errBoom,
		},
		"Nothing": {
			reason: "an invalid answer is the plugin's error",
			plugin: func(f *fake) { f.derive = always(nil) },
			want:   pipeline.ErrPlugin,
		},
		"Admit": {
			reason: "the error of a gate is found",
			config: pipeline.Config{Admit: func(_ context.Context, step, plugin, _ string, r abi.Requirement) error {
				return fmt.Errorf("%s %s may not read %s: %w", step, plugin, r.Kind, errBoom)
			}},
			want: errBoom,
		},
		"Resolver": {
			reason: "the error of a resolver is found",
			config: pipeline.Config{Resolver: other{}},
			want:   errBoom,
		},
		"Malformed": {
			reason: "a document that is not well-formed is the plugin's fault",
			plugin: func(f *fake) {
				ref := abi.Ref{APIVersion: "v1", Kind: "ConfigMap", Name: "a"}
				f.derive = always(&abi.Response{Outputs: []abi.Output{{Ref: ref, Document: cbor.Raw{0xa1, 0x61}}}})
			},
			want: pipeline.ErrPlugin,
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			plugin := askAll(t)
			if tc.plugin != nil {
				tc.plugin(plugin)
			}
			tc.config.Plugins, tc.config.Pipelines = fakes{"asker": plugin}, steps
			e := engine(t, tc.config)
			b, err := e.Derive(t.Context(), members(t, "a")[0])
			var p problem.Problem
			if !errors.Is(err, tc.want) || !errors.As(err, &p) || b != nil {
				t.Fatalf("%s: got %v, want %v in a problem", tc.reason, err, tc.want)
			}
			if p.Step != "asker" || p.Plugin != "lattice/asker@1.0.0" || p.Digest == "" {
				t.Errorf("%s: the error names step %q of %s %s", tc.reason, p.Step, p.Plugin, p.Digest)
			}
		})
	}
}

func TestCancelledContextIsTheOnlyReason(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancelCause(t.Context())
	plugin := &fake{manifest: manifest(t, "asker", "")}
	plugin.derive = func(ctx context.Context, _ *abi.Request) (*abi.Response, []string, error) {
		cancel(errBoom)
		return nil, nil, ctx.Err()
	}
	e := engine(t, pipeline.Config{Plugins: fakes{"asker": plugin}, Pipelines: memberPipeline(t, "{name: a, plugin: asker}", "{name: b, plugin: asker, after: [a]}")})
	_, err := e.DeriveAll(ctx, members(t, "a", "b"))
	if !errors.Is(err, errBoom) || err.Error() != errBoom.Error() {
		t.Errorf("got %v, want the cause of the cancellation and nothing else", err)
	}
}

// TestCancelledPlanIsMadeAgain cancels while settings are checked: that says nothing about the
// pipeline.
func TestCancelledPlanIsMadeAgain(t *testing.T) {
	t.Parallel()
	plugin := &fake{manifest: manifest(t, "asker", ""), derive: always(&abi.Response{})}
	plugins := &flaky{fakes: idle(t), err: context.Canceled}
	plugins.fakes["egress"] = plugin
	e := engine(t, pipeline.Config{Plugins: plugins})
	doc := members(t, "a")[0]
	if _, err := e.Derive(t.Context(), doc); !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v, want context.Canceled", err)
	}
	plugins.err = nil
	if _, err := e.Derive(t.Context(), doc); err != nil {
		t.Errorf("the second time: %v", err)
	}
}

type flaky struct {
	fakes
	err error
}

func (f *flaky) Plugin(ctx context.Context, name string) (pipeline.Plugin, error) {
	if f.err != nil {
		return nil, f.err
	}
	return f.fakes.Plugin(ctx, name)
}

func TestSettingsAreValidatedOnce(t *testing.T) {
	t.Parallel()
	var validations atomic.Int32
	plugin := &fake{manifest: manifest(t, "asker", "settingsSchema: {type: object}"), derive: always(&abi.Response{})}
	plugin.validate = func(req *abi.ValidateRequest) *abi.ValidateResponse {
		validations.Add(1)
		if diff := cmp.Diff(item(t, "{a: 1}"), req.Settings); diff != "" {
			t.Error(diff)
		}
		return &abi.ValidateResponse{}
	}
	e := engine(t, pipeline.Config{Plugins: fakes{"asker": plugin}, Pipelines: memberPipeline(t, "{name: a, plugin: asker, settings: {a: 1}}")})
	if _, err := e.DeriveAll(t.Context(), members(t, "a", "b", "c")); err != nil {
		t.Fatal(err)
	}
	if n := validations.Load(); n != 1 {
		t.Errorf("%d validations, want one for the engine", n)
	}
}

// TestLaw02_AnswersAboutSettingsAreChecked refuses a severity that the contract does not have: it
// could hide an error.
func TestLaw02_AnswersAboutSettingsAreChecked(t *testing.T) {
	t.Parallel()
	plugin := &fake{manifest: manifest(t, "asker", "settingsSchema: {type: object}"), derive: always(&abi.Response{})}
	plugin.validate = func(*abi.ValidateRequest) *abi.ValidateResponse {
		return &abi.ValidateResponse{Results: []abi.Result{{Severity: "fatal", Message: "is wrong"}}}
	}
	_, err := pipeline.New(t.Context(), pipeline.Config{
		Plugins: fakes{"asker": plugin}, Pipelines: memberPipeline(t, "{name: a, plugin: asker, settings: {a: 1}}"),
	})
	const want = `results.0.severity: is "fatal", must be error, warning or info`
	if !errors.Is(err, pipeline.ErrPlugin) || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want ErrPlugin that says %s", err, want)
	}
}

// descendant is a plugin that derives a member from a member, so many deep.
func descendant(t testing.TB, deep int) *fake {
	t.Helper()
	p := &fake{manifest: manifest(t, "child", "outputs: [{group: lattice.dev, kind: LatticeMeshMember}]")}
	p.derive = func(_ context.Context, req *abi.Request) (*abi.Response, []string, error) {
		doc, err := resource.FromDerived(req.Resource, resource.Options{})
		if err != nil {
			return nil, nil, err
		}
		if len(doc.Ref.Name) > deep {
			return &abi.Response{}, nil, nil
		}
		return &abi.Response{Outputs: []abi.Output{output(t, memberYAML(doc.Ref.Name+"x"))}}, nil, nil
	}
	return p
}

func TestDerivedDepth(t *testing.T) {
	t.Parallel()
	steps := memberPipeline(t, "{name: child, plugin: child}")
	doc := members(t, "x")[0]
	e := engine(t, pipeline.Config{Plugins: fakes{"child": descendant(t, abi.MaxDerivedDepth)}, Pipelines: steps})
	b, err := e.Derive(t.Context(), doc)
	if err != nil {
		t.Fatalf("as deep as allowed: %v", err)
	}
	var got []string
	for _, o := range b.Outputs {
		from := "-"
		if o.From != nil {
			from = o.From.Name
		}
		got = append(got, o.Ref.Name+" from "+from)
	}
	if diff := cmp.Diff([]string{"xx from -", "xxx from xx", "xxxx from xxx", "xxxxx from xxxx"}, got); diff != "" {
		t.Error(diff)
	}
	if len(b.Steps) != 1 {
		t.Errorf("%d step records, want one for a pipeline that ran several times", len(b.Steps))
	}
	e = engine(t, pipeline.Config{Plugins: fakes{"child": descendant(t, abi.MaxDerivedDepth+1)}, Pipelines: steps})
	_, err = e.Derive(t.Context(), doc)
	var p problem.Problem
	if !errors.Is(err, pipeline.ErrPlugin) || !errors.As(err, &p) || !strings.HasSuffix(p.Field, "/xxxxxx") {
		t.Errorf("one deeper: got %v, want ErrPlugin about xxxxxx", err)
	}
}

func TestMostOutputsOfABundle(t *testing.T) {
	t.Parallel()
	emit := func(n int, name string) *fake {
		resp := &abi.Response{}
		for i := range n {
			resp.Outputs = append(resp.Outputs, output(t, fmt.Sprintf(`{"apiVersion":"v1","kind":"ConfigMap","metadata":{"namespace":"media","name":"%s%d"}}`, name, i)))
		}
		return &fake{manifest: manifest(t, name, "outputs: ["+configMaps+"]"), derive: always(resp)}
	}
	steps := memberPipeline(t, "{name: a, plugin: a}", "{name: b, plugin: b}")
	for _, tc := range []struct {
		reason string
		a, b   int
		want   error
	}{
		{"as many as allowed", abi.MaxOutputs - 1, 1, nil},
		{"one more, of two steps", abi.MaxOutputs, 1, pipeline.ErrPlugin},
		{"one more, of one step", abi.MaxOutputs + 1, 0, pipeline.ErrPlugin},
	} {
		e := engine(t, pipeline.Config{Plugins: fakes{"a": emit(tc.a, "a"), "b": emit(tc.b, "b")}, Pipelines: steps})
		if _, err := e.Derive(t.Context(), members(t, "x")[0]); !errors.Is(err, tc.want) || (err == nil) != (tc.want == nil) {
			t.Errorf("%s: got %v, want %v", tc.reason, err, tc.want)
		}
	}
}

func TestDeriveRefusesDocuments(t *testing.T) {
	t.Parallel()
	plugin := &fake{manifest: manifest(t, "asker", ""), derive: always(&abi.Response{})}
	e := engine(t, pipeline.Config{Plugins: fakes{"asker": plugin}, Pipelines: memberPipeline(t, "{name: a, plugin: asker}")})
	docs := members(t, "a", "b")
	_, err := e.DeriveAll(t.Context(), []*resource.Document{docs[0], docs[1], docs[0]})
	want := "members.yaml:4:18: LatticeMeshMember media/a: metadata.name: the document is a duplicate, also at members.yaml:4:18; keep one"
	if !errors.Is(err, problem.Invalid) || err.Error() != want {
		t.Errorf("a document twice: got %v, want %s", err, want)
	}
	cell := *docs[0]
	cell.Ref = abi.Ref{APIVersion: "lattice.dev/v1alpha1", Kind: "Cell", Namespace: "media", Name: "a"}
	_, err = e.Derive(t.Context(), &cell)
	want = "members.yaml:3:7: Cell media/a: kind: no pipeline derives Cell.lattice.dev; there are pipelines for LatticeJob.lattice.dev, LatticeMeshMember.lattice.dev, LatticeService.lattice.dev, SecretProvider.lattice.dev"
	if !errors.Is(err, problem.Invalid) || err.Error() != want {
		t.Errorf("a kind without pipeline: got %v, want %s", err, want)
	}
}

// TestPipelinesAreOverBuiltinOnes gives an engine pipelines that cannot be together.
func TestPipelinesAreOverBuiltinOnes(t *testing.T) {
	t.Parallel()
	plugin := &fake{manifest: manifest(t, "asker", ""), derive: always(&abi.Response{})}
	own := memberPipeline(t, "{name: a, plugin: asker}")
	e := engine(t, pipeline.Config{Plugins: fakes{"asker": plugin}, Pipelines: own})
	want := []abi.GroupKind{{Group: "lattice.dev", Kind: "LatticeJob"}, {Group: "lattice.dev", Kind: "LatticeMeshMember"}, {Group: "lattice.dev", Kind: "LatticeService"},
		{Group: "lattice.dev", Kind: "SecretProvider"}}
	if diff := cmp.Diff(want, e.Kinds()); diff != "" {
		t.Error(diff)
	}
	_, err := pipeline.New(t.Context(), pipeline.Config{Plugins: fakes{"asker": plugin}, Pipelines: slices.Concat(own, own)})
	if !errors.Is(err, problem.Invalid) {
		t.Errorf("one pipeline twice: got %v, want problem.Invalid", err)
	}
	if _, err := pipeline.New(t.Context(), pipeline.Config{}); err == nil {
		t.Error("an engine without plugins: got no error")
	}
}

func BenchmarkDeriveNative(b *testing.B) {
	plugins := fakes{}
	for _, name := range []string{"a", "b", "c", "d"} {
		plugins[name] = &fake{
			manifest: manifest(b, name, "outputs: ["+configMaps+"]"),
			derive: always(&abi.Response{Outputs: []abi.Output{output(b,
				"{apiVersion: v1, kind: ConfigMap, metadata: {namespace: media, name: "+name+"}, data: {a: x}}")}}),
		}
	}
	e := engine(b, pipeline.Config{Plugins: plugins, Pipelines: memberPipeline(b,
		"{name: a, plugin: a}", "{name: b, plugin: b}", "{name: c, plugin: c}", "{name: d, plugin: d}")})
	doc := members(b, "web")[0]
	b.ReportAllocs()
	for b.Loop() {
		if _, err := e.Derive(b.Context(), doc); err != nil {
			b.Fatal(err)
		}
	}
}
