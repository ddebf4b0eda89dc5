// Package release signs and verifies plugin releases: a DSSE envelope over an in-toto Statement,
// kept as a Sigstore bundle v0.3 with a key hint. Where several people must sign, each adds a
// bundle of the same statement.
//
// [Sign] reads the manifest from the custom section of a module and vouches for both. [Verify] is
// the only way to a [Module], and checks everything again at every load: size, digest, signature,
// types, subject and manifest. Keys come from the caller only; a bundle merely hints at which of
// them signed.
package release
