package hostcall

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/abi/cbor"
)

func raw(t testing.TB, json string) cbor.Raw {
	t.Helper()
	data, err := cbor.FromJSON(nil, []byte(json), abi.MaxDepth)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

var errChanged = errors.New("changed")

// memoryStore keeps stores in memory.
type memoryStore struct {
	mu      sync.Mutex
	entries map[string]cbor.Map[cbor.Raw]
	writes  int
	err     error
}

func (m *memoryStore) Read(plugin string) (cbor.Map[cbor.Raw], string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.entries[plugin]), fmt.Sprint(m.writes), m.err
}

func (m *memoryStore) Write(plugin, version string, changes cbor.Map[cbor.Raw]) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if version != fmt.Sprint(m.writes) {
		return errChanged
	}
	m.writes++
	entries := m.entries[plugin]
	for _, c := range changes {
		entries.Set(c.Key, c.Value)
	}
	m.entries[plugin] = slices.DeleteFunc(entries, func(e cbor.Entry[cbor.Raw]) bool { return len(e.Value) == 0 })
	return nil
}

func newStore() *memoryStore { return &memoryStore{entries: map[string]cbor.Map[cbor.Raw]{}} }

// web answers with the URL and how often it was asked, and redirects to what follows "to=".
type web struct{ asked int }

func (w *web) Get(ctx context.Context, r *abi.HTTPGetRequest, admit func(context.Context, *url.URL) error) (*abi.HTTPGetAnswer, error) {
	w.asked++
	u, err := url.Parse(r.URL)
	if err != nil {
		return nil, err
	}
	if err := admit(ctx, u); err != nil {
		return nil, err
	}
	if to := u.Query().Get("to"); to != "" {
		next, err := url.Parse(to)
		if err != nil {
			// A server that redirects to nonsense does not end the guest.
			return nil, &abi.HostError{Code: abi.HostErrorUnavailable, Message: "it redirects to no URL"}
		}
		if err := admit(ctx, next); err != nil {
			return nil, err
		}
	}
	return &abi.HTTPGetAnswer{Status: 200, Text: fmt.Sprint(r.URL, " ", w.asked)}, ctx.Err()
}

func allNames(string, string) []string {
	return []string{abi.CapabilityHTTPGet, abi.CapabilityKV, abi.CapabilityResourcesRead}
}

func fullManifest() *abi.Manifest {
	return &abi.Manifest{Publisher: "acme", Name: "web", Version: "1.0.0", Capabilities: []abi.Capability{
		{Name: abi.CapabilityHTTPGet, Hosts: []string{"example.com", "example.com:8443"}}, {Name: abi.CapabilityKV},
		{Name: abi.CapabilityResourcesRead, Kinds: []abi.GroupKind{{Group: "lattice.dev", Kind: "LatticeService"}}},
	}}
}

func document(name string) abi.Ref {
	return abi.Ref{APIVersion: "lattice.dev/v1alpha1", Kind: "LatticeService", Namespace: "shop", Name: name}
}

// begin returns a step of a run.
func begin(r *Run, doc, step string) (*Derivation, *Step) {
	d := r.Begin(document(doc), func(_ context.Context, _ string, q abi.Requirement) ([]cbor.Raw, error) {
		return []cbor.Raw{cbor.AppendString(nil, q.Kind+" "+q.MatchName)}, nil
	})
	return d, d.Step(StepID{Resource: document(doc), Pipeline: "p", Name: step}, fullManifest(), "sha256:"+strings.Repeat("0", 64))
}

// ask makes a call with a JSON request and returns the JSON answer.
func ask(t *testing.T, c Caller, op abi.HostOp, request string) string {
	t.Helper()
	answer, err := Serve(With(t.Context(), c), uint32(op), []byte(request), abi.EncodingJSON)
	if err != nil {
		t.Fatal(err)
	}
	return string(answer)
}

func wantAnswers(t *testing.T, c Caller, want ...string) {
	t.Helper()
	for i := 0; i < len(want); i += 2 {
		name, request, _ := strings.Cut(want[i], " ")
		op, ok := abi.ParseHostOp(name)
		if !ok {
			t.Fatalf("%s is not an operation", name)
		}
		if got := ask(t, c, op, request); got != want[i+1] {
			t.Errorf("%s:\n got %s\nwant %s", want[i], got, want[i+1])
		}
	}
}

func denial(message string) string { return `{"error":{"code":"denied","message":"` + message + `"}}` }

