package release

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"slices"
)

// SignPayload returns the DSSE signature of a payload that is not a release. The payload type keeps
// a signature of one kind of document from being taken for one of another, so it must be the
// caller's own.
func SignPayload(key PrivateKey, payloadType string, payload []byte) ([]byte, error) {
	if err := key.check(); err != nil {
		return nil, err
	}
	if payloadType == PayloadType {
		return nil, errors.New("a release is signed with Sign, not as a payload of type " + payloadType)
	}
	return ed25519.Sign(key.Ed25519, preAuthEncoding(payloadType, payload)), nil
}

// VerifyPayload checks what [SignPayload] returned. The id only chooses among keys. The error wraps
// [ErrNotTrusted].
func VerifyPayload(keys []PublicKey, keyID, payloadType string, payload, signature []byte) error {
	at := slices.IndexFunc(keys, func(k PublicKey) bool { return k.ID == keyID })
	if at < 0 {
		return fmt.Errorf("%w: the key %.80q is not one of the trusted keys", ErrNotTrusted, keyID)
	}
	key := keys[at]
	if err := key.check(); err != nil {
		return fmt.Errorf("%w: %w", ErrNotTrusted, err)
	}
	if !ed25519.Verify(key.Ed25519, preAuthEncoding(payloadType, payload), signature) {
		return fmt.Errorf("%w: the signature is not one of the payload by the key %s", ErrNotTrusted, key.ID)
	}
	return nil
}
