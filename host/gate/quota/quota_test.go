package quota_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/latticenet/lattice-host/host/gate/quota"
	"github.com/latticenet/lattice-host/internal/problem"
)

// written returns a LatticeQuota with a spec in YAML's flow style.
func written(name, spec string) string {
	return "apiVersion: lattice.dev/v1alpha1\nkind: LatticeQuota\nmetadata: {name: " + name + "}\nspec: " + spec + "\n---\n"
}

const media = `{principal: 'Lattice::Group::"media"', limits: {cpu: 4, memory: 8Gi, gpu: 1}, maxPerWorkload: {cpu: 2500m}}`

func parse(t *testing.T, texts ...string) []quota.Quota {
	t.Helper()
	quotas, err := quota.Parse("q.yaml", []byte(strings.Join(texts, "")))
	if err != nil {
		t.Fatal(err)
	}
	return quotas
}

// service is a LatticeService with the same requests in a container and a sidecar.
func service(id, cpu, memory, more string) json.RawMessage {
	namespace, name, _ := strings.Cut(id, "/")
	requests := `{"c":{"resources":{"requests":{"cpu":"` + cpu + `","memory":"` + memory + `"}}}}`
	return json.RawMessage(`{"apiVersion":"lattice.dev/v1alpha1","kind":"LatticeService","metadata":{"namespace":"` + namespace + `","name":"` + name +
		`","annotations":{"lattice.dev/owner":"ann@example.com"}},"spec":{"sidecars":` + requests +
		`,"workload":{"containers":` + requests + `}` + more + `}}`)
}

func facts(t *testing.T, a *quota.Account, document json.RawMessage) []string {
	t.Helper()
	all, err := a.Facts(document)
	if err != nil {
		t.Fatal(err)
	}
	lines := []string{}
	for _, f := range all {
		line := f.Quota + " " + f.Principal + " " + f.Key + " requested " + f.Text.Requested
		for _, part := range [...]struct {
			name, text string
			n          *big.Int
		}{{"limit", f.Text.Limit, f.Limit}, {"remaining", f.Text.Remaining, f.Remaining}, {"cap", f.Text.MaxPerWorkload, f.MaxPerWorkload}} {
			if part.n != nil {
				line += ", " + part.name + " " + part.text
			}
		}
		lines = append(lines, line)
	}
	return lines
}

