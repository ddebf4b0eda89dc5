package pipeline_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/abi/bundle"
	"github.com/latticenet/lattice-host/host/pipeline"
)

// recalling is a fake that knows some answers.
type recalling struct {
	*fake
	known bool

	mu  sync.Mutex
	log []string
}

func (r *recalling) note(what string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.log = append(r.log, what)
}

func (r *recalling) Derive(ctx context.Context, req *abi.Request) (*abi.Response, []string, error) {
	r.note("run")
	return r.fake.Derive(ctx, req)
}

func (r *recalling) Recall(req *abi.Request) (*abi.Response, bool) {
	r.note("recall")
	if !r.known {
		return nil, false
	}
	resp, _, err := r.derive(context.Background(), req)
	return resp, err == nil
}

type recallers map[string]*recalling

func (r recallers) Plugin(_ context.Context, name string) (pipeline.Plugin, error) {
	return r[name], nil
}

func TestRecall(t *testing.T) {
	t.Parallel()
	configMap := response(t, "outputs: [{ref: {apiVersion: v1, kind: ConfigMap, namespace: media, name: a}, "+
		"document: {apiVersion: v1, kind: ConfigMap, metadata: {namespace: media, name: a}, data: {a: b}}}]")
	tests := map[string]struct {
		manifest string
		known    bool
		answer   *abi.Response
		want     []string
		err      error
	}{
		"an answer at hand": {known: true, answer: configMap, want: []string{"recall"}},
		"no answer at hand": {answer: configMap, want: []string{"recall", "run"}},
		"a plugin that asks the host": {
			manifest: "\ncapabilities: [{name: kv, reason: counting}]", known: true, answer: configMap, want: []string{"run"},
		},
		"a bad answer is reported once": {
			known: true, answer: response(t, "outputs: [{ref: {apiVersion: v1, kind: Secret, namespace: media, name: a}, document: {}}]"),
			want: []string{"recall", "run"}, err: pipeline.ErrPlugin,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := &recalling{known: tt.known, fake: &fake{
				manifest: manifest(t, "one", "outputs: ["+configMaps+"]"+tt.manifest), derive: always(tt.answer),
			}}
			e := engine(t, pipeline.Config{Plugins: recallers{"one": p}, Pipelines: memberPipeline(t, "{name: one, plugin: one}")})
			_, err := e.Derive(t.Context(), members(t, "web")[0])
			if !errors.Is(err, tt.err) {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, p.log); diff != "" {
				t.Error(diff)
			}
			if err != nil && strings.Count(err.Error(), "\n") > 0 {
				t.Errorf("reported more than once:\n%v", err)
			}
		})
	}
}

// TestStepsBehindRecalledOnes mixes steps that are recalled with steps that run.
func TestStepsBehindRecalledOnes(t *testing.T) {
	t.Parallel()
	want := ""
	for known := range 16 {
		plugins := recallers{}
		var steps []string
		for i, name := range []string{"first", "second", "third", "last"} {
			text := "contextProduced: [" + name + "]"
			if i > 0 {
				text += "\ncontextConsumed: [" + strings.Join([]string{"first", "second", "third"}[:i], ", ") + "]"
			}
			plugins[name] = &recalling{known: known&(1<<i) != 0, fake: &fake{
				manifest: manifest(t, name, text),
				derive: func(_ context.Context, req *abi.Request) (*abi.Response, []string, error) {
					keys := make([]string, len(req.Context))
					for i, e := range req.Context {
						keys[i] = e.Key
					}
					return &abi.Response{
						Results: []abi.Result{{Severity: abi.SeverityInfo, Message: name + " after " + strings.Join(keys, ", ")}},
						Context: []abi.ContextEntry{{Key: name, Value: item(t, "1")}},
					}, nil, nil
				},
			}}
			steps = append(steps, "{name: "+name+", plugin: "+name+"}")
		}
		e := engine(t, pipeline.Config{Plugins: plugins, Pipelines: memberPipeline(t, steps...)})
		b, err := e.Derive(t.Context(), members(t, "web")[0])
		if err != nil {
			t.Fatal(err)
		}
		if want == "" {
			want = b.Digest()
		}
		if b.Digest() != want {
			t.Errorf("with %04b recalled the bundle is %s, want %s", known, b.Digest(), want)
		}
	}
}

// TestMergesAreOfTheirDocuments derives with contributions that change from one document to the
// next, and back.
func TestMergesAreOfTheirDocuments(t *testing.T) {
	t.Parallel()
	ref := "{apiVersion: v1, kind: ConfigMap, namespace: media, name: a}"
	emitted := response(t, "outputs: [{ref: "+ref+", document: {apiVersion: v1, kind: ConfigMap, metadata: {namespace: media, name: a}, data: {a: b}}}]")
	plugins := fakes{
		"emits": {manifest: manifest(t, "emits", "outputs: ["+configMaps+"]"), derive: always(emitted)},
		"adds": {
			manifest: manifest(t, "adds", "contributes: ["+configMaps+"]"),
			derive: func(_ context.Context, req *abi.Request) (*abi.Response, []string, error) {
				// The name of the document is in the request.
				value := "one"
				if strings.Contains(string(req.Resource), "other") {
					value = "two"
				}
				return response(t, "contributions: [{ref: "+ref+", fields: {data: {more: "+value+"}}}]"), nil, nil
			},
		},
	}
	e := engine(t, pipeline.Config{
		Plugins: plugins, Pipelines: memberPipeline(t, "{name: emits, plugin: emits}", "{name: adds, plugin: adds}"),
	})
	docs := members(t, "web", "other")
	var got []string
	for _, i := range []int{0, 1, 0, 1} {
		b, err := e.Derive(t.Context(), docs[i])
		if err != nil {
			t.Fatal(err)
		}
		at := slices.IndexFunc(b.Outputs, func(o bundle.Output) bool { return o.Ref.Kind == "ConfigMap" })
		got = append(got, string(b.Outputs[at].Document))
		if n := len(b.Outputs[at].Owners); n != 2 {
			t.Errorf("%d owners, want 2", n)
		}
	}
	document := func(more string) string {
		return `{"apiVersion":"v1","data":{"a":"b","more":"` + more + `"},"kind":"ConfigMap","metadata":{"name":"a","namespace":"media"}}`
	}
	if diff := cmp.Diff([]string{document("one"), document("two"), document("one"), document("two")}, got); diff != "" {
		t.Error(diff)
	}
}
