package abi_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/abi/cbor"
)

func TestHostOps(t *testing.T) {
	var names []string
	for op := abi.HostOp(0); op < 10; op++ {
		again, ok := abi.ParseHostOp(op.String())
		if op.String() == "" {
			if ok || op.Capability() != "" {
				t.Errorf("%d is not an operation, but has a name or a capability", op)
			}
			continue
		}
		if !ok || again != op {
			t.Errorf("%s reads as %d, want %d", op, again, op)
		}
		names = append(names, op.String()+" "+op.Capability())
	}
	want := []string{"kv.get kv", "kv.set kv", "kv.delete kv", "kv.list kv", "http.get http.get", "resources.read resources.read"}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func TestKVKeys(t *testing.T) {
	long := strings.Repeat("k", abi.MaxKVKeyBytes)
	for _, key := range []string{"a", "Last.seen-1/x_y", "/", "..", long} {
		if !abi.ValidKVKey(key) {
			t.Errorf("%q must be a key", key)
		}
	}
	for _, key := range []string{"", long + "k", "a b", "a\x00", "ä", "a\\b", "a\n"} {
		if abi.ValidKVKey(key) {
			t.Errorf("%q must not be a key", key)
		}
	}
	if !abi.ValidKVPrefix("") {
		t.Error("every key begins with nothing")
	}
}

func TestHostMessagesRoundTrip(t *testing.T) {
	failed := &abi.HostError{Code: abi.HostErrorDenied, Message: "no"}
	for _, tc := range []struct {
		message abi.Encoder
		again   interface {
			abi.Encoder
			abi.Decoder
		}
		json string
	}{
		{&abi.KVSetRequest{Key: "k", Value: raw(`[1.0]`)}, new(abi.KVSetRequest), `{"key":"k","value":[1.0]}`},
		{&abi.KVGetAnswer{Error: failed}, new(abi.KVGetAnswer), `{"error":{"code":"denied","message":"no"}}`},
		{&abi.KVGetAnswer{Error: failed}, new(abi.HostAnswer), `{"error":{"code":"denied","message":"no"}}`},
		{&abi.KVListAnswer{Keys: []string{"a"}}, new(abi.KVListAnswer), `{"keys":["a"]}`},
		{&abi.HTTPGetAnswer{Status: 200, Text: "t", Headers: cbor.Map[string]{{Key: "etag", Value: "x"}}}, new(abi.HTTPGetAnswer),
			`{"headers":{"etag":"x"},"status":200,"text":"t"}`},
		{&abi.ResourcesReadRequest{APIVersion: "v1", Kind: "K", MatchName: "n"}, new(abi.ResourcesReadRequest),
			`{"apiVersion":"v1","kind":"K","matchName":"n"}`},
	} {
		for _, encoding := range []abi.Encoding{abi.EncodingCBOR, abi.EncodingJSON} {
			data, err := abi.Encode(nil, tc.message, encoding)
			if err != nil {
				t.Fatal(err)
			}
			if unknown, err := abi.Decode(data, encoding, len(data), tc.again); err != nil || unknown != nil {
				t.Fatalf("%s: %v, unknown %q", tc.json, err, unknown)
			}
			text, err := abi.Encode(nil, tc.again, abi.EncodingJSON)
			if err != nil || string(text) != tc.json {
				t.Errorf("%s: got %s, %v, want %s", encoding, text, err, tc.json)
			}
		}
	}
	// A value that is null is not one.
	if _, err := abi.Decode([]byte(`{"key":"k","value":null}`), abi.EncodingJSON, 100, new(abi.KVSetRequest)); err == nil {
		t.Error("kv.set without a value was read")
	}
}
