package policy_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/host/gate"
	"github.com/latticenet/lattice-host/host/gate/facts"
	"github.com/latticenet/lattice-host/host/gate/policy"
)

const (
	permitAdmit = `@id("admit") permit (principal, action == Lattice::Action::"Admit", resource);`
	denyRule    = "package lattice.admit\n\ndeny contains \"no\" if input.resource.metadata.name == \"evil\"\n"
	cedarDoc    = "apiVersion: lattice.dev/v1alpha1\nkind: CedarPolicy\nmetadata: {name: %s, namespace: lattice-system}\n" +
		"spec: {policies: '%s'}\n"
	quotaDoc = "apiVersion: lattice.dev/v1alpha1\nkind: LatticeQuota\nmetadata: {name: media, namespace: lattice-system}\n" +
		"spec: {principal: 'Lattice::Service::\"media/web\"', limits: {cpu: \"4\"}, maxPerWorkload: {cpu: \"2\"}}\n"
)

// folder writes files into a folder of the test's own, in which it then is.
func folder(t testing.TB, files map[string]string) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(dir)
}

func manyFiles(n int) []policy.File {
	files := make([]policy.File, n)
	for i := range files {
		files[i] = policy.File{Name: fmt.Sprintf("%d.yaml", i)}
	}
	return files
}

