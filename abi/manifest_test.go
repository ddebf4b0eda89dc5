package abi_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/latticenet/lattice-host/abi"
)

const minimalManifest = `{"schema":"lattice.manifest.v1","publisher":"acme","name":"web","version":"1.0.0","abi":1,` +
	`"encoding":"cbor","derives":[{"group":"lattice.dev","kind":"LatticeService"}],"limits":{}}`

func TestParseManifest(t *testing.T) {
	m, err := abi.ParseManifest([]byte(minimalManifest))
	if err != nil {
		t.Fatal(err)
	}
	if m.Reference() != "acme/web@1.0.0" {
		t.Errorf("reference is %s", m.Reference())
	}
	again, err := abi.ParseManifest(m.CanonicalJSON())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(m, again); diff != "" {
		t.Errorf("the canonical form says something else: -want +got\n%s", diff)
	}
}

func TestParseManifestRefuses(t *testing.T) {
	for _, tc := range []struct{ old, new, want string }{
		{`"publisher":"acme"`, `"publisher":"../acme"`, "publisher: must be lower-case"},
		{`"name":"web"`, `"name":"Web"`, "name: must be lower-case"},
		{`"name":"web"`, `"name":"web--x"`, "name: must be"},
		{`"name":"web"`, `"name":"con"`, "name: must be"},
		{`"name":"web"`, `"name":"lpt1"`, "no device name of Windows"},
		{`"version":"1.0.0"`, `"version":"v1.0.0"`, "version: must be a semantic version"},
		{`"version":"1.0.0"`, `"version":"1.0"`, "version: must be"},
		{`"version":"1.0.0"`, `"version":"1.01.0"`, "version: must be"},
		{`"version":"1.0.0"`, `"version":"1.0.0-01"`, "version: must be"},
		{`"abi":1`, `"abi":2`, "abi: must be 1"},
		{`"encoding":"cbor"`, `"encoding":"xml"`, "encoding: must be cbor or json"},
		{`"encoding":"cbor"`, `"encoding":"cbor","transport":"wapc"`, "transport: must be extism"},
		{`"encoding":"cbor"`, `"encoding":"cbor","transport":"extism","capabilities":[{"name":"kv","reason":"x"}]`, "capabilities: a module made with an Extism PDK"},
		{`"schema":"lattice.manifest.v1"`, `"schema":"x"`, "schema: must be lattice.manifest.v1"},
		{`"limits":{}`, `"limits":{},"more":1`, `"more" is not a field`},
		{`"limits":{}`, `"limits":{"memoryBytes":99999999999}`, "limits.memoryBytes: must be 0 to 67108864"},
		{`"limits":{}`, `"limits":{},"outputs":[{"group":"apps","kind":"deployment"}]`, "outputs.0.kind: must be a kind in CamelCase"},
		{`"limits":{}`, `"limits":{},"outputs":[{"group":"Apps","kind":"D"}]`, "outputs.0.group: must be"},
		{`"limits":{}`, `"limits":{},"reads":[{"group":"","kind":"D"},{"group":"","kind":"D"}]`, "reads.1: is a duplicate"},
		{`"limits":{}`, `"limits":{},"platform":["zone"]`, "platform.0: is not a fact of a platform; use appArmor, clusterName, imageProviders"},
		{`"limits":{}`, `"limits":{},"platform":["queues","queues"]`, "platform.1: must not be empty or"},
		{`"limits":{}`, `"limits":{},"capabilities":[{"name":"root","reason":"x"}]`, "capabilities.0.name: must be http.get, kv or resources.read"},
		{`"limits":{}`, `"limits":{},"capabilities":[{"name":"http.get","reason":"x"}]`, "capabilities.0.hosts: must name at least one host"},
		{`"limits":{}`, `"limits":{},"capabilities":[{"name":"http.get","reason":"x","hosts":["*.example.com"]}]`, "capabilities.0.hosts.0: must be a DNS name"},
		{`"limits":{}`, `"limits":{},"capabilities":[{"name":"http.get","reason":"x","hosts":["localhost"]}]`, "capabilities.0.hosts.0: must be a DNS name"},
		{`"limits":{}`, `"limits":{},"capabilities":[{"name":"http.get","reason":"x","hosts":["127.0.0.1"]}]`, "capabilities.0.hosts.0: must be a DNS name"},
		{`"limits":{}`, `"limits":{},"capabilities":[{"name":"http.get","reason":"x","hosts":["0x7f.1"]}]`, "capabilities.0.hosts.0: must be a DNS name"},
		{`"limits":{}`, `"limits":{},"capabilities":[{"name":"http.get","reason":"x","hosts":["Example.com"]}]`, "capabilities.0.hosts.0: must be a DNS name"},
		{`"limits":{}`, `"limits":{},"capabilities":[{"name":"http.get","reason":"x","hosts":["example.com."]}]`, "capabilities.0.hosts.0: must be a DNS name"},
		{`"limits":{}`, `"limits":{},"capabilities":[{"name":"http.get","reason":"x","hosts":["example.com:443"]}]`, "capabilities.0.hosts.0: must be a DNS name"},
		{`"limits":{}`, `"limits":{},"capabilities":[{"name":"http.get","reason":"x","hosts":["example.com:070"]}]`, "capabilities.0.hosts.0: must be a DNS name"},
		{`"limits":{}`, `"limits":{},"capabilities":[{"name":"http.get","reason":"x","hosts":["example.com:65536"]}]`, "capabilities.0.hosts.0: must be a DNS name"},
		{`"limits":{}`, `"limits":{},"capabilities":[{"name":"http.get","reason":"x","hosts":["https://example.com"]}]`, "capabilities.0.hosts.0: must be a DNS name"},
		{`"limits":{}`, `"limits":{},"capabilities":[{"name":"http.get","reason":"x","hosts":["-a.example.com"]}]`, "capabilities.0.hosts.0: must be a DNS name"},
		{`"limits":{}`, `"limits":{},"capabilities":[{"name":"http.get","reason":"x","hosts":["a.io","b.io:8443","a.io"]}]`, "capabilities.0.hosts.2: must not be empty or there twice"},
		{`"limits":{}`, `"limits":{},"capabilities":[{"name":"kv","reason":""}]`, "capabilities.0.reason: must tell"},
		{`[{"group":"lattice.dev","kind":"LatticeService"}]`, `[]`, "derives: must name at least one kind"},
	} {
		_, err := abi.ParseManifest([]byte(strings.Replace(minimalManifest, tc.old, tc.new, 1)))
		if err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: got %v, want %s", tc.new, err, tc.want)
		}
	}
}

func TestValidVersion(t *testing.T) {
	for version, want := range map[string]bool{
		"0.0.0": true, "1.2.3-alpha.1+build.5": true, "1.2.3-0a": true, "10.20.30": true, "1.0.0--": true,
		"": false, "1": false, "1.2": false, "1.2.3.4": false, "1.2.3-": false, "1.2.3+": false, "1.2.3-a..b": false,
		"1.2.3-ü": false, "1.2.3\n": false, "../1.2.3": false,
	} {
		if got := abi.ValidVersion(version); got != want {
			t.Errorf("%q: got %t", version, got)
		}
	}
}

func FuzzParseManifest(f *testing.F) {
	f.Add([]byte(minimalManifest))
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := abi.ParseManifest(data)
		if err != nil {
			return
		}
		if _, err := abi.ParseManifest(m.CanonicalJSON()); err != nil {
			t.Fatalf("the canonical form of an accepted manifest is refused: %v", err)
		}
	})
}
