package pipeline

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/abi/cbor"
)

func fromJSON(t testing.TB, text string) cbor.Raw {
	t.Helper()
	raw, err := cbor.FromJSON(nil, []byte(text), abi.MaxDepth)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func TestTreesKeepValues(t *testing.T) {
	t.Parallel()
	text := `{"big":18446744073709551615,"bool":[true,false],"empty":{},"float":1.0,"int":1,"list":[],"mark":"\u0000n1","marks":"\u0000","min":-9223372036854775808,"null":null,"small":1e-09,"text":"1"}`
	tree, err := toTree(fromJSON(t, text))
	if err != nil {
		t.Fatal(err)
	}
	if got := treeText(tree); got != text {
		t.Errorf("got  %s\nwant %s", got, text)
	}
	for _, bad := range []cbor.Raw{nil, {0xa1}, {0x81, 0x61}, {0xff}, {0x01, 0x01}} {
		if _, err := toTree(bad); err == nil {
			t.Errorf("% x: got no error", bad)
		}
	}
}

// TestMerging merges one contribution into one object and looks at the document or the conflict.
func TestMerging(t *testing.T) {
	t.Parallel()
	const pod = `{"spec":{"containers":[{"name":"a","env":[{"name":"X","value":"1"}]}]}}`
	cases := map[string]struct {
		reason       string
		kind         abi.GroupKind
		live, config string
		want         string
		conflicts    []string
	}{
		"Numbers": {
			reason: "numbers keep their type",
			live:   `{"a":1,"b":1.0,"c":18446744073709551615}`, config: `{"a":1,"d":2.0,"c":18446744073709551615}`,
			want: `{"a":1,"b":1.0,"c":18446744073709551615,"d":2.0}`,
		},
		"IntegerIsNoFloat": {
			reason: "1 and 1.0 are different values",
			live:   `{"a":1}`, config: `{"a":1.0}`, conflicts: []string{"a"},
		},
		"TextIsNoNumber": {
			reason: "text is not taken for a number",
			live:   `{"a":"1"}`, config: `{"a":1}`, conflicts: []string{"a"},
		},
		"UnknownList": {
			reason: "a list of an unknown kind is one value",
			live:   `{"l":[1]}`, config: `{"l":[1,2]}`, conflicts: []string{"l"},
		},
		"EmptyList": {
			reason: "an empty list is a value",
			live:   `{"l":[]}`, config: `{"l":[1]}`, conflicts: []string{"l"},
		},
		"EmptyObject": {
			reason: "an empty object has room",
			live:   `{"o":{}}`, config: `{"o":{"a":1}}`, want: `{"o":{"a":1}}`,
		},
		"IntoObject": {
			reason: "an empty object changes nothing",
			live:   `{"o":{"a":1}}`, config: `{"o":{}}`, want: `{"o":{"a":1}}`,
		},
		"ObjectForText": {
			reason: "an object cannot take the place of text",
			live:   `{"o":"x"}`, config: `{"o":{"a":1}}`, conflicts: []string{"o"},
		},
		"TextForObject": {
			reason: "text cannot take the place of an object, one conflict says so",
			live:   `{"o":{"a":1,"b":2}}`, config: `{"o":"x"}`, conflicts: []string{"o"},
		},
		"ListForObject": {
			reason: "a list cannot take the place of an object",
			live:   `{"o":{"a":1}}`, config: `{"o":[1]}`, conflicts: []string{"o"},
		},
		"Env": {
			reason: "environment variables add up",
			kind:   abi.GroupKind{Kind: "Pod"},
			live:   pod, config: `{"spec":{"containers":[{"name":"a","env":[{"name":"Y","value":"2"}]}]}}`,
			want: `{"spec":{"containers":[{"env":[{"name":"X","value":"1"},{"name":"Y","value":"2"}],"name":"a"}]}}`,
		},
		"EnvSource": {
			reason: "half of two variables is not a variable",
			kind:   abi.GroupKind{Kind: "Pod"},
			live:   pod, config: `{"spec":{"containers":[{"name":"a","env":[{"name":"X","valueFrom":{"fieldRef":{}}}]}]}}`,
			conflicts: []string{"spec.containers[name=a].env[name=X]"},
		},
		"Protocols": {
			reason: "a port without a protocol is TCP",
			kind:   abi.GroupKind{Kind: "Service"},
			live:   `{"spec":{"ports":[{"port":53,"name":"dns"}]}}`,
			config: `{"spec":{"ports":[{"port":53,"protocol":"UDP"},{"port":53,"protocol":"TCP","name":"x"}]}}`,
			// The conflict names the port that is there already.
			conflicts: []string{"spec.ports[port=53,protocol=TCP]"},
		},
		"Selector": {
			reason: "a selector is one value",
			kind:   abi.GroupKind{Group: "apps", Kind: "DaemonSet"},
			live:   `{"spec":{"selector":{"matchLabels":{"a":"b"}}}}`, config: `{"spec":{"selector":{"matchLabels":{"c":"d"}}}}`,
			conflicts: []string{"spec.selector"},
		},
		"CronJob": {
			reason: "the pod of a CronJob merges like others",
			kind:   abi.GroupKind{Group: "batch", Kind: "CronJob"},
			live:   `{"spec":{"jobTemplate":{"spec":{"template":` + pod + `}}}}`,
			config: `{"spec":{"jobTemplate":{"spec":{"template":{"spec":{"containers":[{"name":"b"}],"volumes":[{"name":"v","emptyDir":{}}]}}}}}}`,
			want:   `{"spec":{"jobTemplate":{"spec":{"template":{"spec":{"containers":[{"env":[{"name":"X","value":"1"}],"name":"a"},{"name":"b"}],"volumes":[{"emptyDir":{},"name":"v"}]}}}}}}`,
		},
		"OddKeys": {
			reason: "keys are any text",
			live:   `{"a\"b.c/d":1,"":2}`, config: `{"a\"b.c/d":1,"é\u0001":3}`,
			want: `{"":2,"a\"b.c/d":1,"é\u0001":3}`,
		},
	}
	types, err := newSchemas()
	if err != nil {
		t.Fatal(err)
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			live, _, err := apply(types.of(tc.kind), nil, fromJSON(t, tc.live))
			if err != nil {
				t.Fatal(err)
			}
			config, set, err := apply(types.of(tc.kind), nil, fromJSON(t, tc.config))
			if err != nil {
				t.Fatal(err)
			}
			merged, paths, err := combine(live, config)
			if err != nil {
				t.Fatal(err)
			}
			var conflicts []string
			for _, p := range paths {
				conflicts = append(conflicts, pathText(p))
				if !touches(set.set, p) {
					t.Errorf("%s: the contribution does not touch %s", tc.reason, pathText(p))
				}
			}
			if diff := cmp.Diff(tc.conflicts, conflicts); diff != "" {
				t.Errorf("%s: conflicts:\n%s", tc.reason, diff)
			}
			if tc.conflicts != nil {
				return
			}
			if got := treeText(merged.AsValue().Unstructured()); got != tc.want {
				t.Errorf("%s:\ngot  %s\nwant %s", tc.reason, got, tc.want)
			}
			// The fields of an owner read back as they were written.
			fields, err := fieldsJSON(set.set)
			if err != nil {
				t.Fatal(err)
			}
			again, err := parseFields(fields)
			if err != nil || !again.Equals(set.set) {
				t.Errorf("%s: %s reads back as\n%v, %v", tc.reason, fields, again, err)
			}
		})
	}
}

