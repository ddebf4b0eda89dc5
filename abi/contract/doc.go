// Package contract checks what a plugin answers: the one set of rules, for a host that runs
// plugins, for a test that calls one natively, and for a conformance suite. Whatever passes here
// and is not in conflict with another step is taken.
//
// # Vectors
//
// The files testdata/*.json let an SDK in any language test itself without this package. Each holds
// one case:
//
//   - reason: what the case shows;
//   - manifest: the manifest of the plugin that answers;
//   - request: what the plugin was asked, a Request;
//   - answer: what it said, a Response as JSON; in its place text, where it is not JSON, or cbor
//     alone, where it is wrong in CBOR only;
//   - cbor: request and answer as deterministic CBOR, in hexadecimal digits, derived from the
//     above;
//   - verdict: the problems of the answer, each with code, path and message, and the keys that ABI
//     1 does not have. An answer without problems is taken.
//
// An encoder is right when it writes the bytes of cbor for the message; a decoder, when it reads
// both encodings to the same message; a checker, when it finds exactly the codes and paths of the
// verdict, in their order. Messages may change, codes and paths do not.
package contract