func TestLoad(t *testing.T) {
	admit := fmt.Sprintf(cedarDoc, "own", permitAdmit)
	tests := map[string]struct {
		reason  string
		files   map[string]string
		options policy.Options
		// cedar, rego and quotas are how many there are, names the files.
		cedar, rego, quotas int
		names               []string
		err                 string
		is                  error
	}{
		"Defaults": {
			reason: "A host has policies of its own.",
			cedar:  7, rego: 0, names: []string{"builtin/base.cedar", "builtin/quota.rego"},
		},
		"File": {
			reason:  "A file is read whatever folder it is in.",
			files:   map[string]string{"a/x.cedar": permitAdmit, "b.rego": denyRule},
			options: policy.Options{Paths: []string{"a/x.cedar", "b.rego"}, NoDefaults: true},
			cedar:   1, rego: 1, names: []string{"a/x.cedar", "b.rego"},
		},
		"Folder": {
			reason: "A folder is read with everything below it, except hidden files and files that are not policies.",
			files: map[string]string{
				"p/a.cedar": permitAdmit, "p/sub/b.rego": denyRule, "p/sub/quota.yml": quotaDoc, "p/README.md": "no policy",
				"p/.git/c.cedar": "not read", "p/.hidden.cedar": "not read", "p/data.json": `{"names": ["a"]}`, "p/doc.yaml": admit,
				"p/b_test.rego": "package lattice.admit_test\n", "p/a_test.yaml": "not read to judge", "p/a_test.json": "{",
			},
			options: policy.Options{Paths: []string{"p"}, NoDefaults: true},
			cedar:   2, rego: 3, quotas: 1,
			names: []string{
				"p/a.cedar", "p/a_test.json", "p/a_test.yaml", "p/b_test.rego", "p/data.json", "p/doc.yaml", "p/sub/b.rego", "p/sub/quota.yml",
				"builtin/quota.rego",
			},
		},
		"FolderByDot": {
			reason:  "The folder that was named is read even if it begins with a dot.",
			files:   map[string]string{".policies/a.cedar": permitAdmit},
			options: policy.Options{Paths: []string{".policies"}, NoDefaults: true},
			cedar:   1, names: []string{".policies/a.cedar"},
		},
		"Documents": {
			reason:  "A file has several documents, with comments and empty ones between them.",
			options: policy.Options{Files: []policy.File{{"x.yaml", []byte("# ours\n---\n" + admit + "---\n---\n" + fmt.Sprintf(cedarDoc, "other", permitAdmit))}}, NoDefaults: true},
			cedar:   2, names: []string{"x.yaml"},
		},
		"Data": {
			reason: "Rules read data by its name.",
			options: policy.Options{NoDefaults: true, Files: []policy.File{
				{"r.rego", []byte("package lattice.admit\n\ndeny contains \"no\" if input.resource.metadata.name in data.names\n")},
				{"data.yaml", []byte("names: [evil]\n")},
			}},
			rego: 1, names: []string{"r.rego", "data.yaml"},
		},
		"Mixed": {
			reason:  "Documents of two kinds in one file have two readers.",
			options: policy.Options{Files: []policy.File{{"x.yaml", []byte(admit + "---\n" + quotaDoc)}}},
			err:     `x.yaml: has documents of the kinds "CedarPolicy" and "LatticeQuota"; put each kind into a file of its own`,
		},
		"OtherKind": {
			reason:  "What is not a policy is not skipped: somebody meant it as one.",
			options: policy.Options{Files: []policy.File{{"x.json", []byte(`{"kind": "ConfigMap"}`)}}},
			err:     `x.json: "ConfigMap" is not a kind of policy; the kinds are CedarPolicy, LatticeQuota, for quotas Namespace, and for the consent of those who own volumes LatticeJob, LatticeService; what rules read is in a file named data.json`,
		},
		"NoKind": {
			reason:  "A list is not a policy.",
			options: policy.Options{Files: []policy.File{{"x.yml", []byte(`- a`)}}},
			err:     `x.yml: "" is not a kind of policy; the kinds are CedarPolicy, LatticeQuota, for quotas Namespace, and for the consent of those who own volumes LatticeJob, LatticeService; what rules read is in a file named data.yml`,
		},
		"QuotaTwice": {
			reason:  "A message that names a quota names one.",
			options: policy.Options{Files: []policy.File{{"a.yaml", []byte(quotaDoc)}, {"b.yaml", []byte("\n" + quotaDoc)}}},
			err:     "b.yaml:2:1: LatticeQuota/media: metadata.name: is the name of the quota at a.yaml:1:1 too",
		},
		"NamespaceTwice": {
			reason: "A namespace is in one group.",
			options: policy.Options{Files: []policy.File{
				{"a.yaml", []byte(namespaceDoc)}, {"b.yaml", []byte(strings.ReplaceAll(namespaceDoc, "tv", "radio"))},
			}},
			err: `b.yaml: Namespace media: is in another file, too, in the group "tv" and not "radio"; keep one`,
		},
		"BadYAML": {
			reason:  "What cannot be read has a place.",
			options: policy.Options{Files: []policy.File{{"x.yaml", []byte("kind: CedarPolicy\nspec: {\n")}}},
			err:     "x.yaml:2:1: a value is missing in the brackets that are open here",
		},
		"WrongEnding": {
			reason:  "A file that was named is read or refused.",
			files:   map[string]string{"x.txt": permitAdmit},
			options: policy.Options{Paths: []string{"x.txt"}},
			err:     "x.txt: is not a policy file; its name must end in .cedar, .rego, .yaml or .json",
		},
		"EmptyCedar": {
			reason:  "A file that was truncated to nothing forbids nothing, and no one would notice.",
			options: policy.Options{Files: []policy.File{{"x.cedar", []byte("\n \n")}}},
			err:     "x.cedar: holds no policies; write some into it, or remove it",
		},
		"EmptyDocuments": {
			reason:  "Nor do documents that do not exist.",
			options: policy.Options{Files: []policy.File{{"x.yaml", []byte("---\n")}}},
			err:     "x.yaml: holds no policies; write some into it, or remove it",
		},
		"ByteOrderMark": {
			reason:  "An invisible character is named.",
			options: policy.Options{Files: []policy.File{{"a.cedar", []byte("\ufeff" + permitAdmit)}}},
			err:     "a.cedar:1:1: begins with a byte order mark; save the file as UTF-8 without one",
		},
		"UpperCase": {
			reason:  "A policy that is not read because of its name would forbid nothing.",
			files:   map[string]string{"p/a.cedar": permitAdmit, "p/sub/forbid.CEDAR": ""},
			options: policy.Options{Paths: []string{"p"}},
			err:     "p/sub/forbid.CEDAR: is not read, as .CEDAR is not in lower case; rename it",
		},
		"EmptyFolder": {
			reason:  "A folder without policies is a mistake, and not the wish to have none.",
			files:   map[string]string{"p/README.md": ""},
			options: policy.Options{Paths: []string{"p"}},
			err:     "p: no policies are loaded in this folder; a policy is a file that ends in .cedar, .rego, .yaml or .json",
			is:      gate.ErrNoPolicies,
		},
		"Missing": {
			reason:  "A path that does not exist is a mistake.",
			options: policy.Options{Paths: []string{"absent"}},
			err:     "stat absent: no such file or directory",
			is:      os.ErrNotExist,
		},
		"TooMany": {
			reason:  "There is a limit.",
			options: policy.Options{Files: manyFiles(policy.MaxFiles), NoDefaults: false},
			err:     "there are 2002 files of policies, the limit is 2000",
		},
		"Everything": {
			reason: "Whatever is wrong is said at once, each with its place.",
			options: policy.Options{Files: []policy.File{
				{"a.cedar", []byte("@id(\"a\")\npermit (principal, action, resource) when { principal.nmae == 1 };\n")},
				{"b.rego", []byte("package lattice.admit\n\ndeny contains x if\n")},
				{"c.yaml", []byte("kind: Other\n")},
			}, NoDefaults: true},
			err: `c.yaml: "Other" is not a kind of policy`,
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			folder(t, tc.files)
			set, err := policy.Load(tc.options)
			if tc.err != "" {
				if err == nil || !strings.Contains(err.Error(), tc.err) || tc.is != nil && !errors.Is(err, tc.is) {
					t.Fatalf("%s\ngot the error %v, want %q", tc.reason, err, tc.err)
				}
				return
			}
			if err != nil {
				t.Fatalf("%s\n%v", tc.reason, err)
			}
			got := []any{set.Cedar.Len(), set.Rego.Len(), len(set.Quotas), set.Files}
			if d := cmp.Diff([]any{tc.cedar, tc.rego, tc.quotas, tc.names}, got); d != "" {
				t.Errorf("%s\n%s", tc.reason, d)
			}
		})
	}
}

