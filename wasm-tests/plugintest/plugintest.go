// Package plugintest derives documents with a plugin in tests, natively and the way a host does it: through encoded
// messages, and again with the answers until the requirements settle.
package plugintest

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/abi/cbor"
	sdk "github.com/latticenet/lattice-host/plugins/sdk/go"
)

// TrustDomain is the trust domain of every derivation.
const TrustDomain = "lattice.test.local"

// Case is one derivation. All documents are YAML.
type Case struct {
	// Document is what to derive from.
	Document string
	// Peers answer requirements.
	Peers []string
	// Context is what earlier steps left, by key.
	Context cbor.Map[string]
}

// Answer is what the plugin said in its last round.
type Answer struct {
	abi.Response
	t *testing.T
}

// Derive runs a case. It fails the test when the requirements do not settle, or when the same request gives other bytes.
func Derive(t *testing.T, p *sdk.Plugin, c Case) *Answer {
	t.Helper()
	req := abi.Request{ABI: abi.Version, Step: "test", Resource: Encode(t, c.Document)}
	req.Platform = abi.Platform{ClusterName: "test", Provider: "docker", TrustDomain: TrustDomain}
	for _, e := range c.Context {
		req.Context = append(req.Context, abi.ContextEntry{Key: e.Key, Value: Encode(t, e.Value)})
	}
	var previous []byte
	for req.Round = 1; req.Round <= abi.MaxRounds; req.Round++ {
		answer := serve(t, p, &req)
		requirements := (&abi.Response{Requirements: answer.Requirements}).AppendCBOR(nil)
		if len(answer.Requirements) == 0 || bytes.Equal(requirements, previous) {
			return answer
		}
		previous, req.Answers = requirements, nil
		for _, q := range answer.Requirements {
			req.Answers = append(req.Answers, abi.Answer{Name: q.Name, Resources: find(t, c.Peers, q)})
		}
	}
	t.Fatal("the requirements do not settle")
	return nil
}

func serve(t *testing.T, p *sdk.Plugin, req *abi.Request) *Answer {
	t.Helper()
	message := req.AppendCBOR(nil)
	first, second := p.Serve(abi.OpDerive, message), p.Serve(abi.OpDerive, bytes.Clone(message))
	if !bytes.Equal(first, second) {
		t.Fatal("the same request gave two responses")
	}
	answer := &Answer{t: t}
	d := cbor.NewDecoder(first)
	answer.DecodeCBOR(d)
	if err := d.Finish(); err != nil {
		t.Fatalf("the response is malformed: %v", err)
	}
	return answer
}

// find returns the peers that a requirement asks for.
func find(t *testing.T, peers []string, q abi.Requirement) []cbor.Raw {
	t.Helper()
	var found []cbor.Raw
	for _, text := range peers {
		raw := Encode(t, text)
		v := sdk.Value(raw)
		meta := v.Get("metadata")
		if v.Get("kind").String() == q.Kind && v.Get("apiVersion").String() == q.APIVersion &&
			(q.Namespace == "" || meta.Get("namespace").String() == q.Namespace) &&
			(q.MatchName == "" || meta.Get("name").String() == q.MatchName) {
			found = append(found, raw)
		}
	}
	return found
}

// Encode turns YAML into CBOR.
func Encode(t *testing.T, text string) cbor.Raw {
	t.Helper()
	data, err := yaml.YAMLToJSON([]byte(text))
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	raw, err := cbor.FromJSON(nil, data, abi.MaxDepth)
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	return raw
}

