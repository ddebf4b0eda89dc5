package contract_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/abi/cbor"
	"github.com/latticenet/lattice-host/abi/contract"
)

// vector is one file of testdata, see the package's comment.
type vector struct {
	Reason   string          `json:"reason"`
	Manifest json.RawMessage `json:"manifest"`
	Request  json.RawMessage `json:"request"`
	// Answer is the answer as JSON, Text one that is not JSON.
	Answer json.RawMessage `json:"answer,omitempty"`
	Text   string          `json:"text,omitempty"`
	CBOR   encoded         `json:"cbor"`
	// Verdict is absent in a file that is not complete.
	Verdict *verdict `json:"verdict"`
}

type encoded struct {
	Request string `json:"request"`
	Answer  string `json:"answer,omitempty"`
}

type verdict struct {
	Problems []contract.Problem `json:"problems"`
	Unknown  []string           `json:"unknown"`
}

func read(t *testing.T, file string) *vector {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	v := new(vector)
	if err := d.Decode(v); err != nil {
		t.Fatal(err)
	}
	return v
}

func (v *vector) write(t *testing.T, file string) {
	t.Helper()
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}

func fromJSON(t testing.TB, text []byte) cbor.Raw {
	t.Helper()
	raw, err := cbor.FromJSON(nil, text, abi.MaxDepth)
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	return raw
}

// judge returns the verdict about an answer.
func judge(data []byte, encoding abi.Encoding, m abi.Manifest) *verdict {
	m.Encoding = encoding
	_, unknown, problems := contract.Read(data, &m)
	v := &verdict{problems, unknown}
	// A file has lists, never null.
	v.Problems = append([]contract.Problem{}, v.Problems...)
	v.Unknown = append([]string{}, v.Unknown...)
	for i := range v.Problems {
		v.Problems[i].Object, v.Problems[i].Field = abi.Ref{}, ""
	}
	return v
}

// TestVectors holds the checker to every file of testdata, in both encodings.
func TestVectors(t *testing.T) {
	files, err := filepath.Glob("testdata/*.json")
	if err != nil || len(files) < 40 {
		t.Fatalf("got %d vectors, %v", len(files), err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".json")
		t.Run(name, func(t *testing.T) {
			v := read(t, file)
			manifest, err := abi.ParseManifest(v.Manifest)
			if err != nil {
				t.Fatal(err)
			}
			request := fromJSON(t, v.Request)
			if unknown, err := abi.Decode(request, abi.EncodingCBOR, abi.MaxRequestBytes, new(abi.Request)); err != nil || len(unknown) > 0 {
				t.Errorf("the request is not one: %v, %v", unknown, err)
			}
			got := encoded{Request: hex.EncodeToString(request), Answer: v.CBOR.Answer}
			var verdicts []*verdict
			switch {
			case v.Answer != nil:
				answer := fromJSON(t, v.Answer)
				got.Answer = hex.EncodeToString(answer)
				verdicts = append(verdicts, judge(v.Answer, abi.EncodingJSON, *manifest), judge(answer, abi.EncodingCBOR, *manifest))
			case v.Text != "":
				verdicts = append(verdicts, judge([]byte(v.Text), abi.EncodingJSON, *manifest))
			default:
				answer, err := hex.DecodeString(v.CBOR.Answer)
				if err != nil {
					t.Fatal(err)
				}
				verdicts = append(verdicts, judge(answer, abi.EncodingCBOR, *manifest))
			}
			for _, other := range verdicts[1:] {
				if diff := cmp.Diff(verdicts[0], other); diff != "" {
					t.Errorf("the encodings are judged differently:\n%s", diff)
				}
			}
			if os.Getenv("LATTICE_UPDATE") != "" {
				v.CBOR, v.Verdict = got, verdicts[0]
				v.write(t, file)
			}
			if diff := cmp.Diff(v.CBOR, got); diff != "" {
				t.Errorf("CBOR (-want +got)\n%s", diff)
			}
			if diff := cmp.Diff(v.Verdict, verdicts[0]); diff != "" {
				t.Errorf("%s (-want +got)\n%s", v.Reason, diff)
			}
			// A name says which rule the file shows, so that none can be changed into another
			// unnoticed.
			if honest := strings.HasPrefix(name, "honest-"); honest == (len(verdicts[0].Problems)+len(verdicts[0].Unknown) > 0) {
				t.Errorf("got %+v", verdicts[0])
			}
			for _, p := range verdicts[0].Problems {
				if name != "all-at-once" && !strings.HasPrefix(name, string(p.Code)) {
					t.Errorf("the file is named after another rule than %q", p.Code)
				}
			}
		})
	}
}