// A folder may be a link. A link to a folder inside of one is not followed, and not skipped
// either.
func TestLinks(t *testing.T) {
	folder(t, map[string]string{"real/a.cedar": permitAdmit, "other/b.cedar": "", "p/a.cedar": permitAdmit, "q/a.cedar": permitAdmit})
	for _, link := range [][2]string{{"real", "linked"}, {"../other", "p/sub"}, {"../real/a.cedar", "q/b.cedar"}, {"nowhere", "q/README"}} {
		if err := os.Symlink(link[0], link[1]); err != nil {
			t.Fatal(err)
		}
	}
	files, err := policy.ReadPath("linked")
	if err != nil || len(files) != 1 || files[0].Name != "linked/a.cedar" {
		t.Errorf("got %v and %v", files, err)
	}
	const want = "p/sub: is a link to a folder, which is not followed; name that folder with --policies, or move it here"
	if _, err := policy.ReadPath("p"); err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	if files, err := policy.ReadPath("q"); err != nil || len(files) != 2 {
		t.Errorf("links to files: got %v and %v", files, err)
	}
}

// Every problem of every engine is there.
func TestLoadJoinsProblems(t *testing.T) {
	_, err := policy.Load(policy.Options{NoDefaults: true, Files: []policy.File{
		{"a.cedar", []byte("@id(\"a\")\npermit (principal, action, resource) when { principal.nmae == 1 };\n")},
		{"b.rego", []byte("package lattice.admit\n\ndeny contains x if {\n")},
		{"c.yaml", []byte("kind: Other\n")},
	}})
	for _, want := range []string{"a.cedar:1:1: policy a: ", "b.rego:", `c.yaml: "Other"`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want it to say %s", err, want)
		}
	}
	if errors.Is(err, gate.ErrNoPolicies) {
		t.Errorf("%v: there are policies, though wrong ones", err)
	}
}

