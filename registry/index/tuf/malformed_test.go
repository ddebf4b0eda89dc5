package tuf_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/theupdateframework/go-tuf/v2/metadata"

	"github.com/latticenet/lattice-host/registry/index/tuf"
	"github.com/latticenet/lattice-host/registry/index/tuf/tuftest"
	"github.com/latticenet/lattice-host/registry/release"
)

// TestAttack19_Unsigned serves documents that no one signed in place of metadata. No length and no
// hash keep them from the parser.
func TestAttack19_Unsigned(t *testing.T) {
	t.Parallel()
	files := map[string]string{
		root: "metadata/2.root.json", timestamp: "metadata/timestamp.json",
		snapshot: "metadata/3.snapshot.json", targets: "metadata/3.targets.json",
	}
	const head = `"spec_version":"1.0.31","version":3,"expires":"2030-01-01T00:00:00Z"`
	for role, path := range files {
		documents := map[string]string{
			"Empty": "", "Null": "null", "Array": "[]", "Object": "{}", "SignedNull": `{"signed":null}`, "Truncated": `{"signed":{`,
			"Deep":           strings.Repeat("[", 100_000),
			"DeepInside":     `{"signed":{"_type":"` + role + `","x":` + strings.Repeat(`{"x":`, 100_000),
			"NullSignatures": `{"signatures":[null],"signed":{"_type":"` + role + `",` + head + `}}`,
			"NullTarget":     `{"signatures":[],"signed":{"_type":"` + role + `",` + head + `,"targets":{"a":null}}}`,
			"NullMeta":       `{"signatures":[],"signed":{"_type":"` + role + `",` + head + `,"meta":{"snapshot.json":null}}}`,
			"NullKey":        `{"signatures":[],"signed":{"_type":"` + role + `",` + head + `,"keys":{"a":null},"roles":{"root":null}}}`,
			"NullDelegation": `{"signatures":[],"signed":{"_type":"` + role + `",` + head + `,"targets":{},"delegations":{"keys":{"a":null},"roles":[null]}}}`,
			"HugeVersion":    `{"signatures":[],"signed":{"_type":"` + role + `","version":1e999}}`,
			"NoDate":         `{"signatures":[],"signed":{"_type":"` + role + `","version":3,"expires":"soon"}}`,
		}
		for name, document := range documents {
			t.Run(role+"/"+name, func(t *testing.T) {
				t.Parallel()
				h := newHarness(t, true)
				h.repo.PublishRoot()
				h.repo.PublishAll()
				good := h.repo.Get(path)
				h.repo.Set(path, []byte(document))
				v, err := h.open().Refresh(context.Background())
				if !errors.Is(err, release.ErrNotTrusted) || v != nil {
					t.Fatalf("the document was taken: %v", err)
				}
				h.repo.Set(path, good)
				h.refresh()
			})
		}
	}
}

// TestAttack19_NeverParsed serves what the parser fails on to a client of an index: its length and
// hash keep it away.
func TestAttack19_NeverParsed(t *testing.T) {
	t.Parallel()
	h := newHarness(t, false)
	h.repo.Publish(targets)
	bomb := `{"signed":{"_type":"targets","targets":{"a":null}}}`
	h.repo.Set("metadata/2.targets.json", []byte(bomb))
	h.refuse(tuf.ErrMismatch, "targets: hash verification failed")
}