// TestLaw02_EveryRuleHasAVector finds a vector or a test of lists that are too long for each code.
func TestLaw02_EveryRuleHasAVector(t *testing.T) {
	source, err := os.ReadFile("contract.go")
	if err != nil {
		t.Fatal(err)
	}
	var codes []string
	for line := range strings.Lines(string(source)) {
		if before, value, found := strings.Cut(line, " Code = "); found && !strings.HasPrefix(before, "//") {
			code, err := strconv.Unquote(strings.TrimSpace(value))
			if err != nil {
				t.Fatal(err)
			}
			codes = append(codes, code)
		}
	}
	if len(codes) < 14 {
		t.Fatalf("got the codes %q", codes)
	}
	for _, code := range codes {
		files, _ := filepath.Glob("testdata/" + code + "*.json")
		// Files that large would not help: see TestLimits.
		if len(files) == 0 && code != string(contract.TooMany) && code != string(contract.TooLarge) {
			t.Errorf("no vector is named after %q", code)
		}
	}
}

func TestLimits(t *testing.T) {
	m := &abi.Manifest{
		Encoding: abi.EncodingJSON, Outputs: []abi.GroupKind{{Kind: "ConfigMap"}}, Contributes: []abi.GroupKind{{Kind: "Secret"}},
		Requires: []abi.GroupKind{{Kind: "Pod"}},
	}
	list := func(n int, item func(i string) string) string {
		items := make([]string, n)
		for i := range items {
			items[i] = item(strconv.Itoa(i))
		}
		return "[" + strings.Join(items, ",") + "]"
	}
	for field, tc := range map[string]struct {
		most int
		item func(i string) string
	}{
		"outputs": {abi.MaxOutputs, func(i string) string {
			return `{"ref":{"apiVersion":"v1","kind":"ConfigMap","name":"n` + i + `"},"document":{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"n` + i + `"}}}`
		}},
		"contributions": {abi.MaxOutputs, func(i string) string {
			return `{"ref":{"apiVersion":"v1","kind":"Secret","name":"n` + i + `"},"fields":{}}`
		}},
		"results":      {abi.MaxResults, func(string) string { return `{"severity":"info","message":"x"}` }},
		"requirements": {abi.MaxRequirements, func(i string) string { return `{"name":"n` + i + `","apiVersion":"v1","kind":"Pod"}` }},
	} {
		if _, _, problems := contract.Read([]byte(`{"`+field+`":`+list(tc.most, tc.item)+`}`), m); len(problems) > 0 {
			t.Errorf("%s: %d are refused: %+v", field, tc.most, problems[0])
		}
		_, _, problems := contract.Read([]byte(`{"`+field+`":`+list(tc.most+1, tc.item)+`}`), m)
		want := []contract.Problem{{
			Code: contract.TooMany, Path: field,
			Message: "has " + strconv.Itoa(tc.most+1) + " entries, the limit is " + strconv.Itoa(tc.most),
		}}
		if diff := cmp.Diff(want, problems); diff != "" {
			t.Error(diff)
		}
	}
	if _, _, problems := contract.Read(make([]byte, abi.MaxResponseBytes+1), m); len(problems) != 1 || problems[0].Code != contract.TooLarge {
		t.Errorf("a large answer: %+v", problems)
	}
	results := slices.Repeat([]abi.Result{{Severity: "fatal"}}, 100)
	if n := len(contract.CheckResults(results)); n != contract.MaxProblems {
		t.Errorf("got %d problems", n)
	}
	if problems := contract.CheckResults(make([]abi.Result, abi.MaxResults+1)); len(problems) != 1 || problems[0].Code != contract.TooMany {
		t.Errorf("too many results: %+v", problems)
	}
}