// A host without policies does not start, and a set of them lets nothing pass that no one permits.
func TestAttack48_NoPolicies(t *testing.T) {
	for name, o := range map[string]policy.Options{
		"Nothing":   {NoDefaults: true},
		"OnlyTests": {NoDefaults: true, Files: []policy.File{{"a_test.rego", []byte("package lattice.admit_test\n")}, {"b_test.yaml", nil}}},
		"OnlyData":  {NoDefaults: true, Files: []policy.File{{"data.json", []byte("{}")}}},
		"OnlyQuota": {NoDefaults: true, Files: []policy.File{{"q.yaml", []byte(quotaDoc)}}},
		"Comments":  {NoDefaults: true, Files: []policy.File{{"a.cedar", []byte("// permit (principal, action, resource);")}}},
	} {
		t.Run(name, func(t *testing.T) {
			set, err := policy.Load(o)
			if !errors.Is(err, gate.ErrNoPolicies) || set != nil {
				t.Errorf("got %v, %v; want %v", set, err, gate.ErrNoPolicies)
			}
		})
	}
	set, err := policy.Load(policy.Options{NoDefaults: true, Files: []policy.File{{"r.rego", []byte(denyRule)}}})
	if err != nil {
		t.Fatal(err)
	}
	d := judge(t, set, policy.Run{}).Admit(context.Background(), service("web", `{}`))
	if d.Verdict != gate.NoOpinion || d.Allowed() {
		t.Errorf("rules alone permit nothing, got %s", d.Verdict)
	}
}

func judge(t testing.TB, set *policy.Set, run policy.Run) *policy.Judge {
	t.Helper()
	j, err := set.For(run)
	if err != nil {
		t.Fatal(err)
	}
	return j
}

// service returns a LatticeService media/name with a workload.
func service(name, workload string) facts.Object {
	return facts.Object{
		Ref: abi.Ref{APIVersion: "lattice.dev/v1alpha1", Kind: "LatticeService", Namespace: "media", Name: name},
		Document: fmt.Appendf(nil, `{"apiVersion":"lattice.dev/v1alpha1","kind":"LatticeService","metadata":{"name":%q,"namespace":"media"},`+
			`"spec":{"workload":%s}}`, name, workload),
	}
}

func load(t testing.TB, o policy.Options) *policy.Set {
	t.Helper()
	set, err := policy.Load(o)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// A quota denies the workload that asks for too much, and the one that finds too little left.
func TestQuota(t *testing.T) {
	set := load(t, policy.Options{Files: []policy.File{{"q.yaml", []byte(quotaDoc)}, {"n.yaml", []byte(strings.ReplaceAll(strings.ReplaceAll(
		quotaDoc, "Service::\"media/web\"", "User::\"ann\""), "name: media", "name: ann"))}}})
	owned := func(name, cpu string) facts.Object {
		o := service(name, `{"containers":{"main":{"resources":{"requests":{"cpu":"`+cpu+`","memory":"1Gi"}}}}}`)
		o.Document = []byte(strings.Replace(string(o.Document), `"namespace":"media"`, `"namespace":"media","annotations":{"lattice.dev/owner":"ann"}`, 1))
		return o
	}
	tests := map[string]struct {
		reason string
		doc    facts.Object
		peers  []facts.Object
		want   []string
	}{
		"Within": {"What fits is allowed.", owned("web", "2"), nil, nil},
		"Cap": {
			"One workload has a cap.", owned("web", "3"), nil,
			[]string{"cpu (3) exceeds per-workload cap (2)", "cpu (3) exceeds per-workload cap (2)"},
		},
		"Limit": {
			"All of a principal have a limit.", owned("web", "2"), []facts.Object{owned("a", "2"), owned("b", "1")},
			[]string{"cpu: 2 requested but only 1 remaining in quota"},
		},
		"Reached": {"What is just enough is allowed.", owned("web", "2"), []facts.Object{owned("a", "2")}, nil},
		"Others":  {"What is not the principal's does not count.", service("db", `{"containers":{"main":{"resources":{"requests":{"cpu":"9","memory":"1Gi"}}}}}`), nil, nil},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			d := judge(t, set, policy.Run{Documents: []facts.Object{tc.doc}, Peers: tc.peers}).Admit(context.Background(), tc.doc)
			var got []string
			for _, r := range d.Reasons {
				if r.Verdict != gate.Allow {
					got = append(got, r.Message)
				}
			}
			if diff := cmp.Diff(tc.want, got); diff != "" || d.Allowed() != (tc.want == nil) {
				t.Errorf("%s\n%s\n%s", tc.reason, d.Verdict, diff)
			}
		})
	}
}

