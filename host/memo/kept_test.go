package memo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/abi/cbor"
	"github.com/latticenet/lattice-host/host/hostcall"
)

// world answers host calls with numbers by key, and remembers what it was asked for.
type world struct {
	values map[string]int64
	asked  []string
	err    error
}

func (w *world) Call(_ context.Context, r *hostcall.Request) ([]byte, error) {
	w.asked = append(w.asked, r.Op.String()+" "+r.Target())
	if r.Op == abi.HostKVSet {
		return (&abi.HostAnswer{}).AppendCBOR(nil), w.err
	}
	return (&abi.KVGetAnswer{Value: cbor.AppendInt(nil, w.values[r.Target()])}).AppendCBOR(nil), w.err
}

// asking asks the host for a; when that is 1 for b, else for c. Then it writes, and answers with
// the sum.
type asking struct {
	counting
	fails bool
}

func (a *asking) Derive(ctx context.Context, _ *abi.Request) (*abi.Response, []string, error) {
	a.calls++
	get := func(key string) (int64, error) {
		answer, err := hostcall.Serve(ctx, uint32(abi.HostKVGet), (&abi.KVGetRequest{Key: key}).AppendCBOR(nil), abi.EncodingCBOR)
		if err != nil {
			return 0, err
		}
		var value abi.KVGetAnswer
		value.DecodeCBOR(cbor.NewDecoder(answer))
		return cbor.NewDecoder(value.Value).Int(), nil
	}
	sum, err := get("a")
	if err != nil {
		return nil, nil, err
	}
	next := "c"
	if sum == 1 {
		next = "b"
	}
	more, err := get(next)
	if err != nil {
		return nil, nil, err
	}
	_, err = hostcall.Serve(ctx, uint32(abi.HostKVSet), []byte(`{"key":"sum","value":1}`), abi.EncodingJSON)
	if err != nil || a.fails {
		return nil, nil, errors.Join(err, errors.New("failed"))
	}
	return &abi.Response{Results: []abi.Result{{Severity: abi.SeverityInfo, Message: fmt.Sprint(sum + more)}}}, nil, nil
}

func deriveIn(t *testing.T, w *world, p Plugin) string {
	t.Helper()
	w.asked = nil
	response, _, err := p.Derive(hostcall.With(t.Context(), w), &abi.Request{ABI: abi.Version, Step: "s"})
	if err != nil {
		t.Fatal(err)
	}
	return response.Results[0].Message
}

func TestHostCallsAreMadeAgain(t *testing.T) {
	dir := t.TempDir()
	plugin := new(asking)
	p := Open(dir).Wrap(plugin)
	w := &world{values: map[string]int64{"a": 1, "b": 10, "c": 100}}
	check := func(reason, answer string, ran int, asked ...string) {
		t.Helper()
		plugin.calls = 0
		if got := deriveIn(t, w, p); got != answer || plugin.calls != ran {
			t.Errorf("%s: answered %s, ran %d times; want %s, %d", reason, got, plugin.calls, answer, ran)
		}
		if diff := cmp.Diff(asked, w.asked); diff != "" {
			t.Errorf("%s: the host was asked\n%s", reason, diff)
		}
	}
	check("first", "11", 1, "kv.get a", "kv.get b", "kv.set sum")
	check("again", "11", 0, "kv.get a", "kv.get b", "kv.set sum")
	p = Open(dir).Wrap(plugin)
	check("from the folder", "11", 0, "kv.get a", "kv.get b", "kv.set sum")
	w.values["b"] = 20
	check("a later answer differs", "21", 1, "kv.get a", "kv.get b", "kv.set sum")
	check("that is kept", "21", 0, "kv.get a", "kv.get b", "kv.set sum")
	w.values["a"] = 2
	check("the first answer differs", "102", 1, "kv.get a", "kv.get c", "kv.set sum")
	check("that is kept", "102", 0, "kv.get a", "kv.get c", "kv.set sum")
	p = Open(dir).Wrap(plugin)
	check("in the folder, too", "102", 0, "kv.get a", "kv.get c", "kv.set sum")
}

func TestHostCallThatFailsEndsTheRecall(t *testing.T) {
	plugin := new(asking)
	p := Open("").Wrap(plugin)
	w := &world{values: map[string]int64{}}
	deriveIn(t, w, p)
	w.err = context.Canceled
	if _, _, err := p.Derive(hostcall.With(t.Context(), w), &abi.Request{ABI: abi.Version, Step: "s"}); !errors.Is(err, context.Canceled) || plugin.calls != 1 {
		t.Errorf("got %v after %d runs", err, plugin.calls)
	}
}

