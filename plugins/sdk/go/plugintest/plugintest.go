// Package plugintest derives documents with a plugin in tests, natively and the way a host does it:
// through encoded messages, and again with the answers until the requirements settle. It refuses
// what a host refuses: every answer is held against package contract, and a case may give the
// plugin only what its manifest says that it takes.
//
// The package needs the standard library only. What reads YAML, and what reads documents as a host
// does, is given to it; see [Subject].
package plugintest

import (
	"bytes"
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/abi/cbor"
	"github.com/latticenet/lattice-host/abi/contract"
	"github.com/latticenet/lattice-host/abi/lattice"
	sdk "github.com/latticenet/lattice-host/plugins/sdk/go"
	"github.com/latticenet/lattice-host/plugins/sdk/go/hostcall"
)

// TrustDomain is the trust domain of every derivation without facts of its own.
const TrustDomain = "lattice.test.local"

// Subject is a plugin under test.
type Subject struct {
	Plugin *sdk.Plugin
	// Manifest is the file with the plugin's manifest, such as plugin.yaml.
	Manifest string
	// YAML turns YAML into JSON, such as YAMLToJSON of sigs.k8s.io/yaml. Nil takes JSON only.
	YAML func([]byte) ([]byte, error)
	// Documents turns a document into JSON, complete with defaults, or says why a host refuses it:
	// ToJSON of host/resource. Nil takes every document as it is, with YAML.
	Documents func([]byte) ([]byte, error)
}

// Case is one derivation. All documents are YAML, where the subject reads it.
type Case struct {
	// Document is what to derive from.
	Document string
	// Settings are the step's settings; empty for a step without settings.
	Settings string
	// Platform says where the outputs will run. Nil is a small platform whose trust domain is
	// [TrustDomain].
	Platform *abi.Platform
	// Outputs are documents that earlier steps emitted, of kinds that the manifest reads.
	Outputs []string
	// Context is what earlier steps left, by keys that the manifest consumes.
	Context cbor.Map[string]
	// Peers answer requirements.
	Peers []string
}

// Answer is what the plugin said in its last round.
type Answer struct {
	abi.Response
	t testing.TB
}

// Derive runs a case. It fails the test when a host would refuse the case or an answer, when the
// requirements do not settle, or when the same request gives other bytes.
func (s *Subject) Derive(t testing.TB, c Case) *Answer {
	t.Helper()
	m := s.manifest(t)
	req := s.request(t, m, &c)
	var previous []abi.Requirement
	for req.Round = 1; req.Round <= abi.MaxRounds; req.Round++ {
		answer := s.serve(t, m, req)
		if len(answer.Requirements) == 0 || contract.SameRequirements(answer.Requirements, previous) {
			return answer
		}
		previous, req.Answers = answer.Requirements, nil
		for _, q := range contract.SortedRequirements(previous) {
			req.Answers = append(req.Answers, abi.Answer{Name: q.Name, Resources: s.find(t, c.Peers, q)})
		}
	}
	t.Fatalf("the requirements do not settle in %d rounds", abi.MaxRounds)
	return nil
}

// Validate returns what the plugin says about settings.
func (s *Subject) Validate(t testing.TB, settings string) []abi.Result {
	t.Helper()
	req := abi.ValidateRequest{ABI: abi.Version, Settings: s.Encode(t, settings)}
	var answer abi.ValidateResponse
	if _, err := abi.Decode(s.Plugin.Serve(abi.OpValidate, req.AppendCBOR(nil)), abi.EncodingCBOR, abi.MaxResponseBytes, &answer); err != nil {
		t.Fatalf("the answer is malformed: %v", err)
	}
	for _, p := range contract.CheckResults(answer.Results) {
		t.Errorf("a host refuses the answer: %v", p.Error())
	}
	return answer.Results
}

func (s *Subject) manifest(t testing.TB) *abi.Manifest {
	t.Helper()
	data, err := os.ReadFile(s.Manifest)
	if err == nil {
		data, err = s.toJSON(data)
	}
	if err != nil {
		t.Fatalf("%s: %v", s.Manifest, err)
	}
	m, err := abi.ParseManifest(data)
	if err != nil {
		t.Fatalf("%s: %v", s.Manifest, err)
	}
	// The SDK speaks CBOR, whatever a manifest says.
	m.Encoding = abi.EncodingCBOR
	return m
}