const namespaceDoc = "apiVersion: v1\nkind: Namespace\nmetadata: {name: media, labels: {lattice.dev/group: tv}}\n"

// A quota of a group counts the namespaces that Namespace documents put into it, and warns without
// any.
func TestGroupQuota(t *testing.T) {
	group := strings.ReplaceAll(quotaDoc, `Service::"media/web"`, `Group::"tv"`)
	doc := service("web", `{"containers":{"main":{"resources":{"requests":{"cpu":"3","memory":"1Gi"}}}}}`)
	const empty = `q.yaml:1:1: LatticeQuota/media: limits a group in which no namespace is, so that it counts nothing; add the Namespace ` +
		`documents that have the label lattice.dev/group: tv to the policies`
	const unknown = "the namespace media is in no Namespace document among the policies, so that it counts against no quota of a group; " +
		"add one, with the label lattice.dev/group if it is in a group"
	for name, tc := range map[string]struct {
		namespaces string
		denied     bool
		want       []string
	}{
		"Known":   {namespaceDoc, true, nil},
		"Other":   {strings.ReplaceAll(namespaceDoc, "tv", "radio"), false, []string{empty}},
		"Unknown": {strings.ReplaceAll(namespaceDoc, "name: media", "name: shop"), false, []string{unknown}},
		"None":    {"", false, []string{empty, unknown}},
	} {
		t.Run(name, func(t *testing.T) {
			files := []policy.File{{"q.yaml", []byte(group)}}
			if tc.namespaces != "" {
				files = append(files, policy.File{Name: "n.yaml", Text: []byte(tc.namespaces)})
			}
			j := judge(t, load(t, policy.Options{Files: files}), policy.Run{Documents: []facts.Object{doc}})
			if diff := cmp.Diff(tc.want, j.Warnings()); diff != "" {
				t.Error(diff)
			}
			if d := j.Admit(context.Background(), doc); d.Allowed() == tc.denied {
				t.Errorf("got %s %v", d.Verdict, d.Reasons)
			}
		})
	}
	if j := judge(t, load(t, policy.Options{}), policy.Run{Documents: []facts.Object{doc}}); j.Warnings() != nil {
		t.Errorf("without a quota it warns of %v", j.Warnings())
	}
}

