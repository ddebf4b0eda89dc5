package resource_test

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/abi/cbor"
	"github.com/latticenet/lattice-host/abi/lattice"
	"github.com/latticenet/lattice-host/host/resource"
	"github.com/latticenet/lattice-host/internal/problem"
)

const image = "ghcr.io/acme/app@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

// service is the least valid LatticeService, with what extra adds below spec.
func service(name, extra string) string {
	return `apiVersion: lattice.dev/v1alpha1
kind: LatticeService
metadata: {name: ` + name + `, labels: {app: ` + name + `}}
spec:
  workload:
    containers:
      main:
        image: ` + image + `
        resources: {requests: {cpu: 100m, memory: 64Mi}, limits: {cpu: 100m, memory: 64Mi}}
` + extra
}

func member(name string) string {
	return `{"apiVersion": "lattice.dev/v1alpha1", "kind": "LatticeMeshMember", "metadata": {"name": "` + name + `"}, "spec": {"target": {"namespace": "shop"}}}`
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestDecodeRefusesFiles(t *testing.T) {
	t.Parallel()
	deep := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
	bomb := "a: &a [x, x, x, x, x, x, x, x, x, x]\n"
	for c := 'b'; c <= 'h'; c++ {
		item := "*" + string(c-1)
		bomb += fmt.Sprintf("%c: &%c [%s]\n", c, c, strings.Repeat(item+", ", 9)+item)
	}
	for name, tc := range map[string]struct{ reason, data, want string }{
		"Empty":           {"an empty file is a mistake", "", "f: the file holds no document"},
		"Comments":        {"so is one with comments only", "# a\n---\n# b\n---\n", "f: the file holds no document"},
		"Blank":           {"so is one with white space only", " \n\t\n", "f: the file holds no document"},
		"EmptyList":       {"and an empty list", "[]", "f: the file holds no document"},
		"NUL":             {"NUL is not text", "a: b\nc: \x00", "f:2:4: the file holds a NUL byte; it must be text in UTF-8"},
		"UTF8":            {"the place of the first invalid byte is named", "a: ü\nb: é\xff", "f:2:5: the file is not valid UTF-8 here; save it as UTF-8"},
		"UTF16":           {"UTF-16 has NUL bytes", "a\x00:\x00", "f:1:2: the file holds a NUL byte; it must be text in UTF-8"},
		"TooLarge":        {"a file of 20 MB is not read on", strings.Repeat("#", 20<<20), "f: the file is larger than 8 MiB; split it into several files"},
		"Bomb":            {"aliases may not multiply", bomb, "f:5:36: the alias *d makes the file grow to more than 100000 values; use fewer aliases"},
		"SelfAlias":       {"an anchor cannot contain itself", "a: &a\n  b: *a\n", "f:2:6: the alias *a is inside its own anchor"},
		"SelfMerge":       {"a mapping cannot merge itself", "a: &a\n  <<: *a\n", "f:2:7: the alias *a is inside its own anchor"},
		"UnknownAlias":    {"an alias needs its anchor", "a: 1\nb: [1, *nope]\n", "f:2:8: the alias *nope has no anchor &nope in front of it"},
		"TwoMerges":       {"one merge key takes a list", "a: &a {x: 1}\nb:\n  <<: *a\n  <<: *a\n", "f:1:1: apiVersion: is missing; this installation reads LatticeJob, LatticeMeshMember, LatticeService and SecretProvider of lattice.dev/v1alpha1\nf:4:3: b.<<: duplicate key; give one merge key a list"},
		"DeepYAML":        {"nesting is bounded in YAML", "a: " + deep(64), "f:1:67: lists and mappings nest deeper than 64"},
		"DeepJSON":        {"and in JSON", deep(65), "f:1:65: lists and mappings nest deeper than 64"},
		"DeeperYAML":      {"the YAML library has a bound of its own", "a: " + deep(20_000), "f:1:1: the YAML is not well-formed: exceeded max depth of 10000"},
		"ValuesJSON":      {"the number of values is bounded", "[" + strings.Repeat("1,", 100_000) + "1]", "f:1:200000: the file holds more than 100000 values; split it into several files"},
		"ValuesYAML":      {"in YAML too", "a: [" + strings.Repeat("1,", 100_000) + "1]", "f:1:200001: the file holds more than 100000 values; split it into several files"},
		"Structure":       {"and before YAML is parsed", "a: [" + strings.Repeat(",", 1_000_000) + "1]", "f: the file holds more than 1000000 lines, commas, colons and brackets; split it into several files"},
		"DocumentsJSON":   {"the number of documents is bounded", "[" + strings.Repeat(member("a")+",", 1000) + member("a") + "]", "more than 1000 documents"},
		"DocumentsYAML":   {"in YAML too", strings.Repeat("--- a\n", 1001), "f:1001:5: the file holds more than 1000 documents; split it into several files"},
		"Tab":             {"a tab is named as such", "a:\n\tb: 1\n", "f:2:1: a tab cannot indent YAML; use spaces"},
		"Indent":          {"the line that does not fit is named", "a:\n  b:\n    c: 1\n   d: 2\n", "f:4:4: the line does not fit the ones above it; check its indentation, and the quotes and brackets before it"},
		"Dash":            {"in lists too", "a:\n  - b\n  c: 1\n", "f:3:3: the line does not fit the ones above it; check its indentation, and the quotes and brackets before it"},
		"OpenList":        {"an open list", "x: 1\na: [b, c\nd: 1\n", "f:2:1: a list that is open here needs a comma between its items and a ] at its end"},
		"OpenMapping":     {"an open mapping", "x: 1\na: {b: c\nd: 1\n", "f:2:1: a mapping that is open here needs a comma between its keys and a } at its end"},
		"OpenValue":       {"a value that is missing", "x: 1\na: [b, ,]\n", "f:2:1: a value is missing in the brackets that are open here"},
		"OpenQuote":       {"an open quote", "a: \"b\nc: 1\n", "f:2:1: the file ends inside quotes; a closing quote is missing"},
		"Colon":           {"a second colon", "x: 1\na: b: c\n", "f:2:1: there cannot be a colon here; check the indentation, or put the value in quotes"},
		"NoColon":         {"a key without colon", "a: 1\nb\nc: 2\n", "f:2:1: a key needs a colon and a space after it; check the line and the one above it"},
		"Reserved":        {"a reserved character", "a: 1\nb: @c\n", "f:2:1: a value begins with a character that YAML reserves; put the value in quotes"},
		"Template":        {"templates are not expanded", "a: {{ b }}\n", "f:1:5: a key cannot be a list or a mapping; a value that begins with { or [ needs quotes"},
		"Directive":       {"other messages of the library stay", "%YAML 3.0\n---\na\n", "found incompatible YAML document"},
		"JSONEnd":         {"an unfinished object", `{"a": `, "f:1:7: the document ends early"},
		"JSONComma":       {"a comma that is missing", `{"a": 1 "b": 2}`, "f:1:9: want a comma or }"},
		"JSONTrailing":    {"a comma too many", "[1,\n]", "f:2:1: a value cannot begin with ']'"},
		"JSONKey":         {"a key without quotes", `{"a": 1, b: 2}`, "f:1:10: want a key in double quotes"},
		"FlowMapping":     {"plain keys in braces are YAML", `{a: 1}`, "f:1:1: apiVersion: is missing; this installation reads LatticeJob, LatticeMeshMember, LatticeService and SecretProvider of lattice.dev/v1alpha1"},
		"JSONColon":       {"a colon that is missing", `{"a" 1}`, "f:1:6: want a colon after the key"},
		"JSONNumber":      {"numbers follow the grammar", `[01]`, "f:1:4: the number is not well-formed"},
		"JSONFraction":    {"numbers follow the grammar", `[1.]`, "f:1:4: the number is not well-formed"},
		"JSONExponent":    {"numbers follow the grammar", `[1e+]`, "f:1:5: the number is not well-formed"},
		"JSONMinus":       {"numbers follow the grammar", `[-]`, "f:1:3: the number is not well-formed"},
		"JSONLiteral":     {"literals are exact", `[nul]`, "f:1:2: invalid value; did you mean null?"},
		"JSONValue":       {"a value that begins like none", `[é]`, "f:1:2: a value cannot begin with 'é'"},
		"JSONEscape":      {"escapes are exact", `["a\x"]`, "f:1:4: the escape begins like none that JSON has; write \\\\ for a backslash"},
		"JSONHex":         {"escapes are exact", `["\u12g4"]`, "f:1:3: the escape \\u needs four hexadecimal digits"},
		"JSONSurrogate":   {"half a character is not text", `["\ud83d"]`, "f:1:3: the escape is half of a surrogate pair, which is not text"},
		"JSONLow":         {"nor is the other half", `["\ude00\ud83d"]`, "f:1:3: the escape is half of a surrogate pair, which is not text"},
		"JSONControl":     {"control characters are escaped", "[\"a\nb\"]", "f:1:4: a line break, tab or other control character in text must be escaped, such as \\n"},
		"JSONQuote":       {"text must end", `["a`, "f:1:4: the document ends inside text; a double quote is missing"},
		"JSONBackslash":   {"even with a backslash", `["a\`, "f:1:5: the document ends inside text; a double quote is missing"},
		"JSONTwo":         {"several documents go into a list", `{} {}`, "f:1:4: text follows the end of the document; several documents in JSON go into one list"},
		"JSONItem":        {"every item of the list is a document", `[null, 1]`, "f:1:2: want a mapping with apiVersion, kind, metadata and spec, got nothing\nf:1:8: want a mapping with apiVersion, kind, metadata and spec, got the number 1"},
		"KeyTooLong":      {"keys are bounded", `{"` + strings.Repeat("k", 4097) + `": 1}`, "the key is longer than 4096 bytes"},
		"BeforeTheFault":  {"the part before a broken document is checked all the same", "a: 1\n---\nb: [\n", "f:1:1: apiVersion: is missing"},
		"ManyProblems":    {"problems are bounded", service("web", manyUnknown()), "there are more problems than the 1000 that are shown; correct these first"},
		"NamedTwiceInOne": {"one name, one document", service("web", "") + "---\n" + service("web", ""), "f:13:18: LatticeService default/web: metadata.name: the document is a duplicate, the first is at f:3:18; rename or remove one"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			docs, err := resource.Decode("f", []byte(tc.data), resource.Options{})
			if !errors.Is(err, problem.Invalid) || docs != nil {
				t.Fatalf("%s: Decode(...) = %v, %v, want problem.Invalid and no documents", tc.reason, docs, err)
			}
			if got := errorText(err); !strings.Contains(got, tc.want) {
				t.Errorf("%s:\n got %s\nwant %s", tc.reason, got, tc.want)
			}
		})
	}
}

func manyUnknown() string {
	var b strings.Builder
	for i := range 1500 {
		fmt.Fprintf(&b, "  x%d: 1\n", i)
	}
	return b.String()
}

func TestDecodeAccepts(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		reason, data string
		want         []string
	}{
		"ByteOrderMark": {"a byte order mark is skipped", "\ufeff" + member("a"), []string{"a"}},
		"YAMLMark":      {"in YAML too", "\ufeff" + service("a", ""), []string{"a"}},
		"EmptyBetween":  {"empty documents are skipped", "---\n---\n" + service("a", "") + "---\n# x\n---\nnull\n---\n" + service("b", "") + "...\n", []string{"a", "b"}},
		"CRLF":          {"line ends of Windows", strings.ReplaceAll(service("a", ""), "\n", "\r\n"), []string{"a"}},
		"Replicas":      {"hexadecimal and octal integers in YAML", service("a", "  replicas: 0x10\n"), []string{"a"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			docs, err := resource.Decode("f", []byte(tc.data), resource.Options{})
			if err != nil {
				t.Fatalf("%s: %v", tc.reason, err)
			}
			var got []string
			for _, d := range docs {
				got = append(got, d.Ref.Name)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", tc.reason, diff)
			}
		})
	}
}

func TestDocument(t *testing.T) {
	t.Parallel()
	docs, err := resource.Decode("web.yaml", []byte(service("web", "")), resource.Options{})
	if err != nil {
		t.Fatal(err)
	}
	d := docs[0]
	want := abi.Ref{APIVersion: lattice.APIVersion, Kind: lattice.KindService, Namespace: "default", Name: "web"}
	if diff := cmp.Diff(want, d.Ref); diff != "" {
		t.Errorf("Ref (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(cbor.Map[string]{{Key: "app", Value: "web"}}, d.Labels()); diff != "" {
		t.Errorf("Labels() (-want +got):\n%s", diff)
	}
	if err := cbor.Validate(d.CBOR(), abi.MaxDepth); err != nil {
		t.Errorf("CBOR(): %v", err)
	}
}

func TestPosition(t *testing.T) {
	t.Parallel()
	docs, err := resource.Decode("web.yaml", []byte(service("web", `        files:
          /etc/a.b/c.d: {content: x}
        command:
          - /bin/sh
          - -c
`)), resource.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for field, want := range map[string]string{
		"":                                      "web.yaml:1:1",
		"kind":                                  "web.yaml:2:7",
		"metadata.name":                         "web.yaml:3:18",
		"metadata.namespace":                    "web.yaml:3:1",
		"spec.replicas":                         "web.yaml:4:1",
		"spec.workload":                         "web.yaml:5:3",
		"spec.workload.containers.main":         "web.yaml:7:7",
		"spec.workload.containers.main.image":   "web.yaml:8:16",
		"spec.workload.containers.main.image.x": "web.yaml:8:16",
		"spec.workload.containers.main.files./etc/a.b/c.d":         "web.yaml:11:11",
		"spec.workload.containers.main.files./etc/a.b/c.d.content": "web.yaml:11:35",
		"spec.workload.containers.main.files./etc/a.b":             "web.yaml:10:9",
		"spec.workload.containers.main.command.1":                  "web.yaml:14:13",
		"spec.workload.containers.main.command.2":                  "web.yaml:12:9",
		"spec.workload.containers.main.command.-1":                 "web.yaml:12:9",
		"nothing.of.this": "web.yaml:1:1",
	} {
		if got := docs[0].Position(field).String(); got != want {
			t.Errorf("Position(%q) = %s, want %s", field, got, want)
		}
	}
}

func TestLargeMapping(t *testing.T) {
	t.Parallel()
	variables := "        variables:\n"
	for i := range 40 {
		variables += fmt.Sprintf("          V%d: x\n", i)
	}
	docs, err := resource.Decode("f", []byte(service("web", variables)), resource.Options{})
	if err != nil {
		t.Fatal(err)
	}
	const first = 11
	for i := range 40 {
		field := fmt.Sprintf("spec.workload.containers.main.variables.V%d", i)
		if got := docs[0].Position(field).Line; got != first+i {
			t.Errorf("Position(%s) is in line %d, want %d", field, got, first+i)
		}
	}
	_, err = resource.Decode("f", []byte(service("web", variables+"          V30: y\n")), resource.Options{})
	want := "f:51:11: LatticeService default/web: spec.workload.containers.main.variables.V30: duplicate key, first on line 41; remove one"
	if got := errorText(err); got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
}

func TestFromDerived(t *testing.T) {
	t.Parallel()
	encode := func(text string) cbor.Raw {
		data, err := cbor.FromJSON(nil, []byte(text), abi.MaxDepth)
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	withResource := func(r string) string {
		return `{"apiVersion":"lattice.dev/v1alpha1","kind":"LatticeService","metadata":{"name":"web","namespace":"shop"},"spec":{"workload":{"containers":{"main":{"image":"` + image + `","resources":{"limits":{"cpu":"1","memory":"1Gi"},"requests":{"cpu":"1","memory":"1Gi"}}}},"resources":{"r":` + r + `}}}}`
	}
	for name, tc := range map[string]struct {
		reason string
		doc    cbor.Raw
		want   string
	}{
		"Good":       {"a member gets its defaults", encode(member("web")), ""},
		"Custom":     {"free parameters stand under custom", encode(withResource(`{"type":"topic","params":{"custom":{"a":1}}}`)), ""},
		"Unwrapped":  {"and nowhere else", encode(withResource(`{"type":"topic","params":{"a":1}}`)), "LatticeService shop/web: spec.workload.resources.r.params.a: is not a known field; remove it"},
		"Known":      {"known types have none", encode(withResource(`{"type":"service","params":{"custom":{}}}`)), "LatticeService shop/web: spec.workload.resources.r.params.custom: resources of type service have no parameters; remove it"},
		"Malformed":  {"bytes that are not a message", cbor.Raw{0xff}, "the derived document is malformed: "},
		"Empty":      {"nothing", nil, "the derived document is malformed: "},
		"NoObject":   {"no object", encode(`[1]`), "want a mapping with apiVersion, kind, metadata and spec, got a list"},
		"Unknown":    {"unknown fields", encode(`{"apiVersion":"lattice.dev/v1alpha1","kind":"LatticeMeshMember","metadata":{"name":"web"},"spec":{"target":{"namespace":"shop"},"port":[]}}`), "LatticeMeshMember default/web: spec.port: is not a known field; did you mean ports?"},
		"Invalid":    {"invalid values", encode(`{"apiVersion":"lattice.dev/v1alpha1","kind":"LatticeMeshMember","metadata":{"name":"web"},"spec":{"target":{}}}`), "LatticeMeshMember default/web: spec.target: must have exactly one of selector, with at least one label, and namespace"},
		"OtherKinds": {"other kinds", encode(`{"apiVersion":"v1","kind":"Service"}`), `Service: apiVersion: the string "v1" is not known; this installation reads LatticeJob, LatticeMeshMember, LatticeService and SecretProvider of lattice.dev/v1alpha1`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, err := resource.FromDerived(tc.doc, resource.Options{})
			if got := errorText(err); !strings.HasPrefix(got, tc.want) || (tc.want == "") != (got == "") {
				t.Fatalf("%s:\n got %s\nwant %s", tc.reason, got, tc.want)
			}
			if err != nil {
				if !errors.Is(err, problem.Invalid) || d != nil {
					t.Errorf("%s: want problem.Invalid and no document", tc.reason)
				}
				return
			}
			if got := d.Position("spec"); got != (problem.Position{}) {
				t.Errorf("%s: Position(spec) = %v, want none", tc.reason, got)
			}
		})
	}
}

// TestDefaultsOfManyTasks bounds what defaults and tasks are together.
func TestDefaultsOfManyTasks(t *testing.T) {
	t.Parallel()
	var text strings.Builder
	text.WriteString("apiVersion: lattice.dev/v1alpha1\nkind: LatticeJob\nmetadata: {name: a}\nspec:\n  defaults: {tolerations: [" +
		strings.Repeat("{key: a}, ", 10) + "]}\n  tasks:\n")
	for i := range 20_000 {
		text.WriteString("    t" + strconv.Itoa(i) + ": {}\n")
	}
	_, err := resource.Decode("f", []byte(text.String()), resource.Options{})
	if want := "f:5:3: LatticeJob default/a: spec.defaults: are too large to be merged under each of the tasks"; err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("got %v, want %s", err, want)
	}
}