func TestGraph(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		n      int
		edges  [][2]int
		order  []int
		cycle  []int
		before []set
	}{
		"Free":   {n: 3, order: []int{0, 1, 2}, before: []set{0, 0, 0}},
		"Chain":  {n: 3, edges: [][2]int{{2, 1}, {1, 0}}, order: []int{2, 1, 0}, before: []set{0b110, 0b100, 0}},
		"Ties":   {n: 4, edges: [][2]int{{3, 0}}, order: []int{1, 2, 3, 0}, before: []set{0b1000, 0, 0, 0}},
		"Cycle":  {n: 4, edges: [][2]int{{3, 1}, {1, 2}, {2, 3}, {3, 0}}, cycle: []int{1, 2, 3}},
		"Itself": {n: 1, edges: [][2]int{{0, 0}}, cycle: []int{0}},
		"Most":   {n: MaxSteps, edges: [][2]int{{63, 0}}, order: append(sequence(1, 64), 0)},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := newGraph(tc.n)
			for _, e := range tc.edges {
				g.add(e[0], e[1])
			}
			if diff := cmp.Diff(tc.cycle, g.cycle()); diff != "" {
				t.Error(diff)
			}
			order, stuck := g.order()
			if tc.cycle != nil {
				if stuck == 0 {
					t.Error("a cycle, but nothing is stuck")
				}
				return
			}
			if diff := cmp.Diff(tc.order, order); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(tc.before, g.transitive(order)); tc.before != nil && diff != "" {
				t.Error(diff)
			}
		})
	}
}

func sequence(from, to int) []int {
	var s []int
	for i := from; i < to; i++ {
		s = append(s, i)
	}
	return s
}

