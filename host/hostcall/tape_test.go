package hostcall

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/latticenet/lattice-host/abi"
)

// session makes some calls in two documents, and returns the tape.
func session(t *testing.T, config Config) (*Run, []byte) {
	t.Helper()
	run := NewRun(config)
	second, b := begin(run, "b", "s")
	first, a := begin(run, "a", "s")
	wantAnswers(t, b, `kv.set {"key":"n","value":1.0}`, `{}`, `kv.get {"key":"n"}`, `{"value":1.0}`, `kv.set {"key":"n","value":"<2>"}`, `{}`,
		`kv.get {"key":"n"}`, `{"value":"<2>"}`)
	wantAnswers(t, a, fetch, `{"status":200,"text":"https://example.com/ 1"}`, read, `{"resources":["LatticeService x"]}`,
		`http.get {"url":"https://other.example.com/"}`, denial("the manifest does not name the host other.example.com"))
	second.Finish([]*Step{b})
	first.Finish([]*Step{a})
	failed, c := begin(run, "c", "s")
	wantAnswers(t, c, `kv.get {"key":"n"}`, `{"error":{"code":"not-found","message":"the store has no key n"}}`)
	_ = failed
	if !config.Record {
		return run, nil
	}
	data, err := run.Tape()
	if err != nil {
		t.Fatal(err)
	}
	return run, data
}

func recorded(t *testing.T) []byte {
	t.Helper()
	_, first := session(t, Config{Granted: allNames, Store: newStore(), HTTP: new(web), Record: true})
	_, second := session(t, Config{Granted: allNames, Store: newStore(), HTTP: new(web), Record: true})
	if !bytes.Equal(first, second) {
		t.Error("two runs give two tapes")
	}
	return first
}

func parse(t *testing.T, data []byte) *Tape {
	t.Helper()
	tape, err := ParseTape("calls.jsonl", data)
	if err != nil {
		t.Fatal(err)
	}
	return tape
}

func TestReplay(t *testing.T) {
	t.Parallel()
	data := recorded(t)
	tape := parse(t, data)
	if n := len(tape.Unused()); n != 7 {
		t.Errorf("%d calls are on the tape", n)
	}
	// Without a store, a network or resources, the answers are the same, in the order in which they
	// were given.
	run := NewRun(Config{Granted: allNames, Replay: tape, Record: true})
	second, b := begin(run, "b", "s")
	first := run.Begin(document("a"), nil)
	a := first.Step(StepID{Resource: document("a"), Pipeline: "p", Name: "s"}, fullManifest(), "sha256:"+strings.Repeat("0", 64))
	wantAnswers(t, a, fetch, `{"status":200,"text":"https://example.com/ 1"}`, read, `{"resources":["LatticeService x"]}`,
		`http.get {"url":"https://other.example.com/"}`, denial("the manifest does not name the host other.example.com"))
	wantAnswers(t, b, `kv.set {"key":"n","value":1.0}`, `{}`, `kv.get {"key":"n"}`, `{"value":1.0}`, `kv.set {"key":"n","value":"<2>"}`, `{}`)
	if diff := cmp.Diff([]string{
		`calls.jsonl:8: no one asked for the answer to kv.get "n" of step s for LatticeService.lattice.dev shop/b`,
	}, run.Unused()); diff != "" {
		t.Error(diff)
	}
	wantAnswers(t, b, `kv.get {"key":"n"}`, `{"value":"<2>"}`)
	if left := run.Unused(); len(left) != 0 {
		t.Errorf("left are %v", left)
	}
	first.Finish([]*Step{a})
	second.Finish([]*Step{b})
	again, err := run.Tape()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(data), string(again)); diff != "" {
		t.Errorf("recording what is replayed gives another tape:\n%s", diff)
	}
	if err := run.Commit(); err != nil {
		t.Errorf("a replayed run writes: %v", err)
	}
}

func TestReplayOfWhatIsNotThere(t *testing.T) {
	t.Parallel()
	data := recorded(t)
	for reason, change := range map[string]func(*Step) string{
		"another key":      func(*Step) string { return `{"key":"m"}` },
		"another plugin":   func(s *Step) string { s.digest = "sha256:1"; return `{"key":"n"}` },
		"another step":     func(s *Step) string { s.id.Name = "t"; return `{"key":"n"}` },
		"another pipeline": func(s *Step) string { s.id.Pipeline = "t"; return `{"key":"n"}` },
		"another resource": func(s *Step) string { s.id.Resource.Name = "t"; return `{"key":"n"}` },
		"another document": func(s *Step) string { s.derivation.document.Name = "t"; return `{"key":"n"}` },
	} {
		_, s := begin(NewRun(Config{Granted: allNames, Replay: parse(t, data), Store: newStore()}), "b", "s")
		request := change(s)
		_, err := Serve(With(t.Context(), s), uint32(abi.HostKVGet), []byte(request), abi.EncodingJSON)
		if !errors.Is(err, ErrNotRecorded) || !strings.Contains(err.Error(), "calls.jsonl has no answer left to kv.get") ||
			!strings.Contains(err.Error(), "record it again with --record") {
			t.Errorf("%s: got %v", reason, err)
		}
	}
	// A tape gives no plugin more than it may have.
	tape := parse(t, data)
	_, s := begin(NewRun(Config{Replay: tape}), "a", "s")
	wantAnswers(t, s, fetch, denial("the operator did not grant the capability http.get"))
	if n := len(tape.Unused()); n != 6 {
		t.Errorf("%d answers are left", n)
	}
}