// TestCheckNeedsNoWellFormedDocument passes what Decode would have refused: it is a problem, not a
// panic.
func TestCheckNeedsNoWellFormedDocument(t *testing.T) {
	m := &abi.Manifest{Outputs: []abi.GroupKind{{Kind: "ConfigMap"}}}
	ref := abi.Ref{APIVersion: "v1", Kind: "ConfigMap", Name: "a"}
	for _, raw := range []cbor.Raw{nil, {0xa1, 0x61}, {0xa1}, {0xbf}, {0xff}, {0xa1, 0x61, 'a', 0x9b, 1, 2, 3}} {
		problems := contract.Check(&abi.Response{Outputs: []abi.Output{{Ref: ref, Document: raw}}}, m)
		if len(problems) != 1 || problems[0].Code != contract.NotAnObject || problems[0].Object != ref {
			t.Errorf("%x: got %+v", raw, problems)
		}
	}
}

func TestSameRequirements(t *testing.T) {
	a := abi.Requirement{Name: "a", APIVersion: "v1", Kind: "Pod", MatchLabels: cbor.Map[string]{{Key: "k", Value: "v"}}}
	b := abi.Requirement{Name: "b", APIVersion: "v1", Kind: "Pod"}
	if !contract.SameRequirements([]abi.Requirement{a, b}, []abi.Requirement{b, a}) {
		t.Error("the order matters")
	}
	for name, change := range map[string]func(*abi.Requirement){
		"name":        func(r *abi.Requirement) { r.Name = "c" },
		"apiVersion":  func(r *abi.Requirement) { r.APIVersion = "v2" },
		"kind":        func(r *abi.Requirement) { r.Kind = "Node" },
		"namespace":   func(r *abi.Requirement) { r.Namespace = "x" },
		"matchName":   func(r *abi.Requirement) { r.MatchName = "x" },
		"matchLabels": func(r *abi.Requirement) { r.MatchLabels = nil },
	} {
		other := a
		if change(&other); contract.SameRequirements([]abi.Requirement{a}, []abi.Requirement{other}) {
			t.Errorf("another %s is the same", name)
		}
	}
	if contract.SameRequirements([]abi.Requirement{a, b}, []abi.Requirement{a}) {
		t.Error("fewer are the same")
	}
}

// FuzzRead looks for answers that make a host panic, that are judged differently in their two
// encodings, or whose problems do not show as single lines.
func FuzzRead(f *testing.F) {
	files, err := filepath.Glob("testdata/*.json")
	if err != nil {
		f.Fatal(err)
	}
	var manifest *abi.Manifest
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		var v vector
		if err := json.Unmarshal(data, &v); err != nil {
			f.Fatal(err)
		}
		if manifest, err = abi.ParseManifest(v.Manifest); err != nil {
			f.Fatal(err)
		}
		f.Add([]byte(v.Answer))
		answer, err := hex.DecodeString(v.CBOR.Answer)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(answer)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, encoding := range []abi.Encoding{abi.EncodingCBOR, abi.EncodingJSON} {
			got := judge(data, encoding, *manifest)
			for _, p := range got.Problems {
				if p.Code == "" || p.Message == "" || strings.ContainsFunc(p.Error(), func(r rune) bool { return unicode.IsControl(r) }) {
					t.Errorf("%q is not a plain line with a code", p.Error())
				}
			}
			if encoding != abi.EncodingJSON {
				continue
			}
			raw, err := cbor.FromJSON(nil, data, abi.MaxDepth)
			if err != nil {
				continue
			}
			if diff := cmp.Diff(got, judge(raw, abi.EncodingCBOR, *manifest)); diff != "" {
				t.Errorf("the encodings are judged differently:\n%s", diff)
			}
		}
	})
}
