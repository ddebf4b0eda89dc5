package pipeline_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/abi/cbor"
	"github.com/latticenet/lattice-host/host/pipeline"
	"github.com/latticenet/lattice-host/host/resource"
)

const requiresMembers = "requires: [{group: lattice.dev, kind: LatticeMeshMember}]"

func TestRounds(t *testing.T) {
	t.Parallel()
	const want = "{apiVersion: lattice.dev/v1alpha1, kind: LatticeMeshMember, "
	cases := map[string]struct {
		reason string
		// rounds are the requirements of each round, the last for all later ones.
		rounds []string
		calls  int
		// answers are those of the last call: requirement=resources.
		answers []string
		err     error
	}{
		"None": {
			reason: "a step without requirements is called once",
			rounds: []string{"[]"}, calls: 1,
		},
		"Same": {
			reason: "a step that asks the same again has what it needs",
			rounds: []string{"[" + want + "name: all}, " + want + "name: one, matchName: b}]"}, calls: 2,
			answers: []string{"all=b,c", "one=b"},
		},
		"OtherOrder": {
			reason: "the order of requirements does not matter",
			rounds: []string{"[" + want + "name: x}, " + want + "name: z}]", "[" + want + "name: z}, " + want + "name: x}]"}, calls: 2,
			answers: []string{"x=b,c", "z=b,c"},
		},
		"Labels": {
			reason: "labels and namespaces select",
			rounds: []string{"[" + want + "name: l, matchLabels: {app: c}}, " + want + "name: none, namespace: other}]"}, calls: 2,
			answers: []string{"l=c", "none="},
		},
		"GivenUp": {
			reason: "a step that asks for nothing more is done",
			rounds: []string{"[" + want + "name: all}]", "[]"}, calls: 2,
			answers: []string{"all=b,c"},
		},
		"LastRound": {
			reason: "requirements that settle in the last round are in time",
			rounds: []string{"[" + want + "name: r1}]", "[" + want + "name: r2}]", "[" + want + "name: r3}]", "[" + want + "name: r4}]", "[" + want + "name: r4}]"}, calls: 5,
			answers: []string{"r4=b,c"},
		},
		"Unsettled": {
			reason: "requirements that still change in the last round are an error",
			rounds: []string{"[" + want + "name: r1}]", "[" + want + "name: r2}]", "[" + want + "name: r3}]", "[" + want + "name: r4}]", "[" + want + "name: r5}]"}, calls: 5,
			answers: []string{"r4=b,c"},
			err:     pipeline.ErrUnsettled,
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			calls := 0
			var answers []string
			plugin := &fake{manifest: manifest(t, "asker", requiresMembers)}
			plugin.derive = func(_ context.Context, req *abi.Request) (*abi.Response, []string, error) {
				calls++
				answers = nil
				for _, a := range req.Answers {
					var names []string
					for _, r := range a.Resources {
						doc, err := resource.FromDerived(r, resource.Options{})
						if err != nil {
							t.Error(err)
							continue
						}
						names = append(names, doc.Ref.Name)
					}
					answers = append(answers, a.Name+"="+strings.Join(names, ","))
				}
				if int(req.Round) != calls {
					t.Errorf("round is %d in call %d", req.Round, calls)
				}
				return response(t, "requirements: "+tc.rounds[min(calls, len(tc.rounds))-1]), nil, nil
			}
			docs := members(t, "a", "c", "b")
			e := engine(t, pipeline.Config{
				Plugins:   fakes{"asker": plugin},
				Pipelines: memberPipeline(t, "{name: asker, plugin: asker}"),
				Peers:     docs,
			})
			_, err := e.Derive(t.Context(), docs[0])
			if !errors.Is(err, tc.err) || (err == nil) != (tc.err == nil) {
				t.Errorf("%s: got %v, want %v", tc.reason, err, tc.err)
			}
			if calls != tc.calls {
				t.Errorf("%s: %d calls, want %d", tc.reason, calls, tc.calls)
			}
			if diff := cmp.Diff(tc.answers, answers); diff != "" {
				t.Errorf("%s: answers:\n%s", tc.reason, diff)
			}
		})
	}
}

// askAll is a plugin that asks for every member and emits one object that names them.
func askAll(t testing.TB) *fake {
	t.Helper()
	p := &fake{manifest: manifest(t, "asker", requiresMembers+"\noutputs: ["+configMaps+"]")}
	p.derive = func(_ context.Context, req *abi.Request) (*abi.Response, []string, error) {
		resp := response(t, "requirements: [{name: all, apiVersion: lattice.dev/v1alpha1, kind: LatticeMeshMember}]")
		var names []string
		for _, a := range req.Answers {
			for _, r := range a.Resources {
				doc, err := resource.FromDerived(r, resource.Options{})
				if err != nil {
					return nil, nil, err
				}
				names = append(names, doc.Ref.Name)
			}
		}
		resp.Outputs = []abi.Output{output(t,
			"{apiVersion: v1, kind: ConfigMap, metadata: {namespace: media, name: peers}, data: {peers: \""+strings.Join(names, ",")+"\"}}")}
		return resp, nil, nil
	}
	return p
}

// other is a Resolver with documents of its own.
type other struct{ docs []*resource.Document }

func (o other) Resolve(_ context.Context, _ string, r abi.Requirement) ([]cbor.Raw, error) {
	if o.docs == nil {
		return nil, errBoom
	}
	return pipeline.Matching(o.docs, r), nil
}

func TestDocumentsArePeersOfEachOther(t *testing.T) {
	t.Parallel()
	e := engine(t, pipeline.Config{
		Plugins: fakes{"asker": askAll(t)}, Pipelines: memberPipeline(t, "{name: asker, plugin: asker}"),
		Peers: members(t, "d", "a"), Resolver: other{members(t, "z", "a", "b")},
	})
	bundles, err := e.DeriveAll(t.Context(), members(t, "b", "a", "c"))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, b := range bundles {
		got = append(got, b.Resource.Name+" "+string(b.Outputs[0].Document))
	}
	text := func(peers string) string {
		return `{"apiVersion":"v1","data":{"peers":"` + peers + `"},"kind":"ConfigMap","metadata":{"name":"peers","namespace":"media"}}`
	}
	want := []string{"b " + text("a,c,d,z"), "a " + text("b,c,d,z"), "c " + text("a,b,d,z")}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