func TestDependencies(t *testing.T) {
	t.Parallel()
	configs, secrets := []abi.GroupKind{{Kind: "ConfigMap"}}, []abi.GroupKind{{Kind: "Secret"}}
	emit := abi.Manifest{Outputs: configs}
	cases := map[string]struct {
		reason    string
		after     []string
		manifests [2]abi.Manifest
		order     []int
	}{
		"Nothing":        {"the document decides", nil, [2]abi.Manifest{{}, {}}, []int{0, 1}},
		"After":          {"after decides", []string{"b"}, [2]abi.Manifest{{}, {}}, []int{1, 0}},
		"Reads":          {"a reader comes after", nil, [2]abi.Manifest{{Reads: configs}, emit}, []int{1, 0}},
		"Contributes":    {"a contributor comes after", nil, [2]abi.Manifest{{Contributes: configs}, emit}, []int{1, 0}},
		"ReadsAdditions": {"a reader comes after a contributor", nil, [2]abi.Manifest{{Reads: configs}, {Contributes: configs}}, []int{1, 0}},
		"BothBoth": {
			"between two that read and contribute the document decides", nil,
			[2]abi.Manifest{{Reads: configs, Contributes: configs}, {Reads: configs, Contributes: configs}}, []int{0, 1},
		},
		"ContributesToEachOther": {
			"between two that contribute to each other the document decides", nil,
			[2]abi.Manifest{{Outputs: configs, Contributes: secrets}, {Outputs: secrets, Contributes: configs}}, []int{0, 1},
		},
		"ReadsWhatItFeeds": {
			"reading is stronger than contributing", nil,
			[2]abi.Manifest{{Reads: configs, Outputs: secrets}, {Outputs: configs, Contributes: secrets}}, []int{1, 0},
		},
		"Context": {"a consumer comes after", nil, [2]abi.Manifest{{ContextConsumed: []string{"k"}}, {ContextProduced: []string{"k"}}}, []int{1, 0}},
		"AfterWins": {
			"after settles what two steps read of each other", []string{"b"},
			[2]abi.Manifest{{Reads: secrets, Outputs: configs}, {Reads: configs, Outputs: secrets}}, []int{1, 0},
		},
		"ReadEachOther": {
			"two that read each other are a cycle", nil,
			[2]abi.Manifest{{Reads: secrets, Outputs: configs}, {Reads: configs, Outputs: secrets}}, nil,
		},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := &Pipeline{Steps: []Step{{Name: "a", After: tc.after}, {Name: "b"}}}
			g, _ := dependencies(p, []*plannedStep{{name: "a", manifest: &tc.manifests[0]}, {name: "b", manifest: &tc.manifests[1]}})
			order, stuck := g.order()
			if tc.order == nil && stuck == 0 || tc.order != nil && !slices.Equal(order, tc.order) {
				t.Errorf("%s: got %v, stuck %b, want %v", tc.reason, order, stuck, tc.order)
			}
		})
	}
}

func TestBuiltin(t *testing.T) {
	t.Parallel()
	pipelines, err := Builtin(nil)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, p := range pipelines {
		line := p.Name + " for " + p.For.String() + ":"
		for _, s := range p.Steps {
			line += " " + s.Name + "(" + s.Plugin + ")"
		}
		got = append(got, line)
	}
	want := []string{
		"lattice-job for LatticeJob.lattice.dev: mesh(network-policy) egress(egress) job(volcano) secrets(secrets) programs(runtime-policy)",
		"lattice-mesh-member for LatticeMeshMember.lattice.dev: egress(egress) network(network-policy) ingress(ingress)",
		"lattice-service for LatticeService.lattice.dev: mesh(network-policy) egress(egress) deployment(deployment) secrets(secrets) autoscaling(keda) ingress(ingress) observability(observability) programs(runtime-policy)",
		"secret-provider for SecretProvider.lattice.dev: store(secret-provider)",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestSettings(t *testing.T) {
	t.Parallel()
	s, err := ParseSettings("settings.yaml", []byte(`{"apiVersion": "lattice.dev/v1", "kind": "Settings", "spec": {
		"platform": {"clusterName": "prod", "trustDomain": "corp.example"}, "images": {"allowTags": true},
		"steps": {"a": {"x": 1, "y": {"z": 1}}, "p/a": {"y": {"w": 2}}}}}`))
	if err != nil {
		t.Fatal(err)
	}
	want := abi.Platform{ClusterName: "prod", Provider: "docker", TrustDomain: "corp.example"}
	if diff := cmp.Diff(want, s.Platform); diff != "" || !s.AllowTags {
		t.Errorf("allowTags %v, platform:\n%s", s.AllowTags, diff)
	}
	own, err := ParsePipelines("p.yaml", []byte("apiVersion: lattice.dev/v1\nkind: Pipeline\nmetadata: {name: p}\nspec:\n  for: {kind: Cell}\n  steps: [{name: a, plugin: a, settings: {x: 0, v: 5}}]"))
	if err != nil {
		t.Fatal(err)
	}
	layers := s.stepLayers(own[0], &own[0].Steps[0])
	if got, err := cbor.ToJSON(nil, mergeLayers(layers)); string(got) != `{"v":5,"x":1,"y":{"w":2}}` {
		t.Errorf("got %s, %v", got, err)
	}
	for field, want := range map[string]string{"v": "p.yaml", "x": "settings.yaml", "y.w": "settings.yaml", "absent": "settings.yaml"} {
		l, ok := blame(layers, field)
		if p := l.value.position(field); !ok || p.File != want || p.Line == 0 {
			t.Errorf("%s: blamed on %v", field, p)
		}
	}
	if diff := cmp.Diff(abi.Platform{ClusterName: "default", Provider: "docker", TrustDomain: "lattice.default.local"}, DefaultSettings().Platform); diff != "" {
		t.Error(diff)
	}
}