const (
	getA  = `kv.get {"key":"a"}`
	fetch = `http.get {"url":"https://example.com/"}`
	read  = `resources.read {"apiVersion":"lattice.dev/v1alpha1","kind":"LatticeService","matchName":"x"}`
)

// Each capability is denied when it was not asked for, when it was not granted, and when the policy
// says so.
func TestRow60_Denied(t *testing.T) {
	t.Parallel()
	config := Config{Granted: allNames, Store: newStore(), HTTP: new(web)}
	for op, call := range map[string]string{abi.CapabilityKV: getA, abi.CapabilityHTTPGet: fetch, abi.CapabilityResourcesRead: read} {
		notAsked := *fullManifest()
		notAsked.Capabilities = slices.DeleteFunc(slices.Clone(notAsked.Capabilities), func(c abi.Capability) bool { return c.Name == op })
		d := NewRun(config).Begin(document("a"), nil)
		wantAnswers(t, d.Step(StepID{}, &notAsked, ""), call, denial("the manifest does not ask for the capability "+op))

		others := config
		others.Granted = func(plugin, digest string) []string {
			if plugin != "acme/web" || !strings.HasPrefix(digest, "sha256:") {
				t.Errorf("asked for the grants of %s, %s", plugin, digest)
			}
			return slices.DeleteFunc(allNames("", ""), func(n string) bool { return n == op })
		}
		_, s := begin(NewRun(others), "a", "s")
		wantAnswers(t, s, call, denial("the operator did not grant the capability "+op))
		others.Granted = nil
		_, s = begin(NewRun(others), "a", "s")
		wantAnswers(t, s, call, denial("the operator did not grant the capability "+op))

		judged := config
		judged.Authorize = policy(func(u Use) error {
			if u.Capability != op || u.Plugin != "acme/web@1.0.0" || u.Document != document("a") || u.Step != "s" || u.Pipeline != "p" {
				t.Errorf("asked about %+v", u)
			}
			return errors.New("the policy engine is broken")
		})
		_, s = begin(NewRun(judged), "a", "s")
		wantAnswers(t, s, call, denial("a policy does not allow "+strings.Fields(call)[0]))

		judged.Authorize = policy(func(Use) error { return nil })
		_, s = begin(NewRun(judged), "a", "s")
		name, request, _ := strings.Cut(call, " ")
		parsed, _ := abi.ParseHostOp(name)
		if got := ask(t, s, parsed, request); strings.Contains(got, "denied") {
			t.Errorf("%s was answered %s", call, got)
		}
	}
	var none *Run
	if d := none.Begin(document("a"), nil); d.Err() != nil || d.Step(StepID{}, fullManifest(), "") != nil {
		t.Error("no run answers host calls")
	}
	wantAnswers(t, nil, getA, denial("host calls can be made in a derivation only"))
}

type policy func(Use) error

func (p policy) Authorize(_ context.Context, u Use) error { return p(u) }

func TestURLs(t *testing.T) {
	t.Parallel()
	w := new(web)
	_, s := begin(NewRun(Config{Granted: allNames, HTTP: w}), "a", "s")
	for _, address := range []string{
		"http://example.com/", "ftp://example.com/", "file:///etc/passwd", "gopher://example.com/", "//example.com/", "example.com",
		"https:example.com", "https://", "https:///path", "https://user@example.com/", "https://user:pass@example.com/",
		"https://example.com@127.0.0.1/", "https://127.0.0.1/", "https://127.1/", "https://0x7f.1/", "https://2130706433/",
		"https://[::1]/", "https://[::ffff:127.0.0.1]/", "https://localhost/", "https://example.com.", "https://example.com./",
		"https://sub.example.com/", "https://example.com.evil.org/", "https://evilexample.com/", "https://example.com:80/",
		"https://example.com:8444/", "https://example.com:99999/", "https://example.com:x/", "https://example.com#@evil.org/",
		"https://example.com/#part", "https://example.com\\@evil.org/", "https://exa mple.com/", " https://example.com/",
		"https://example.com/\n", "https://example.com\t/", "https://exаmple.com/", "https://example%2ecom/", "https://169.254.169.254/",
		"javascript:alert(1)", "data:text/plain,x", "", "https://example.com/" + strings.Repeat("x", abi.MaxURLBytes),
		"https://example.com/?to=https://evil.org/", "https://example.com/?to=http://example.com/",
		"https://example.com/?to=https://user@example.com/", "https://example.com/?to=https://127.0.0.1/",
	} {
		request, err := cbor.ToJSON(nil, (&abi.HTTPGetRequest{URL: address}).AppendCBOR(nil))
		if err != nil {
			t.Fatal(err)
		}
		if got := ask(t, s, abi.HostHTTPGet, string(request)); !strings.HasPrefix(got, `{"error":{"code":"denied"`) &&
			!strings.HasPrefix(got, `{"error":{"code":"invalid"`) && !strings.HasPrefix(got, `{"error":{"code":"too-large"`) {
			t.Errorf("%.100q was answered %.200s", address, got)
		}
	}
	// Only the redirects went out.
	if w.asked != 4 {
		t.Errorf("%d requests went out", w.asked)
	}
	for _, address := range []string{
		"https://example.com", "https://EXAMPLE.com:443/x?y=1", "https://example.com:8443/", "https://example.com/?to=https://example.com:8443/",
	} {
		if got := ask(t, s, abi.HostHTTPGet, `{"url":"`+address+`"}`); !strings.HasPrefix(got, `{"status":200`) {
			t.Errorf("%s was answered %s", address, got)
		}
	}
}

