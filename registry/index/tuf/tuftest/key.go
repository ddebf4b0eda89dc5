package tuftest

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"crypto/rsa"

	"github.com/sigstore/sigstore/pkg/signature"
	"github.com/theupdateframework/go-tuf/v2/metadata"
)

// Key signs metadata.
type Key struct {
	signer signature.Signer
	public crypto.PublicKey
}

// NewKey returns the Ed25519 key whose seed repeats the byte n.
func NewKey(n byte) Key {
	private := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{n}, ed25519.SeedSize))
	return SignWith(private, crypto.Hash(0))
}

// SignWith returns a key of any kind that go-tuf knows.
func SignWith(private crypto.Signer, hash crypto.Hash) Key {
	signer, err := signature.LoadSigner(private, hash)
	if err != nil {
		panic(err)
	}
	return Key{signer, private.Public()}
}

// Public returns the public half as metadata has it.
func (k Key) Public() *metadata.Key {
	key, err := metadata.KeyFromPublicKey(k.public)
	if err != nil {
		panic(err)
	}
	return key
}

// ID returns the id of the key.
func (k Key) ID() string {
	id, err := k.Public().ID()
	if err != nil {
		panic(err)
	}
	return id
}

// SignPSS returns an RSA key that signs with PSS, as TUF asks for.
func SignPSS(private *rsa.PrivateKey) Key {
	signer, err := signature.LoadRSAPSSSigner(private, crypto.SHA256, &rsa.PSSOptions{Hash: crypto.SHA256})
	if err != nil {
		panic(err)
	}
	return Key{signer, private.Public()}
}