// What owners say among the policies decides, so that decisions name it.
func TestOwners(t *testing.T) {
	const owner = `apiVersion: lattice.dev/v1alpha1
kind: LatticeService
metadata: {name: store, namespace: media}
spec:
  workload:
    containers:
      main: {image: "registry.example.com/store:1", resources: {requests: {cpu: "1", memory: 1Gi}, limits: {cpu: "1", memory: 1Gi}}}
    resources: {films: {type: volume, id: films, params: {size: 1Ti, allowedConsumers: [web]}}}
`
	consumer := service("web", `{"resources":{"films":{"type":"volume","id":"films"}}}`)
	with := func(text string) *policy.Set {
		return load(t, policy.Options{Files: []policy.File{{Name: "store.yaml", Text: []byte(text)}}})
	}
	trusted, refused, without := with(owner), with(strings.Replace(owner, "[web]", "[]", 1)), load(t, policy.Options{})
	if trusted.Digest() == refused.Digest() || trusted.Digest() == without.Digest() {
		t.Error("the digest of the policies does not depend on what owners say among them")
	}
	forged := facts.Object{
		Ref: abi.Ref{APIVersion: "lattice.dev/v1alpha1", Kind: "LatticeService", Namespace: "media", Name: "store"}, Origin: gate.FromPolicies,
		Document: []byte(`{"spec":{"workload":{"resources":{"films":{"type":"volume","id":"films","params":{"size":"1Ti","allowedConsumers":["web"]}}}}}}`),
	}
	for name, tc := range map[string]struct {
		set  *policy.Set
		run  policy.Run
		want gate.Verdict
		from string
	}{
		"Recorded":      {trusted, policy.Run{}, gate.Allow, "policies"},
		"Outdone":       {refused, policy.Run{Documents: []facts.Object{forged}}, gate.Deny, ""},
		"InTheRun":      {without, policy.Run{Documents: []facts.Object{forged}}, gate.Allow, "run"},
		"With":          {without, policy.Run{Peers: []facts.Object{forged}}, gate.NoOpinion, "with"},
		"NobodyOwnsIt":  {without, policy.Run{}, gate.Deny, ""},
		"RecordAndWith": {trusted, policy.Run{Peers: []facts.Object{forged}}, gate.Allow, "policies"},
	} {
		t.Run(name, func(t *testing.T) {
			tc.run.Documents = append(tc.run.Documents, consumer)
			d := judge(t, tc.set, tc.run).Outputs(context.Background(), consumer, nil)
			if d.Verdict != tc.want || len(d.Reasons) != 1 || d.Reasons[0].Consent != tc.from {
				t.Errorf("got %s %+v, want %s by a document from %q", d.Verdict, d.Reasons, tc.want, tc.from)
			}
		})
	}
}

// What is denied consents to nothing for others, whatever was asked before.
func TestDeniedOwner(t *testing.T) {
	owner := service("store", `{"resources":{"films":{"type":"volume","id":"films","params":{"size":"1Ti","allowedConsumers":["web"]}}}}`)
	consumer := service("web", `{"resources":{"films":{"type":"volume","id":"films"}}}`)
	j := judge(t, load(t, policy.Options{}), policy.Run{Documents: []facts.Object{owner, consumer}})
	verdicts := func() []gate.Verdict {
		return []gate.Verdict{
			j.Outputs(t.Context(), consumer, nil).Verdict, j.Execute(t.Context(), consumer, nil, "directory", "d", -1).Verdict,
		}
	}
	if diff := cmp.Diff([]gate.Verdict{gate.Allow, gate.Allow}, verdicts()); diff != "" {
		t.Error(diff)
	}
	// The gate after the derivation has asked, and its questions are out of date now.
	j.Outputs(t.Context(), consumer, nil)
	if j.Deny() || j.Deny(consumer.Ref) {
		t.Error("it matters that a document is denied that owns nothing")
	}
	if !j.Deny(consumer.Ref, owner.Ref) {
		t.Error("it does not matter that an owner is denied")
	}
	if got := j.Execute(t.Context(), consumer, nil, "directory", "d", -1).Verdict; got != gate.NoOpinion {
		t.Errorf("got %s", got)
	}
	if diff := cmp.Diff([]gate.Verdict{gate.NoOpinion, gate.NoOpinion}, verdicts()); diff != "" {
		t.Error(diff)
	}
	if j.Deny(owner.Ref) {
		t.Error("it matters that an owner is denied again")
	}
}