func TestServe(t *testing.T) {
	t.Parallel()
	_, s := begin(NewRun(Config{Granted: allNames, Store: newStore()}), "a", "s")
	ctx := With(t.Context(), s)
	for _, op := range []uint32{0, 7, 1 << 31} {
		if _, err := Serve(ctx, op, []byte(`{}`), abi.EncodingJSON); !errors.Is(err, ErrUnknownOp) {
			t.Errorf("operation %d: got %v", op, err)
		}
	}
	for _, tc := range []struct{ message, code string }{
		{``, "invalid"}, {`{}`, "invalid"}, {`[]`, "invalid"}, {`{"key":1}`, "invalid"}, {`{"key":"a","more":1}`, "invalid"}, {`{"key":"a"}x`, "invalid"},
		{`{"key":"` + strings.Repeat("a", abi.MaxHostRequestBytes) + `"}`, "too-large"},
	} {
		if got := ask(t, s, abi.HostKVGet, tc.message); !strings.HasPrefix(got, `{"error":{"code":"`+tc.code+`"`) {
			t.Errorf("%.30s was answered %.200s", tc.message, got)
		}
	}
	if len(s.Calls()) != 0 || s.derivation.calls != 0 {
		t.Error("what is no request counts")
	}
	answer, err := Serve(ctx, uint32(abi.HostKVGet), (&abi.KVGetRequest{Key: "a"}).AppendCBOR(nil), abi.EncodingCBOR)
	if err != nil || cbor.Validate(answer, 10) != nil {
		t.Errorf("a CBOR plugin was answered %x, %v", answer, err)
	}
	cancelled, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := Serve(cancelled, uint32(abi.HostKVGet), []byte(`{"key":"a"}`), abi.EncodingJSON); !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled call gave %v", err)
	}
}