// request puts together what a host would send.
func (s *Subject) request(t testing.TB, m *abi.Manifest, c *Case) *abi.Request {
	t.Helper()
	req := &abi.Request{ABI: abi.Version, Step: "test", Resource: s.document(t, c.Document)}
	req.Platform = abi.Platform{ClusterName: "test", Provider: "docker", TrustDomain: TrustDomain}
	if c.Platform != nil {
		req.Platform = *c.Platform
	}
	req.Platform = req.Platform.Only(m.Platform)
	kind := abi.RefOf(req.Resource).GroupKind()
	if !slices.ContainsFunc(m.Derives, func(d abi.Derives) bool { return d.Group == kind.Group && d.Kind == kind.Kind }) {
		t.Fatalf("no host gives the plugin a %s: the manifest does not have it in derives", kind)
	}
	if c.Settings != "" {
		if len(m.SettingsSchema) == 0 {
			t.Fatalf("no host gives the plugin settings: the manifest has no settingsSchema")
		}
		for _, r := range s.Validate(t, c.Settings) {
			if r.Severity == abi.SeverityError {
				t.Fatalf("the plugin refuses the settings: %s: %s", r.Field, r.Message)
			}
		}
		req.Settings = s.Encode(t, c.Settings)
	}
	for _, text := range c.Outputs {
		raw := s.Encode(t, text)
		o := abi.Output{Ref: abi.RefOf(raw), Document: raw}
		if !slices.Contains(m.Reads, o.Ref.GroupKind()) {
			t.Fatalf("no host shows the plugin %s: the manifest does not have the kind in reads", o.Ref)
		}
		req.Outputs = append(req.Outputs, o)
	}
	slices.SortFunc(req.Outputs, func(a, b abi.Output) int { return a.Ref.Compare(b.Ref) })
	for _, e := range c.Context {
		if !slices.Contains(m.ContextConsumed, e.Key) {
			t.Fatalf("no host shows the plugin the context %s: the manifest does not have it in contextConsumed", e.Key)
		}
		req.Context = append(req.Context, abi.ContextEntry{Key: e.Key, Value: s.Encode(t, e.Value)})
	}
	return req
}

func (s *Subject) serve(t testing.TB, m *abi.Manifest, req *abi.Request) *Answer {
	t.Helper()
	message := req.AppendCBOR(nil)
	limit := m.Limits.RequestBytes
	if limit <= 0 {
		limit = abi.DefaultRequestBytes
	}
	if int64(len(message)) > limit {
		t.Fatalf("no host sends the request: it has %d bytes, limits.requestBytes of the manifest allows %d", len(message), limit)
	}
	first, second := s.Plugin.Serve(abi.OpDerive, message), s.Plugin.Serve(abi.OpDerive, bytes.Clone(message))
	if !bytes.Equal(first, second) {
		t.Fatalf("the same request gave two responses")
	}
	response, unknown, problems := contract.Read(first, m)
	for i := range problems {
		t.Errorf("a host refuses the answer: %v", problems[i].Error())
	}
	if len(unknown) > 0 {
		t.Errorf("the answer has keys that ABI 1 does not have: %q", unknown)
	}
	if len(problems)+len(unknown) > 0 {
		t.FailNow()
	}
	return &Answer{*response, t}
}

// find returns the peers that a requirement asks for.
func (s *Subject) find(t testing.TB, peers []string, q abi.Requirement) []cbor.Raw {
	t.Helper()
	var found []cbor.Raw
	for _, text := range peers {
		raw := s.document(t, text)
		ref := abi.RefOf(raw)
		if ref.Kind == q.Kind && ref.APIVersion == q.APIVersion && (q.Namespace == "" || ref.Namespace == q.Namespace) &&
			(q.MatchName == "" || ref.Name == q.MatchName) && hasLabels(raw, q.MatchLabels) {
			found = append(found, raw)
		}
	}
	slices.SortStableFunc(found, func(a, b cbor.Raw) int {
		x, y := abi.RefOf(a), abi.RefOf(b)
		return strings.Compare(x.Namespace+"\x00"+x.Name, y.Namespace+"\x00"+y.Name)
	})
	return found
}

func hasLabels(document cbor.Raw, labels cbor.Map[string]) bool {
	for _, l := range labels {
		if !lattice.HasLabel(document, l.Key, l.Value) {
			return false
		}
	}
	return true
}