// Anyone who leaves out the policies of the program has not left out their own quotas.
func TestQuotaWithoutDefaults(t *testing.T) {
	set := load(t, policy.Options{NoDefaults: true, Files: []policy.File{{"a.cedar", []byte(permitAdmit)}, {"q.yaml", []byte(quotaDoc)}}})
	doc := service("web", `{"containers":{"main":{"resources":{"requests":{"cpu":"3","memory":"1Gi"}}}}}`)
	d := judge(t, set, policy.Run{Documents: []facts.Object{doc}}).Admit(context.Background(), doc)
	if d.Allowed() || !strings.Contains(fmt.Sprint(d.Reasons), "exceeds per-workload cap") {
		t.Errorf("got %s %v", d.Verdict, d.Reasons)
	}
	if diff := cmp.Diff([]string{"a.cedar", "q.yaml", "builtin/quota.rego"}, set.Files); diff != "" {
		t.Error(diff)
	}
}

// Quotas decide, and so does who is in a group: the digest of the policies covers them, whatever
// files they are in.
func TestDigestOfQuotas(t *testing.T) {
	digest := func(files ...policy.File) string { return load(t, policy.Options{Files: files}).Digest() }
	q, n := policy.File{Name: "q.yaml", Text: []byte(quotaDoc)}, policy.File{Name: "n.yaml", Text: []byte(namespaceDoc)}
	other := policy.File{Name: "o.yaml", Text: []byte(strings.ReplaceAll(quotaDoc, "name: media", "name: other"))}
	want := digest(q, n, other)
	moved := policy.File{Name: "z.yaml", Text: []byte("# ours\n" + quotaDoc)}
	if got := digest(other, n, moved); got != want {
		t.Error("the same quotas in other files have another digest")
	}
	for name, got := range map[string]string{
		"one less": digest(q, n), "no namespaces": digest(q, other),
		"another limit": digest(policy.File{Name: "q.yaml", Text: []byte(strings.ReplaceAll(quotaDoc, `"4"`, `"5"`))}, n, other),
		"another group": digest(q, other, policy.File{Name: "n.yaml", Text: []byte(strings.ReplaceAll(namespaceDoc, "tv", "radio"))}),
	} {
		if got == want {
			t.Errorf("%s: the same digest", name)
		}
	}
	if digest() == digest(q) {
		t.Error("with a quota and without one: the same digest")
	}
}

// A CedarPolicy document that is wrong is left out alone; one that may forbid closes the door until
// it is put right.
func TestBrokenDocument(t *testing.T) {
	good := policy.File{Name: "good.yaml", Text: fmt.Appendf(nil, cedarDoc, "good", permitAdmit)}
	bad := func(effect string) policy.File {
		return policy.File{Name: "bad.yaml", Text: fmt.Appendf(nil, cedarDoc, "bad", `@id("x") `+effect+` (principal, action, resource) when { principal.nmae == 1 };`)}
	}
	for name, tc := range map[string]struct {
		file policy.File
		want gate.Verdict
	}{
		"Permit":     {bad("permit"), gate.Allow},
		"Forbid":     {bad("forbid"), gate.Error},
		"Unreadable": {policy.File{Name: "bad.yaml", Text: fmt.Appendf(nil, cedarDoc, "bad", `permit (`)}, gate.Error},
	} {
		t.Run(name, func(t *testing.T) {
			set := load(t, policy.Options{NoDefaults: true, Files: []policy.File{good, tc.file}})
			problems := set.Cedar.Problems()
			if len(problems) == 0 || !strings.HasPrefix(problems[0].Error(), "bad.yaml:") {
				t.Errorf("got the problems %v", problems)
			}
			if d := judge(t, set, policy.Run{}).Admit(context.Background(), service("web", `{}`)); d.Verdict != tc.want {
				t.Errorf("got %s, want %s: %v", d.Verdict, tc.want, d.Reasons)
			}
		})
	}
}

