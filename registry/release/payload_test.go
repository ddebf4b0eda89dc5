package release_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/latticenet/lattice-host/registry/release"
)

func TestPayload(t *testing.T) {
	t.Parallel()
	key, err := release.GenerateKey(bytes.NewReader(bytes.Repeat([]byte{1}, 32)))
	if err != nil {
		t.Fatal(err)
	}
	other, err := release.GenerateKey(bytes.NewReader(bytes.Repeat([]byte{2}, 32)))
	if err != nil {
		t.Fatal(err)
	}
	const kind = "application/vnd.example+json"
	payload := []byte(`{"a":1}`)
	signature, err := release.SignPayload(key, kind, payload)
	if err != nil {
		t.Fatal(err)
	}
	keys := []release.PublicKey{other.Public(), key.Public()}
	if err := release.VerifyPayload(keys, key.ID, kind, payload, signature); err != nil {
		t.Error(err)
	}
	for name, err := range map[string]error{
		"another payload":   release.VerifyPayload(keys, key.ID, kind, []byte(`{"a":2}`), signature),
		"another type":      release.VerifyPayload(keys, key.ID, kind+"x", payload, signature),
		"another key":       release.VerifyPayload(keys, other.ID, kind, payload, signature),
		"an unknown key":    release.VerifyPayload(keys[:1], key.ID, kind, payload, signature),
		"another signature": release.VerifyPayload(keys, key.ID, kind, payload, append([]byte{signature[0] ^ 1}, signature[1:]...)),
		"no signature":      release.VerifyPayload(keys, key.ID, kind, payload, nil),
	} {
		if !errors.Is(err, release.ErrNotTrusted) {
			t.Errorf("%s: got %v, want ErrNotTrusted", name, err)
		}
	}
	if _, err := release.SignPayload(key, release.PayloadType, payload); err == nil {
		t.Error("a release is signed as another payload")
	}
	if _, err := release.SignPayload(release.PrivateKey{}, kind, payload); err == nil {
		t.Error("no key signs")
	}
}
