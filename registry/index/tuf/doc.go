// Package tuf reads an index as a client of The Update Framework (TUF, specification 1.0): which
// targets there are, how fresh that is, and that neither a mirror nor an old or a single stolen key
// can make it say something else.
//
// A [Client] starts from a root that the operator pinned, never from one that it downloaded, and
// keeps every newer root that it verified, so that a mirror cannot hide a key rotation from it
// again. [Client.Refresh] fetches and verifies what is new and returns a [View]; [Client.Verified]
// returns the View of the last successful refresh without any source, also when it has expired, for
// a host that may keep running what it runs.
//
// Signatures, thresholds and versions are checked by go-tuf's set of trusted metadata. Around it,
// this package does what that library leaves to its callers or gets wrong: downloads with
// deadlines, a least speed and limits; a panic of the parser is an error; every refresh and every
// delegation is verified with a set of its own; a clock that cannot be set back; lengths and
// SHA-256 hashes for all metadata; names of one grammar; and a folder for its state that is whole
// after a crash and with several processes.
//
// Errors wrap one of the Err values of this package, and release.ErrNotTrusted when what was found
// must not be trusted.
package tuf