// Replay returns a host that answers from recorded calls: lines as derive --record writes them, of
// which op, request and answer count. Each answer is used once. A call that was not recorded, or
// that needs a capability which the manifest does not have, fails the test.
func (s *Subject) Replay(t testing.TB, record string) hostcall.Host {
	t.Helper()
	m := s.manifest(t)
	left := map[string][][]byte{}
	for line := range strings.Lines(record) {
		var l struct {
			Op              string
			Request, Answer json.RawMessage
		}
		if err := json.Unmarshal([]byte(line), &l); err != nil {
			t.Fatalf("%v in the record\n%s", err, line)
		}
		if l.Op == "" {
			// The first line names the form of the record.
			continue
		}
		key := l.Op + "\n" + string(fromJSON(t, l.Request))
		left[key] = append(left[key], fromJSON(t, l.Answer))
	}
	return hostcall.New(func(op abi.HostOp, request []byte) []byte {
		t.Helper()
		if !slices.ContainsFunc(m.Capabilities, func(c abi.Capability) bool { return c.Name == op.Capability() }) {
			t.Fatalf("a host denies %s: the manifest does not have the capability %s", op, op.Capability())
		}
		key := op.String() + "\n" + string(request)
		if len(left[key]) == 0 {
			text, _ := cbor.ToJSON(nil, request)
			t.Fatalf("the call %s %s is not in the record", op, text)
		}
		answer := left[key][0]
		left[key] = left[key][1:]
		return answer
	})
}

// document reads a document as a host does.
func (s *Subject) document(t testing.TB, text string) cbor.Raw {
	t.Helper()
	if s.Documents == nil {
		return s.Encode(t, text)
	}
	data, err := s.Documents([]byte(text))
	if err != nil {
		t.Fatalf("a host refuses the document: %v\n%s", err, text)
	}
	return fromJSON(t, data)
}

func (s *Subject) toJSON(text []byte) ([]byte, error) {
	if s.YAML == nil {
		return text, nil
	}
	return s.YAML(text)
}

// Encode turns YAML into CBOR.
func (s *Subject) Encode(t testing.TB, text string) cbor.Raw {
	t.Helper()
	data, err := s.toJSON([]byte(text))
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	return fromJSON(t, data)
}

func fromJSON(t testing.TB, data []byte) cbor.Raw {
	t.Helper()
	raw, err := cbor.FromJSON(nil, data, abi.MaxDepth)
	if err != nil {
		t.Fatalf("%v in\n%s", err, data)
	}
	return raw
}

// Canonical writes YAML as [Text] does, so that both can be compared.
func (s *Subject) Canonical(t testing.TB, text string) string {
	t.Helper()
	return Text(t, s.Encode(t, text))
}

// Text writes CBOR as indented JSON with sorted keys.
func Text(t testing.TB, raw cbor.Raw) string {
	t.Helper()
	data, err := cbor.ToJSON(nil, raw)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := json.Indent(&b, data, "", "  "); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// Output returns the output of a kind and name as [Text]; it fails the test when the answer lacks
// it.
func (a *Answer) Output(kind, name string) string {
	a.t.Helper()
	return Text(a.t, a.document(kind, name))
}

func (a *Answer) document(kind, name string) cbor.Raw {
	a.t.Helper()
	for _, o := range a.Outputs {
		if o.Ref.Kind == kind && o.Ref.Name == name {
			return o.Document
		}
	}
	a.t.Fatalf("the answer has no %s %s, but %v; results: %v", kind, name, a.Names(), a.Messages())
	return nil
}

// Spec returns the spec of an output as [Text].
func (a *Answer) Spec(kind, name string) string {
	a.t.Helper()
	return Text(a.t, cbor.Lookup(a.document(kind, name), "spec"))
}

// Names returns the kinds and names of the outputs, sorted.
func (a *Answer) Names() []string {
	var names []string
	for _, o := range a.Outputs {
		names = append(names, o.Ref.Kind+" "+o.Ref.Name)
	}
	slices.Sort(names)
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

// CheckServe fails the test when a plugin does not answer any message with a response.
func CheckServe(t testing.TB, p *sdk.Plugin, message []byte) {
	t.Helper()
	d := cbor.NewDecoder(p.Serve(abi.OpDerive, message))
	new(abi.Response).DecodeCBOR(d)
	if err := d.Finish(); err != nil {
		t.Errorf("the answer is malformed: %v", err)
	}
}