func TestRow60_Store(t *testing.T) {
	t.Parallel()
	store := newStore()
	store.entries["acme/web"] = cbor.Map[cbor.Raw]{{Key: "a", Value: raw(t, "1")}, {Key: "b", Value: raw(t, "2")}}
	run := NewRun(Config{Granted: allNames, Store: store})
	first, one := begin(run, "b", "one")
	two := first.Step(StepID{Resource: document("b"), Pipeline: "p", Name: "two"}, fullManifest(), "")
	second, three := begin(run, "a", "one")
	failed, four := begin(run, "c", "one")
	_ = failed
	wantAnswers(t, one,
		getA, `{"value":1}`,
		`kv.set {"key":"a","value":{"x":[1.0]}}`, `{}`,
		getA, `{"value":{"x":[1.0]}}`,
		`kv.delete {"key":"b"}`, `{}`,
		`kv.get {"key":"b"}`, `{"error":{"code":"not-found","message":"the store has no key b"}}`,
		`kv.set {"key":"c/d","value":"new"}`, `{}`,
		`kv.list {}`, `{"keys":["a","c/d"]}`,
		`kv.list {"prefix":"c/"}`, `{"keys":["c/d"]}`,
		`kv.get {"key":"no key"}`, `{"error":{"code":"invalid","message":"key: must be letters, digits, dots, hyphens, underscores and slashes, at most 128 of them"}}`,
		`kv.list {"prefix":"no key"}`, `{"error":{"code":"invalid","message":"prefix: must be letters, digits, dots, hyphens, underscores and slashes, at most 128 of them"}}`,
	)
	// What others write is not seen, whatever ran first.
	for _, other := range []*Step{two, three, four} {
		wantAnswers(t, other, getA, `{"value":1}`, `kv.list {}`, `{"keys":["a","b"]}`)
	}
	wantAnswers(t, two, `kv.set {"key":"a","value":"two"}`, `{}`)
	wantAnswers(t, three, `kv.set {"key":"a","value":"three"}`, `{}`, `kv.set {"key":"b","value":2}`, `{}`, `kv.set {"key":"e","value":1}`, `{}`)
	wantAnswers(t, four, `kv.set {"key":"a","value":"failed"}`, `{}`)
	if store.writes != 0 {
		t.Fatal("something was written before the run came to its end")
	}
	first.Finish([]*Step{one, nil, two})
	second.Finish([]*Step{three})
	if err := run.Commit(); err != nil {
		t.Fatal(err)
	}
	want := cbor.Map[cbor.Raw]{
		{Key: "a", Value: raw(t, `"two"`)}, {Key: "c/d", Value: raw(t, `"new"`)}, {Key: "e", Value: raw(t, "1")},
	}
	// b: document a comes first and leaves it as it is, document b removes it.
	if diff := cmp.Diff(want, store.entries["acme/web"]); diff != "" {
		t.Error(diff)
	}
	if err := run.Commit(); !errors.Is(err, errChanged) {
		t.Errorf("the store was changed, but got %v", err)
	}
}

func TestStoreThatDoesNotChangeIsNotWritten(t *testing.T) {
	t.Parallel()
	store := newStore()
	store.entries["acme/web"] = cbor.Map[cbor.Raw]{{Key: "a", Value: raw(t, "1")}}
	run := NewRun(Config{Granted: allNames, Store: store})
	d, s := begin(run, "a", "s")
	wantAnswers(t, s, `kv.set {"key":"a","value":1}`, `{}`, `kv.delete {"key":"x"}`, `{}`)
	d.Finish([]*Step{s})
	if err := run.Commit(); err != nil || store.writes != 0 {
		t.Errorf("%d writes, %v", store.writes, err)
	}
}

func TestStoreLimits(t *testing.T) {
	t.Parallel()
	_, s := begin(NewRun(Config{Granted: allNames, Store: newStore()}), "a", "s")
	largest := `"` + strings.Repeat("x", abi.MaxKVValueBytes-2) + `"`
	wantAnswers(t, s, `kv.set {"key":"a","value":`+largest+`}`, `{}`,
		`kv.set {"key":"b","value":"x`+largest[1:]+`}`, `{"error":{"code":"too-large","message":"the value has 65537 bytes as JSON, the limit is 65536 bytes"}}`)
	for i := range 14 {
		wantAnswers(t, s, fmt.Sprintf(`kv.set {"key":"k%02d","value":%s}`, i, largest), `{}`)
	}
	wantAnswers(t, s, `kv.set {"key":"last","value":`+largest+`}`,
		`{"error":{"code":"too-large","message":"the store would have 1048623 bytes, the limit is 1048576 bytes"}}`,
		`kv.get {"key":"last"}`, `{"error":{"code":"not-found","message":"the store has no key last"}}`)
}

func TestMissingBackends(t *testing.T) {
	t.Parallel()
	broken := newStore()
	broken.err = errors.New("/home/someone/kv: no such disk")
	for _, config := range []Config{{Granted: allNames}, {Granted: allNames, Store: broken}} {
		run := NewRun(config)
		s := run.Begin(document("a"), nil).Step(StepID{}, fullManifest(), "")
		for _, call := range []string{getA, `kv.set {"key":"a","value":1}`, `kv.delete {"key":"a"}`, `kv.list {}`, fetch, read} {
			name, request, _ := strings.Cut(call, " ")
			op, _ := abi.ParseHostOp(name)
			if got := ask(t, s, op, request); !strings.Contains(got, `"code":"unavailable"`) || strings.Contains(got, "disk") {
				t.Errorf("%s was answered %s", call, got)
			}
		}
	}
}

