// Package latticenet reads, verifies and stores plugins in the format of the LatticeNet server: a
// manifest in JSON, schema v1 or lattice.plugin.manifest.v2, signed with Ed25519, next to one
// artifact, which is a gzipped tar file in v2.
//
// These are not the plugins that this host runs. Most are native programs of type system; what the
// package does with them is to read, to verify and to store. Nothing of it executes an artifact.
//
// Where the format leaves room, the package takes the narrower reading. The server and the index
// have different grammars for ids: an id must fit both. A signature of v1 is over lines of text, so
// that no field of a manifest may hold a line break, and it does not cover dependencies, so that a
// signed v1 manifest may not have any. Digests are in lower case.
package latticenet
