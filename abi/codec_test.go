package abi_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/abi/cbor"
)

func fullRequest() *abi.Request {
	return &abi.Request{
		ABI: abi.Version, Step: "deployment", Round: 2,
		Resource: raw(`{"kind":"LatticeService"}`), Settings: raw(`{"a":1}`),
		Platform: abi.Platform{ClusterName: "c", Provider: "aws", TrustDomain: "t", Monitoring: abi.Monitoring{Enabled: true}},
		Outputs:  []abi.Output{{Ref: abi.Ref{APIVersion: "v1", Kind: "Secret", Namespace: "n", Name: "s"}, Document: raw(`{}`)}},
		Context:  []abi.ContextEntry{{Key: "k", Value: raw(`[1.5]`)}},
		Answers:  []abi.Answer{{Name: "peer", Resources: []cbor.Raw{raw(`{"x":null}`)}}},
	}
}

func fullResponse() *abi.Response {
	return &abi.Response{
		Outputs:       []abi.Output{{Ref: abi.Ref{APIVersion: "apps/v1", Kind: "Deployment", Name: "d"}, Document: raw(`{"spec":{}}`)}},
		Contributions: []abi.Contribution{{Ref: abi.Ref{APIVersion: "v1", Kind: "Secret", Name: "s"}, Fields: raw(`{"a":[]}`)}},
		Results:       []abi.Result{{Severity: abi.SeverityWarning, Field: "spec", Message: "m"}},
		Context:       []abi.ContextEntry{{Key: "k", Value: raw(`"v"`)}},
		Requirements: []abi.Requirement{{Name: "r", APIVersion: "v1", Kind: "K", Namespace: "n", MatchName: "m",
			MatchLabels: cbor.Map[string]{{Key: "a", Value: "1"}, {Key: "bb", Value: "2"}, {Key: "c", Value: "3"}}}},
	}
}

func raw(json string) cbor.Raw {
	data, err := cbor.FromJSON(nil, []byte(json), abi.MaxDepth)
	if err != nil {
		panic(err)
	}
	return data
}

func TestRoundTrip(t *testing.T) {
	for _, encoding := range []abi.Encoding{abi.EncodingCBOR, abi.EncodingJSON} {
		data, err := abi.Encode(nil, fullRequest(), encoding)
		if err != nil {
			t.Fatal(err)
		}
		var request abi.Request
		if unknown, err := abi.Decode(data, encoding, len(data), &request); err != nil || len(unknown) > 0 {
			t.Fatalf("%s: %v, unknown %q", encoding, err, unknown)
		}
		if diff := cmp.Diff(fullRequest(), &request); diff != "" {
			t.Errorf("%s request: -want +got\n%s", encoding, diff)
		}
		if data, err = abi.Encode(nil, fullResponse(), encoding); err != nil {
			t.Fatal(err)
		}
		var response abi.Response
		if _, err := abi.Decode(data, encoding, len(data), &response); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(fullResponse(), &response); diff != "" {
			t.Errorf("%s response: -want +got\n%s", encoding, diff)
		}
	}
}

func TestDecodeRefuses(t *testing.T) {
	for _, tc := range []struct{ reason, json, want string }{
		{"a missing field", `{"outputs":[{"ref":{"apiVersion":"v1","kind":"K"},"document":{}}]}`, "outputs.0.ref: the field name is missing"},
		{"a wrong type", `{"results":[{"severity":"error","message":7}]}`, "results.0.message: want a string, got an integer"},
		{"an array for an object", `[]`, "byte 0: want an object, got an array"},
		{"text for an array", `{"outputs":"x"}`, "outputs: want an array, got a string"},
	} {
		var response abi.Response
		_, err := abi.Decode([]byte(tc.json), abi.EncodingJSON, 1000, &response)
		if err == nil || err.Error() != tc.want || !cbor.IsMalformed(err) {
			t.Errorf("%s: got %v, want %s", tc.reason, err, tc.want)
		}
	}
}

func TestDecodeLimitsSize(t *testing.T) {
	var response abi.Response
	_, err := abi.Decode([]byte(`{}`), abi.EncodingJSON, 1, &response)
	if !abi.IsTooLarge(err) || err.Error() != "the message has 2 bytes, the limit is 1" {
		t.Errorf("got %v", err)
	}
	if _, err := abi.Decode(nil, "xml", 1, &response); err == nil || !strings.Contains(err.Error(), `"xml" is neither cbor nor json`) {
		t.Errorf("got %v", err)
	}
}

func TestUnknownFieldsAreReported(t *testing.T) {
	var response abi.Response
	unknown, err := abi.Decode([]byte(`{"extra":{"a":[1]},"results":[{"severity":"info","message":"m","hint":1}]}`),
		abi.EncodingJSON, 1000, &response)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"extra", "hint"}, unknown); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	if len(response.Results) != 1 || response.Results[0].Message != "m" {
		t.Errorf("the known fields were lost: %+v", response)
	}
}

func TestNullMeansAbsent(t *testing.T) {
	var response abi.Response
	if _, err := abi.Decode([]byte(`{"outputs":null,"results":null}`), abi.EncodingJSON, 1000, &response); err != nil {
		t.Error(err)
	}
}

func FuzzDecodeResponse(f *testing.F) {
	for _, encoding := range []abi.Encoding{abi.EncodingCBOR, abi.EncodingJSON} {
		data, err := abi.Encode(nil, fullResponse(), encoding)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data, encoding == abi.EncodingJSON)
	}
	f.Fuzz(func(t *testing.T, data []byte, json bool) {
		encoding := abi.EncodingCBOR
		if json {
			encoding = abi.EncodingJSON
		}
		var response abi.Response
		unknown, err := abi.Decode(data, encoding, 1<<20, &response)
		if err != nil || len(unknown) > 0 {
			return
		}
		// What was understood completely must survive being written and read again.
		written := response.AppendCBOR(nil)
		var again abi.Response
		if _, err := abi.Decode(written, abi.EncodingCBOR, len(written), &again); err != nil {
			t.Fatalf("%x: %v", written, err)
		}
		if !bytes.Equal(written, again.AppendCBOR(nil)) {
			t.Fatal("writing a message twice gives other bytes")
		}
	})
}

func FuzzDecodeRequest(f *testing.F) {
	f.Add(fullRequest().AppendCBOR(nil))
	f.Fuzz(func(t *testing.T, data []byte) {
		// A guest reads without validating first: whatever arrives must not take it outside the
		// message.
		var request abi.Request
		request.DecodeCBOR(cbor.NewDecoder(data))
	})
}