func TestTheSameQuestionHasTheSameAnswer(t *testing.T) {
	t.Parallel()
	w := new(web)
	d, s := begin(NewRun(Config{Granted: allNames, HTTP: w}), "a", "s")
	const first = `{"status":200,"text":"https://example.com/ 1"}`
	wantAnswers(t, s, fetch, first, fetch, first, read, `{"resources":["LatticeService x"]}`)
	other := d.Step(StepID{Name: "other"}, fullManifest(), "")
	wantAnswers(t, other, fetch, `{"status":200,"text":"https://example.com/ 2"}`)
	var made []string
	for _, c := range s.Calls() {
		made = append(made, c.Op.String()+" "+c.Target)
	}
	want := []string{"http.get https://example.com/", "http.get https://example.com/", "resources.read LatticeService.lattice.dev named x"}
	if diff := cmp.Diff(want, made); diff != "" || s.Calls()[0].Answer != s.Calls()[1].Answer || s.Calls()[0].Answer == s.Calls()[2].Answer {
		t.Errorf("the calls are not what was made:\n%s", diff)
	}
}

func TestAnswersAreBounded(t *testing.T) {
	t.Parallel()
	d := NewRun(Config{Granted: allNames}).Begin(document("a"), func(context.Context, string, abi.Requirement) ([]cbor.Raw, error) {
		return []cbor.Raw{cbor.AppendString(nil, strings.Repeat("x", abi.MaxHostAnswerBytes))}, nil
	})
	got := ask(t, d.Step(StepID{}, fullManifest(), ""), abi.HostResourcesRead, strings.TrimPrefix(read, "resources.read "))
	if !strings.HasPrefix(got, `{"error":{"code":"too-large"`) {
		t.Errorf("got %.200s", got)
	}
}

func TestRow60_Budget(t *testing.T) {
	t.Parallel()
	d, s := begin(NewRun(Config{Granted: allNames, Store: newStore()}), "a", "s")
	const nothing, spent = `{"error":{"code":"not-found","message":"the store has no key a"}}`,
		`{"error":{"code":"budget","message":"a derivation makes at most 64 host calls"}}`
	for range abi.MaxHostCalls {
		wantAnswers(t, s, getA, nothing)
	}
	for range 10 {
		wantAnswers(t, s, getA, spent)
	}
	if n := len(s.Calls()); n != abi.MaxHostCalls+1 {
		t.Errorf("%d calls are remembered", n)
	}
	if err := d.Err(); err != nil {
		t.Errorf("one step alone may spend the budget: %v", err)
	}
	other := d.Step(StepID{Name: "other"}, fullManifest(), "")
	wantAnswers(t, other, getA, spent)
	if err := d.Err(); !errors.Is(err, ErrBudget) || !strings.Contains(err.Error(), "the steps other (acme/web@1.0.0), s (acme/web@1.0.0) share 64") {
		t.Errorf("got %v", err)
	}
	// Another document has its own.
	_, s = begin(d.run, "b", "s")
	wantAnswers(t, s, getA, nothing)
}

// TestStoreKeepsItsSize sets and removes entries at random and counts the store again after each.
func TestStoreKeepsItsSize(t *testing.T) {
	t.Parallel()
	store := newStore()
	for _, key := range []string{"a", "b", "c"} {
		entries := store.entries["acme/web"]
		entries.Set(key, raw(t, `"from before"`))
		store.entries["acme/web"] = entries
	}
	_, step := begin(NewRun(Config{Store: store, Granted: allNames}), "web", "one")
	view, problem := step.view()
	if problem != nil {
		t.Fatal(problem)
	}
	random := rand.New(rand.NewPCG(1, 2))
	for range 500 {
		key := string(rune('a' + random.IntN(6)))
		var value cbor.Raw
		if random.IntN(3) > 0 {
			value = raw(t, `"`+strings.Repeat("x", random.IntN(40))+`"`)
		}
		if problem := view.set(key, value); problem != nil {
			t.Fatal(problem)
		}
		var want storeSize
		for _, e := range view.all() {
			if err := want.add(e.Key, e.Value); err != nil {
				t.Fatal(err)
			}
		}
		if view.size != want {
			t.Fatalf("after a change of %s: %+v, counted %+v", key, view.size, want)
		}
	}
	before := view.size
	if problem := view.set("z", raw(t, `"`+strings.Repeat("x", abi.MaxKVBytes)+`"`)); problem == nil || view.size != before || view.get("z") != nil {
		t.Errorf("a value beyond the limit of the store: %v, %+v", problem, view.size)
	}
}