// YAML turns CBOR into YAML with sorted keys.
func YAML(t *testing.T, raw cbor.Raw) string {
	t.Helper()
	data, err := cbor.ToJSON(nil, raw)
	if err != nil {
		t.Fatal(err)
	}
	text, err := yaml.JSONToYAML(data)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// Canonical writes YAML as [YAML] does, so that both can be compared.
func Canonical(t *testing.T, text string) string {
	t.Helper()
	return YAML(t, Encode(t, text))
}

// Output returns the output of a kind and name as YAML; it fails the test when there is none.
func (a *Answer) Output(kind, name string) string {
	a.t.Helper()
	for _, o := range a.Outputs {
		if o.Ref.Kind == kind && o.Ref.Name == name {
			return YAML(a.t, o.Document)
		}
	}
	a.t.Fatalf("there is no %s %s, but %v; results: %v", kind, name, a.Names(), a.Messages())
	return ""
}

// Spec returns the spec of an output as YAML.
func (a *Answer) Spec(kind, name string) string {
	a.t.Helper()
	return YAML(a.t, cbor.Raw(sdk.Value(Encode(a.t, a.Output(kind, name))).Get("spec")))
}

// Names returns the kinds and names of the outputs, sorted. It fails the test when two are the same, or when one does
// not say of itself what its reference says.
func (a *Answer) Names() []string {
	a.t.Helper()
	var names []string
	for _, o := range a.Outputs {
		v := sdk.Value(o.Document)
		self := abi.Ref{
			APIVersion: v.Get("apiVersion").String(), Kind: v.Get("kind").String(),
			Namespace: v.Get("metadata").Get("namespace").String(), Name: v.Get("metadata").Get("name").String(),
		}
		if self != o.Ref {
			a.t.Errorf("the document %v is referred to as %v", self, o.Ref)
		}
		names = append(names, o.Ref.Kind+" "+o.Ref.Name)
	}
	slices.Sort(names)
	if len(slices.Compact(slices.Clone(names))) != len(names) {
		a.t.Errorf("an output is there twice: %v", names)
	}
	return names
}

// Messages returns the results, each as "severity field: message".
func (a *Answer) Messages() []string {
	var messages []string
	for _, r := range a.Results {
		messages = append(messages, string(r.Severity)+" "+strings.TrimPrefix(r.Field+": ", ": ")+r.Message)
	}
	return messages
}

// Seeds returns messages to fuzz a plugin with.
func Seeds() [][]byte {
	var seeds [][]byte
	for _, document := range []string{
		`{"apiVersion":"lattice.dev/v1alpha1","kind":"LatticeMeshMember","metadata":{"name":"a","namespace":"b"},` +
			`"spec":{"target":{"selector":{"x":"y"}},"ports":[{"name":"p","port":1,"peerAuth":"Webhook"}],` +
			`"egress":[{"target":{"cidr":"192.0.2.0/24"},"ports":[443]},{"target":{"fqdn":"*.example.com"},"ports":[53],"protocol":"UDP"}],` +
			`"dependencies":[{"name":"c"}],"advertise":{"allowedServices":["d/e"]}}}`,
		`{"apiVersion":"lattice.dev/v1alpha1","kind":"LatticeService","metadata":{"name":"a","namespace":"b"},` +
			`"spec":{"workload":{"containers":{},"resources":{"c":{"type":"external-service","params":{"endpoints":{"d":"udp://[::1]:53"}}}}}}}`,
	} {
		raw, _ := cbor.FromJSON(nil, []byte(document), abi.MaxDepth)
		req := abi.Request{ABI: abi.Version, Step: "test", Round: 1, Resource: raw, Answers: []abi.Answer{
			{Name: "service c"}, {Name: "member b/c"}, {Name: "service b/c", Resources: []cbor.Raw{raw}},
		}}
		seeds = append(seeds, req.AppendCBOR(nil))
	}
	return seeds
}

// CheckServe fails the test when a plugin does not answer a message with a response.
func CheckServe(t *testing.T, p *sdk.Plugin, message []byte) {
	t.Helper()
	d := cbor.NewDecoder(p.Serve(abi.OpDerive, message))
	new(abi.Response).DecodeCBOR(d)
	if err := d.Finish(); err != nil {
		t.Errorf("the answer is malformed: %v", err)
	}
}