// TestAttack19_Signed publishes what is malformed with all the signatures that it needs.
func TestAttack19_Signed(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		publish func(h *harness)
		says    string
	}{
		"TimestampWithoutMeta": {func(h *harness) {
			h.repo.Timestamp.Signed.Meta = map[string]*metadata.MetaFiles{}
			h.repo.PublishTimestamp()
		}, "timestamp: "},
		"TimestampNullMeta": {func(h *harness) {
			h.repo.Timestamp.Signed.Meta["snapshot.json"] = nil
			h.repo.PublishTimestamp()
		}, "timestamp: "},
		"TimestampMoreMeta": {func(h *harness) {
			h.repo.Timestamp.Signed.Meta["other.json"] = h.repo.Timestamp.Signed.Meta["snapshot.json"]
			h.repo.PublishTimestamp()
		}, "timestamp: meta must have the entry snapshot.json and no other"},
		"TimestampNoHash": {func(h *harness) {
			h.repo.Timestamp.Signed.Meta["snapshot.json"].Hashes = nil
			h.repo.PublishTimestamp()
		}, "timestamp: meta.snapshot.json.hashes.sha256 is missing"},
		"TimestampOtherHash": {func(h *harness) {
			m := h.repo.Timestamp.Signed.Meta["snapshot.json"]
			m.Hashes = metadata.Hashes{"sha512": m.Hashes["sha256"]}
			h.repo.PublishTimestamp()
		}, "timestamp: meta.snapshot.json.hashes.sha256 is missing"},
		"TimestampNoLength": {func(h *harness) {
			h.repo.Timestamp.Signed.Meta["snapshot.json"].Length = 0
			h.repo.PublishTimestamp()
		}, "timestamp: meta.snapshot.json.length is missing"},
		"TimestampHugeLength": {func(h *harness) {
			h.repo.Timestamp.Signed.Meta["snapshot.json"].Length = 1 << 40
			h.repo.PublishTimestamp()
		}, "timestamp: meta.snapshot.json.length is 1099511627776, the limit is 2000000"},
		"TimestampVersionZero": {func(h *harness) {
			h.repo.Timestamp.Signed.Meta["snapshot.json"].Version = 0
			h.repo.PublishTimestamp()
		}, "timestamp: meta.snapshot.json.version is 0"},
		"TimestampWithoutMetaLater": {func(h *harness) {
			h.refresh()
			h.repo.Timestamp.Signed.Meta = map[string]*metadata.MetaFiles{}
			h.repo.PublishTimestamp()
		}, "timestamp: the parser failed"},
		"SnapshotNullMeta": {func(h *harness) {
			h.repo.Snapshot.Signed.Meta["targets.json"] = nil
			h.repo.PublishSnapshot()
		}, "snapshot: "},
		"SnapshotNullOther": {func(h *harness) {
			h.repo.Snapshot.Signed.Meta["other.json"] = nil
			h.repo.PublishSnapshot()
		}, "snapshot: meta.other.json is missing or null"},
		"SnapshotWithoutTargets": {func(h *harness) {
			h.repo.Snapshot.Signed.Meta = map[string]*metadata.MetaFiles{}
			h.repo.PublishSnapshot()
		}, "snapshot: meta has no entry targets.json"},
		"SnapshotNoHash": {func(h *harness) {
			h.repo.Hashes = false
			h.repo.PutRole(targets)
			h.repo.Hashes = true
			h.repo.PublishSnapshot()
		}, "snapshot: meta.targets.json.length is missing"},
		"NotConsistent": {func(h *harness) {
			h.repo.Root.Signed.ConsistentSnapshot = false
			h.repo.PublishRoot()
		}, "root: consistent_snapshot must be true"},
		"RoleMissing": {func(h *harness) {
			delete(h.repo.Root.Signed.Roles, timestamp)
			h.repo.PublishRoot()
		}, "root: roles.timestamp is missing"},
		"RoleNull": {func(h *harness) {
			h.repo.Root.Signed.Roles[timestamp] = nil
			h.repo.PublishRoot()
		}, "root: "},
		"KeyNull": {func(h *harness) {
			h.repo.Root.Signed.Keys["x"] = nil
			h.repo.PublishRoot()
		}, "root: keys.x must not be null"},
		"ShortKey": {func(h *harness) {
			key := tuftest.NewKey(9).Public()
			key.Value.PublicKey = "abcd"
			h.check(h.repo.Root.Signed.AddKey(key, timestamp))
			h.repo.PublishRoot()
		}, "must be 32 bytes in hexadecimal"},
		"ShortKeyOfRoot": {func(h *harness) {
			key := tuftest.NewKey(9).Public()
			key.Value.PublicKey = "abcd"
			h.check(h.repo.Root.Signed.AddKey(key, root))
			h.repo.PublishRoot()
		}, "root: the parser failed"},
		"WeakKey": {func(h *harness) {
			key := tuftest.NewKey(9).Public()
			key.Value.PublicKey = "01" + strings.Repeat("00", 31)
			h.check(h.repo.Root.Signed.AddKey(key, timestamp))
			h.repo.PublishRoot()
		}, "anybody can sign with it"},
		"WeakDelegatedKey": {func(h *harness) {
			d := delegations(0)
			key := tuftest.NewKey(9).Public()
			key.Value.PublicKey = strings.Repeat("00", 32)
			d.Keys["x"] = key
			h.repo.Roles[targets].Signed.Delegations = d
			h.repo.Publish(targets)
		}, "targets: keys.x: the key ed25519-"},
		"ManyKeys": {func(h *harness) {
			for i := range 257 {
				key := tuftest.NewKey(9).Public()
				key.UnrecognizedFields = map[string]any{"x": i}
				h.check(h.repo.Root.Signed.AddKey(key, timestamp))
			}
			h.repo.PublishRoot()
		}, "root: has 2"},
		"ManyDelegations": {func(h *harness) {
			h.repo.Roles[targets].Signed.Delegations = delegations(1024)
			h.repo.Publish(targets)
		}, "targets: delegates to 1025 roles, the limit is 1024"},
		"DelegationTwice": {func(h *harness) {
			d := delegations(1)
			d.Roles = append(d.Roles, d.Roles[0])
			h.repo.Roles[targets].Signed.Delegations = d
			h.repo.Publish(targets)
		}, `targets: delegates to "r0" twice`},
		"DelegatedKeyNull": {func(h *harness) {
			d := delegations(0)
			d.Keys["x"] = nil
			h.repo.Roles[targets].Signed.Delegations = d
			h.repo.Publish(targets)
		}, "targets: keys.x must not be null"},
		"HashPrefixes": {func(h *harness) {
			d := delegations(0)
			d.Roles[0].Paths, d.Roles[0].PathHashPrefixes = nil, []string{"0"}
			h.repo.Roles[targets].Signed.Delegations = d
			h.repo.Publish(targets)
		}, "use paths or succinct_roles"},
		"ManyBins": {func(h *harness) {
			h.repo.DelegateBins("bin", 4, tuftest.NewKey(9))
			h.repo.Roles[targets].Signed.Delegations.SuccinctRoles.BitLength = 32
			h.repo.Publish(targets)
		}, "targets: succinct_roles.bit_length is 32, the limit is 14"},
		"BinName": {func(h *harness) {
			h.repo.DelegateBins("../bin", 4, tuftest.NewKey(9))
			h.repo.Publish(targets)
		}, `targets: succinct_roles.name_prefix "../bin"`},
		"HugeTarget": {func(h *harness) {
			h.repo.AddTarget(targets, web1, nil)
			h.repo.Roles[targets].Signed.Targets[web1].Length = 1 << 40
			h.repo.Publish(targets)
		}, "targets: the target \"" + web1 + "\" has the length 1099511627776"},
		"NegativeTarget": {func(h *harness) {
			h.repo.AddTarget(targets, web1, nil)
			h.repo.Roles[targets].Signed.Targets[web1].Length = -1
			h.repo.Publish(targets)
		}, "has the length -1"},
		"TargetShortHash": {func(h *harness) {
			h.repo.AddTarget(targets, web1, nil)
			h.repo.Roles[targets].Signed.Targets[web1].Hashes["sha256"] = []byte{1}
			h.repo.Publish(targets)
		}, "hashes.sha256 is missing or does not have 32 bytes"},
		"TargetNull": {func(h *harness) {
			h.repo.Roles[targets].Signed.Targets[web1] = nil
			h.repo.Publish(targets)
		}, "targets: the parser failed"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHarness(t, false)
			tc.publish(h)
			h.refuse(tuf.ErrMalformed, tc.says)
		})
	}
}

// delegations delegates to n roles and one.
func delegations(n int) *metadata.Delegations {
	key := tuftest.NewKey(50)
	d := &metadata.Delegations{Keys: map[string]*metadata.Key{key.ID(): key.Public()}}
	for i := range n + 1 {
		d.Roles = append(d.Roles, metadata.DelegatedRole{
			Name: fmt.Sprintf("r%d", i), KeyIDs: []string{key.ID()}, Threshold: 1, Paths: []string{"releases/*/*/*"},
		})
	}
	return d
}

// TestLongSearch lets a target be delegated from role to role without an end.
func TestLongSearch(t *testing.T) {
	t.Parallel()
	h := newHarness(t, false)
	all := []delegation{{from: targets, to: "r0"}}
	for i := range 40 {
		all = append(all, delegation{from: fmt.Sprintf("r%d", i), to: fmt.Sprintf("r%d", i+1)})
	}
	h.delegate(all...)
	h.lacks(web1, tuf.ErrMalformed, "leads through more than 32 roles")
}