func TestFailuresWithHostCallsAreNotKept(t *testing.T) {
	plugin := &asking{fails: true}
	p := Open("").Wrap(plugin)
	for range 2 {
		if _, _, err := p.Derive(hostcall.With(t.Context(), &world{}), &abi.Request{ABI: abi.Version, Step: "s"}); err == nil {
			t.Error("no error")
		}
	}
	if plugin.calls != 2 {
		t.Errorf("ran %d times", plugin.calls)
	}
}

// A file of the right key and digest whose content is not what this version writes is treated as
// missing: the plugin runs, and no call is made that the plugin does not make.
func TestKeptCallsThatAreWrong(t *testing.T) {
	request := &abi.Request{ABI: abi.Version, Step: "s"}
	k := keyOf("", abi.OpDerive, request)
	answer := (&abi.Response{}).AppendCBOR(nil)
	get := (&abi.KVGetRequest{Key: "a"}).AppendCBOR(nil)
	for reason, data := range map[string][]byte{
		"empty":                     {},
		"an answer alone":           answer,
		"no answer":                 (&kept{}).encode(),
		"an invalid answer":         (&kept{answer: []byte("x")}).encode(),
		"more calls than allowed":   (&kept{make([]hostcall.Made, abi.MaxHostCalls+2), answer}).encode(),
		"an unknown operation":      (&kept{[]hostcall.Made{{Op: 99, Request: get}}, answer}).encode(),
		"an invalid request":        (&kept{[]hostcall.Made{{Op: abi.HostKVSet, Request: get}}, answer}).encode(),
		"a request in another form": (&kept{[]hostcall.Made{{Op: abi.HostKVGet, Request: append(bytes.Clone(get), 0)}}, answer}).encode(),
		"another answer":            (&kept{[]hostcall.Made{{Op: abi.HostKVGet, Request: get}}, answer}).encode(),
	} {
		dir := t.TempDir()
		store := Open(dir)
		store.files.write(k, data)
		if files, _ := filepath.Glob(filepath.Join(dir, "*", "*")); len(files) != 1 {
			t.Fatal(files)
		}
		plugin, w := new(asking), &world{values: map[string]int64{"a": 1}}
		if got := deriveIn(t, w, store.Wrap(plugin)); got != "1" || plugin.calls != 1 {
			t.Errorf("%s: answered %s, ran %d times", reason, got, plugin.calls)
		}
		if diff := cmp.Diff([]string{"kv.get a", "kv.get b", "kv.set sum"}, w.asked); diff != "" {
			t.Errorf("%s: the host was asked\n%s", reason, diff)
		}
	}
}

func TestTooManyHostCallsAreNotKept(t *testing.T) {
	plugin := &flood{}
	dir := t.TempDir()
	p := Open(dir).Wrap(plugin)
	for range 2 {
		if _, _, err := p.Derive(hostcall.With(t.Context(), &world{}), &abi.Request{}); err != nil {
			t.Fatal(err)
		}
	}
	files, err := os.ReadDir(dir)
	if plugin.calls != 2 || err != nil || len(files) != 0 {
		t.Errorf("ran %d times, kept %v, %v", plugin.calls, files, err)
	}
}

// flood makes more host calls than the budget allows.
type flood struct{ counting }

func (f *flood) Derive(ctx context.Context, _ *abi.Request) (*abi.Response, []string, error) {
	f.calls++
	for range 3 * abi.MaxHostCalls {
		if _, err := hostcall.Serve(ctx, uint32(abi.HostKVGet), []byte(`{"key":"a"}`), abi.EncodingJSON); err != nil {
			return nil, nil, err
		}
	}
	return &abi.Response{}, nil, nil
}

func FuzzDecodeKept(f *testing.F) {
	f.Add((&kept{answer: []byte{0xa0}}).encode())
	f.Add((&kept{[]hostcall.Made{{Op: abi.HostKVGet, Request: []byte{0xa0}}}, []byte{0xa0}}).encode())
	f.Fuzz(func(t *testing.T, data []byte) {
		k, ok := decodeKept(data)
		if ok && !bytes.Equal(k.encode(), data) {
			t.Errorf("%x reads as another one", data)
		}
	})
}