func TestFacts(t *testing.T) {
	t.Parallel()
	groups := quota.Namespaces{"media": "media"}
	others := []json.RawMessage{
		service("media/one", "250m", "512Mi", `,"replicas":2`), service("media/two", "500m", "1Gi", ""),
		service("other/three", "8", "8Gi", ""), json.RawMessage(`{"kind":"LatticeMeshMember","spec":{"replicas":9}}`),
	}
	tests := map[string]struct {
		quotas   string
		document json.RawMessage
		want     []string
	}{
		"a new workload": {
			written("media", media), service("media/new", "1", "100Mi", `,"replicas":3`), []string{
				`LatticeQuota/media Lattice::Group::"media" cpu requested 6, limit 4, remaining 2, cap 2500m`,
				`LatticeQuota/media Lattice::Group::"media" gpu requested 0, limit 1, remaining 1`,
				`LatticeQuota/media Lattice::Group::"media" memory requested 600Mi, limit 8Gi, remaining 4Gi`,
			},
		},
		"what it was does not count against it": {
			written("media", media), service("media/one", "1", "1Gi", ""), []string{
				`LatticeQuota/media Lattice::Group::"media" cpu requested 2, limit 4, remaining 3, cap 2500m`,
				`LatticeQuota/media Lattice::Group::"media" gpu requested 0, limit 1, remaining 1`,
				`LatticeQuota/media Lattice::Group::"media" memory requested 2Gi, limit 8Gi, remaining 6Gi`,
			},
		},
		"remaining is never negative": {
			written("three", `{principal: 'Lattice::User::"ann@example.com"', limits: {cpu: "0.5"}}`), service("media/new", "1m", "1", ""),
			[]string{`LatticeQuota/three Lattice::User::"ann@example.com" cpu requested 2m, limit 500m, remaining 0`},
		},
		"a service": {
			written("b", `{principal: 'Lattice::Service::"media/new"', maxPerWorkload: {memory: 1000}}`) +
				written("a", `{principal: 'Lattice::Service::"media/new"', maxPerWorkload: {gpu: 0}}`), service("media/new", "1m", "1", ""),
			[]string{
				`LatticeQuota/a Lattice::Service::"media/new" gpu requested 0, cap 0`,
				`LatticeQuota/b Lattice::Service::"media/new" memory requested 2, cap 1000`,
			},
		},
		"rounded up": {
			written("a", `{principal: 'Lattice::Service::"media/new"', limits: {cpu: 1}}`), service("media/new", "0.0001", "1", ""),
			[]string{`LatticeQuota/a Lattice::Service::"media/new" cpu requested 1m, limit 1, remaining 1`},
		},
		"GPUs": {
			written("a", `{principal: 'Lattice::Service::"media/new"', limits: {gpu: 5}}`),
			json.RawMessage(`{"apiVersion":"lattice.dev/v1alpha1","kind":"LatticeService","metadata":{"namespace":"media","name":"new"},` +
				`"spec":{"replicas":3,"workload":{"resources":{"g":{"type":"gpu","params":{"count":2}},"v":{"type":"volume"}}}}}`),
			[]string{`LatticeQuota/a Lattice::Service::"media/new" gpu requested 6, limit 5, remaining 5`},
		},
		"no replicas": {
			written("a", `{principal: 'Lattice::Service::"media/new"', limits: {cpu: 1}}`), service("media/new", "1", "1", `,"replicas":0`),
			[]string{`LatticeQuota/a Lattice::Service::"media/new" cpu requested 0, limit 1, remaining 1`},
		},
		"an autoscaler": {
			written("a", `{principal: 'Lattice::Service::"media/new"', limits: {cpu: 1}}`),
			service("media/new", "250m", "1", `,"replicas":2,"autoscaling":{"max":5}`),
			[]string{`LatticeQuota/a Lattice::Service::"media/new" cpu requested 2500m, limit 1, remaining 1`},
		},
		"an autoscaler that makes fewer than there are": {
			written("a", `{principal: 'Lattice::Service::"media/new"', limits: {cpu: 1}}`),
			service("media/new", "250m", "1", `,"replicas":2,"autoscaling":{"max":1}`),
			[]string{`LatticeQuota/a Lattice::Service::"media/new" cpu requested 1, limit 1, remaining 1`},
		},
		"an autoscaler of others": {
			written("a", `{principal: 'Lattice::Group::"media"', limits: {cpu: 10}}`), service("media/one", "1m", "1", `,"autoscaling":{"max":4}`),
			[]string{`LatticeQuota/a Lattice::Group::"media" cpu requested 8m, limit 10, remaining 9`},
		},
		"the tasks of a job": {
			written("a", `{principal: 'Lattice::Group::"media"', limits: {cpu: 10, gpu: 16}}`), job(`"a":{"replicas":3,` + task("500m", 2) + `},"b":{` + task("250m", 1) + `}`),
			[]string{
				`LatticeQuota/a Lattice::Group::"media" cpu requested 1750m, limit 10, remaining 8`,
				`LatticeQuota/a Lattice::Group::"media" gpu requested 7, limit 16, remaining 16`,
			},
		},
		"of others":       {written("a", `{principal: 'Lattice::Service::"media/old"', limits: {cpu: 1}}`), service("media/new", "1", "1", ""), []string{}},
		"disabled":        {written("a", `{principal: 'Lattice::Service::"media/new"', limits: {cpu: 1}, enabled: false}`), service("media/new", "1", "1", ""), []string{}},
		"not counted":     {written("media", media), json.RawMessage(`{"kind":"LatticeMeshMember","metadata":{"namespace":"media","name":"new"}}`), []string{}},
		"another group's": {written("media", media), service("other/new", "1", "1", ""), []string{}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, err := quota.New(parse(t, tt.quotas), others, groups)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, facts(t, a, tt.document)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// A sidecar may request nothing where no quota counts it.
func TestSilentSidecar(t *testing.T) {
	t.Parallel()
	document := service("media/a", "", "", "")
	document = json.RawMessage(strings.Replace(string(document), `"containers":{"c":{"resources":{"requests":{"cpu":"","memory":""}}}}`,
		`"containers":{"c":{"resources":{"requests":{"cpu":"1","memory":"1Gi"}}}}`, 1))
	a, err := quota.New(parse(t, written("media", media)), []json.RawMessage{document}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := a.Facts(document); err != nil || len(got) > 0 {
		t.Errorf("without a quota that applies: got %v and %v", got, err)
	}
	a, err = quota.New(parse(t, written("media", media)), []json.RawMessage{document}, quota.Namespaces{"media": "media"})
	if err != nil {
		t.Fatal(err)
	}
	const want = "LatticeService media/a: spec.sidecars.c.resources.requests: is missing, and LatticeQuota/media counts what is requested; write cpu and memory"
	if _, err := a.Facts(document); err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

// job is a job with tasks, as JSON.
func job(tasks string) json.RawMessage {
	return json.RawMessage(`{"apiVersion":"lattice.dev/v1alpha1","kind":"LatticeJob","metadata":{"namespace":"media","name":"new"},"spec":{"tasks":{` + tasks + `}}}`)
}

// task is the workload of a task with one container.
func task(cpu string, gpus int) string {
	return fmt.Sprintf(`"workload":{"containers":{"c":{"resources":{"requests":{"cpu":%q,"memory":"1Gi"}}}},"resources":{"g":{"type":"gpu","params":{"count":%d}}}}`, cpu, gpus)
}

func TestUncountable(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		document json.RawMessage
		want     string
	}{
		"no request": {
			service("media/a", "", "1", ""),
			"LatticeService media/a: spec.sidecars.c.resources.requests.cpu: is missing or wrong, so that quotas cannot count it",
		},
		"a wrong request": {
			service("media/a", "1", "x", ""),
			"LatticeService media/a: spec.sidecars.c.resources.requests.memory: is missing or wrong, so that quotas cannot count it",
		},
		"negative replicas": {service("media/a", "1", "1", `,"replicas":-1`), "LatticeService media/a: spec.replicas: is negative"},
		"negative GPUs": {
			json.RawMessage(`{"apiVersion":"lattice.dev/v1alpha1","kind":"LatticeService","metadata":{"namespace":"media","name":"a"},"spec":{"workload":{"resources":{"g":{"type":"gpu","params":{"count":-2}}}}}}`),
			"LatticeService media/a: spec.workload.resources.g.params.count: is missing or wrong, so that quotas cannot count it",
		},
		"a task without a request": {
			job(`"a":{"workload":{"containers":{"c":{}}}}`),
			"LatticeJob media/new: spec.tasks.a.workload.containers.c.resources.requests.cpu: is missing or wrong, so that quotas cannot count it",
		},
		"a task of another type": {job(`"a":{"replicas":"1"}`), "spec.tasks.replicas: has the wrong type, so that quotas cannot count it"},
		"another type": {
			json.RawMessage(`{"apiVersion":"lattice.dev/v1alpha1","kind":"LatticeService","spec":{"replicas":"1"}}`),
			"spec.replicas: has the wrong type, so that quotas cannot count it",
		},
	}
	a, err := quota.New(parse(t, written("media", media)), nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := a.Facts(tt.document)
			if !errors.Is(err, problem.Invalid) {
				t.Fatalf("got %v, want an error that is problem.Invalid", err)
			}
			if diff := cmp.Diff(tt.want, err.Error()); diff != "" {
				t.Error(diff)
			}
			if _, err := quota.New(nil, []json.RawMessage{tt.document}, nil); err == nil {
				t.Error("the account counts it")
			}
		})
	}
}

func TestParseProblems(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ text, want string }{
		"unknown field": {written("a", "{principle: x}"), `q.yaml:4:8: spec.principle: is not a known field; did you mean principal?`},
		"another case":  {written("a", "{Principal: x}"), `q.yaml:4:8: spec.Principal: is not a known field; did you mean principal?`},
		"double key": {written("a", "{principal: a, principal: b}"), "q.yaml:1:1: LatticeQuota/a: spec.principal: is \"a\", and must be Lattice::Service::\"namespace/name\", Lattice::Group::\"group\" or Lattice::User::\"user\"\n" +
			"q.yaml:1:1: LatticeQuota/a: spec: limits nothing; give limits or maxPerWorkload\n" +
			"q.yaml:4:22: LatticeQuota a: spec.principal: duplicate key, first on line 4; remove one"},
		"principal": {
			written("a", `{principal: 'Service::"a/b"', limits: {cpu: 1}}`),
			`q.yaml:1:1: LatticeQuota/a: spec.principal: is "Service::\"a/b\"", and must be Lattice::Service::"namespace/name", ` +
				`Lattice::Group::"group" or Lattice::User::"user"`,
		},
		"a service without namespace": {
			written("a", `{principal: 'Lattice::Service::"a"', limits: {cpu: 1}}`),
			`q.yaml:1:1: LatticeQuota/a: spec.principal: is "Lattice::Service::\"a\"", and must be Lattice::Service::"namespace/name", ` +
				`Lattice::Group::"group" or Lattice::User::"user"`,
		},
		"amounts": {
			written("a", `{principal: 'Lattice::Group::"a"', limits: {cpu: 1x, memory: -1, gpu: [1], disk: 1}}`),
			"q.yaml:4:56: LatticeQuota/a: spec.limits.cpu: is \"1x\", and must be cores such as 2 or 500m\n" +
				"q.yaml:4:68: LatticeQuota/a: spec.limits.memory: is \"-1\", and must be bytes such as 512Mi\n" +
				"q.yaml:4:77: LatticeQuota/a: spec.limits.gpu: is \"\", and must be a number such as 4\n" +
				"q.yaml:4:88: LatticeQuota/a: spec.limits.disk: unknown key; the keys of a quota are cpu, gpu and memory",
		},
		"nothing limited": {
			written("a", `{principal: 'Lattice::Group::"a"'}`), "q.yaml:1:1: LatticeQuota/a: spec: limits nothing; give limits or maxPerWorkload",
		},
		"another kind": {
			"apiVersion: v1\nkind: ResourceQuota\n", `q.yaml:1:1: kind: is "ResourceQuota" of "v1", and must be LatticeQuota of lattice.dev/v1alpha1`,
		},
		"twice": {
			written("a", `{principal: 'Lattice::Group::"a"', limits: {cpu: 1}}`) + written("a", `{principal: 'Lattice::Group::"b"', limits: {cpu: 1}}`),
			"q.yaml:6:1: LatticeQuota/a: metadata.name: is the name of the quota at q.yaml:1:1 too",
		},
		"a list":   {"- a\n", `q.yaml:1:3: want a mapping, got the string "a"`},
		"no YAML":  {"a: [", "q.yaml:1:1: a value is missing in the brackets that are open here"},
		"no name":  {written("''", `{principal: 'Lattice::Group::"a"', limits: {cpu: 1}}`), "q.yaml:1:1: LatticeQuota: metadata.name: is missing"},
		"too long": {strings.Repeat("#", quota.MaxFileBytes+1), "q.yaml: the file is larger than 1 MiB; split it into several files"},
		"too many": {strings.Repeat("---\na: b\n", 1001), "q.yaml:2002:1: the file holds more than 1000 documents; split it into several files"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			quotas, err := quota.Parse("q.yaml", []byte(tt.text))
			if !errors.Is(err, problem.Invalid) || quotas != nil {
				t.Fatalf("got %v and %v, want an error that is problem.Invalid", quotas, err)
			}
			if diff := cmp.Diff(tt.want, err.Error()); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestParseNamespaces(t *testing.T) {
	t.Parallel()
	const one, two = "apiVersion: v1\nkind: Namespace\nmetadata: {name: %, labels: {lattice.dev/group: media}, uid: u}\nspec: {}\n---\n",
		"apiVersion: v1\nkind: %\nitems:\n- {apiVersion: v1, kind: Namespace, metadata: {name: b}}\n"
	named := func(text, name string) string { return strings.ReplaceAll(text, "%", name) }
	tests := map[string]struct {
		text string
		want quota.Namespaces
		err  string
	}{
		"documents": {named(one, "a") + "---\n" + named(one, "c"), quota.Namespaces{"a": "media", "c": "media"}, ""},
		"list":      {named(one, "a") + named(two, "List"), quota.Namespaces{"a": "media", "b": ""}, ""},
		"other list": {
			named(two, "NamespaceList") + "- {apiVersion: v1, kind: Secret, metadata: {name: x}}\n", nil,
			`n.yaml:5:3: kind: is "Secret" of "v1", and must be Namespace of v1; other objects are not policies`,
		},
		"list in a list": {
			named(two, "List") + "- {apiVersion: v1, kind: List}\n", nil,
			`n.yaml:5:3: kind: is "List" of "v1", and must be Namespace of v1; other objects are not policies`,
		},
		"twice, alike": {named(one, "a") + named(one, "a"), quota.Namespaces{"a": "media"}, ""},
		"twice": {
			named(one, "b") + named(two, "List"), nil, `n.yaml:9:3: Namespace b: metadata.labels: is a duplicate, in the groups "media" and ""; keep one`,
		},
		"no name":  {named(one, "''"), nil, "n.yaml:1:1: Namespace: metadata.name: is missing"},
		"labels":   {"apiVersion: v1\nkind: Namespace\nmetadata: {name: a, labels: [x]}\n", nil, "n.yaml:3:29: Namespace: metadata.labels: want a mapping, got a list"},
		"no YAML":  {"a: [", nil, "n.yaml:1:1: a value is missing in the brackets that are open here"},
		"too long": {strings.Repeat("#", quota.MaxFileBytes+1), nil, "n.yaml: the file is larger than 1 MiB; split it into several files"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := quota.ParseNamespaces("n.yaml", []byte(tt.text))
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			if (tt.err != "") != (err != nil) || err != nil && (err.Error() != tt.err || !errors.Is(err, problem.Invalid)) {
				t.Errorf("got  %v\nwant %s", err, tt.err)
			}
		})
	}
}

// TestParseFromCluster reads a quota as a cluster returns it.
func TestParseFromCluster(t *testing.T) {
	t.Parallel()
	quotas := parse(t, "\n---\n", `{"apiVersion":"lattice.dev/v1alpha1","kind":"LatticeQuota","metadata":{"name":"a","uid":"u","resourceVersion":"7"},`+
		`"spec":{"principal":"Lattice::User::\"ann@example.com\"","limits":{"cpu":"1"}},"status":{"used":{"cpu":"0"}}}`)
	if len(quotas) != 1 || quotas[0].Name != "a" || quotas[0].Principal != (quota.Principal{Type: "User", ID: "ann@example.com"}) || !quotas[0].Enabled {
		t.Errorf("got %+v", quotas)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(written("media", media)))
	f.Add([]byte("a: &a [*a]\n---\nkind: LatticeQuota\nmetadata: {<<: {name: x}}"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if n, err := quota.ParseNamespaces("f", data); err != nil && (n != nil || !errors.Is(err, problem.Invalid)) {
			t.Fatalf("got %v and %v", n, err)
		}
		quotas, err := quota.Parse("f", data)
		if err != nil && (quotas != nil || !errors.Is(err, problem.Invalid)) {
			t.Fatalf("got %v and %v", quotas, err)
		}
		if err != nil {
			return
		}
		a, err := quota.New(quotas, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := a.Facts(service("media/a", "1", "1", "")); err != nil {
			t.Fatal(err)
		}
	})
}
