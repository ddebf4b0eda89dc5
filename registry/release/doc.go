// Package release signs and verifies plugin releases: a DSSE envelope over an in-toto Statement, kept as a Sigstore
// bundle v0.3 with a key hint.
package release