// What cannot be judged is denied, whatever policies say.
func TestCannotBeJudged(t *testing.T) {
	set := load(t, policy.Options{NoDefaults: true, Files: []policy.File{{"all.cedar", []byte(permitAdmit)}}})
	o := service("web", `{}`)
	o.Document = []byte(`{`)
	for name, d := range map[string]*gate.Decision{
		"Admit":   judge(t, set, policy.Run{}).Admit(context.Background(), o),
		"Outputs": judge(t, set, policy.Run{}).Outputs(context.Background(), service("web", `{}`), []facts.Object{o}),
		"Execute": judge(t, set, policy.Run{}).Execute(context.Background(), o, nil, "directory", "x", 0),
	} {
		if d.Verdict != gate.Deny && d.Verdict != gate.Error || !strings.Contains(fmt.Sprint(d.Reasons), "it cannot be judged: ") {
			t.Errorf("%s: got %s %v", name, d.Verdict, d.Reasons)
		}
	}
}

// Where something is wrong, it is not said that there is nothing.
func TestLoadWrongIsNotNothing(t *testing.T) {
	_, err := policy.Load(policy.Options{NoDefaults: true, Files: []policy.File{{"c.yaml", []byte("kind: Other\n")}}})
	if err == nil || errors.Is(err, gate.ErrNoPolicies) {
		t.Errorf("got %v", err)
	}
}

// What was judged after the derivation is known when it is to be applied; whatever differs from it
// is read again.
func TestExecuteAfterOutputs(t *testing.T) {
	deployment := func(name, pod string) facts.Object {
		return facts.Object{
			Ref: abi.Ref{APIVersion: "apps/v1", Kind: "Deployment", Namespace: "media", Name: name},
			Document: fmt.Appendf(nil, `{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"web","namespace":"media"},`+
				`"spec":{"template":{"spec":%s}}}`, pod),
		}
	}
	const (
		plain = `{"hostUsers":false,"containers":[]}`
		host  = `{"hostNetwork":true,"containers":[]}`
	)
	rule := policy.File{Name: "r.rego", Text: []byte("package lattice.execute\n\n" +
		"deny contains o.document.spec.template.spec.containers if some o in input.outputs\n")}
	for name, tc := range map[string]struct {
		reason        string
		files         []policy.File
		judged, apply facts.Object
		want          string
	}{
		"Same":      {"The questions are those from before.", nil, deployment("web", host), deployment("web", host), `SecurityOverride::"hostNetwork"`},
		"Swapped":   {"Other bytes raise other questions.", nil, deployment("web", plain), deployment("web", host), `SecurityOverride::"hostNetwork"`},
		"Reference": {"An object under another name is another one.", nil, deployment("web", plain), deployment("db", plain), `Kind::"apps/Deployment"`},
		"Broken":    {"What cannot be read any more is denied.", nil, deployment("web", plain), deployment("web", `{`), "it cannot be judged: "},
		"Rules":     {"Rules look at the outputs whatever was asked.", []policy.File{rule}, deployment("web", plain), deployment("web", plain), "deny"},
	} {
		t.Run(name, func(t *testing.T) {
			j := judge(t, load(t, policy.Options{Files: tc.files}), policy.Run{})
			j.Outputs(context.Background(), service("web", `{}`), []facts.Object{tc.judged})
			for _, when := range []string{"known", "forgotten"} {
				d := j.Execute(context.Background(), service("web", `{}`), []facts.Object{tc.apply}, "directory", "x", -1)
				if d.Allowed() || !strings.Contains(fmt.Sprint(d.Reasons), tc.want) {
					t.Errorf("%s %s: got %s %v", tc.reason, when, d.Verdict, d.Reasons)
				}
			}
		})
	}
}