func TestParseTapeRefuses(t *testing.T) {
	t.Parallel()
	head, rest, _ := strings.Cut(string(recorded(t)), "\n")
	line, _, _ := strings.Cut(rest, "\n")
	for _, tc := range []struct{ reason, text, says string }{
		{"nothing", "", "f: not a record of host calls: it is empty"},
		{"another form", `{"schema":"x"}`, "f:1: not a record of host calls: schema: must be lattice.hostcalls.v1"},
		{"no head", line, "f:1: "},
		{"a line that is cut", head + "\n" + line[:50], "f:2: "},
		{"an empty line", head + "\n\n" + line, "f:2: "},
		{"two objects on a line", head + "\n" + line + line, "f:2: not a record of host calls: byte"},
		{"an unknown field", head + "\n" + strings.Replace(line, `"digest"`, `"digest2":1,"digest"`, 1), `unknown field "digest2"`},
		{"a field that is missing", head + "\n" + strings.Replace(line, `,"step":"s"`, "", 1), "a field is missing"},
		{"another letter case", head + "\n" + strings.Replace(line, `"step"`, `"Step"`, 1), "letter case"},
		{"a key that is a duplicate", head + "\n" + strings.Replace(line, `"step":"s"`, `"step":"s","step":"s"`, 1), "duplicate"},
		{"no such operation", head + "\n" + strings.Replace(line, "http.get", "exec", 1), `op: "exec" is not an operation`},
		{"an invalid request", head + "\n" + strings.Replace(line, `"request":{"url"`, `"request":{"uri"`, 1), `request: invalid: `},
		{"an invalid answer", head + "\n" + strings.Replace(line, `"status"`, `"state"`, 1), `answer: "state" is not a field`},
		{"an answer of another type", head + "\n" + strings.Replace(line, `"status":200`, `"status":"200"`, 1), `answer: status: want an integer`},
	} {
		_, err := ParseTape("f", []byte(tc.text))
		if !errors.Is(err, ErrTape) || !strings.Contains(err.Error(), tc.says) {
			t.Errorf("%s: got %v", tc.reason, err)
		}
	}
	// The order of keys and white space do not matter.
	if _, err := ParseTape("f", []byte(" "+head+" \r\n"+strings.Replace(line, `"step":"s"`, `"step" : "s"`, 1)+"\n")); err != nil {
		t.Error(err)
	}
}

func FuzzParseTape(f *testing.F) {
	const head = `{"schema":"lattice.hostcalls.v1"}` + "\n"
	f.Add([]byte(head))
	f.Add([]byte(head + `{"answer":{"value":[1.0,null]},"digest":"sha256:0","document":{"apiVersion":"v1","kind":"K","name":"a"},"op":"kv.get",` +
		`"pipeline":"p","plugin":"acme/web@1.0.0","request":{"key":"n"},"resource":{"apiVersion":"v1","kind":"K","name":"a","namespace":"n"},"step":"s"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		tape, err := ParseTape("f", data)
		if err != nil {
			if !errors.Is(err, ErrTape) {
				t.Errorf("the error is of no kind: %v", err)
			}
			return
		}
		if n := len(tape.Unused()); n != len(tape.lines) {
			t.Errorf("%d of %d lines are there to be used", n, len(tape.lines))
		}
	})
}

func FuzzServe(f *testing.F) {
	for op := abi.HostKVGet; op.String() != ""; op++ {
		f.Add(uint32(op), []byte(`{"key":"a","value":1}`), true)
		f.Add(uint32(op), newMessage(op).AppendCBOR(nil), false)
	}
	f.Add(uint32(abi.HostHTTPGet), []byte(`{"url":"https://example.com/?to=https://example.com:8443/"}`), true)
	f.Fuzz(func(t *testing.T, op uint32, message []byte, json bool) {
		_, s := begin(NewRun(Config{Granted: allNames, Store: newStore(), HTTP: new(web), Record: true}), "a", "s")
		encoding := abi.EncodingCBOR
		if json {
			encoding = abi.EncodingJSON
		}
		answer, err := Serve(With(t.Context(), s), op, message, encoding)
		if err != nil {
			if !errors.Is(err, ErrUnknownOp) {
				t.Errorf("operation %d: %v", op, err)
			}
			return
		}
		into := newAnswer(abi.HostOp(op))
		if unknown, err := abi.Decode(answer, encoding, 2*abi.MaxHostAnswerBytes, into); err != nil || len(unknown) > 0 {
			t.Errorf("the answer %s is invalid: %v, %v", answer, unknown, err)
		}
	})
}
