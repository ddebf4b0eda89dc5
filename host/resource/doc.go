// Package resource reads the documents that users write, a LatticeService or a LatticeMeshMember,
// from JSON or YAML.
//
// Reading is strict: an unknown field, a value of the wrong type, a double key and everything that
// the kinds forbid is a [problem.Problem] with the position in the user's file, and all problems of
// all files are reported together. What comes out is complete, with every default filled in, so no
// caller of this package needs to know a default.
//
// Documents that a plugin derives pass through the same checks, see [FromDerived].
package resource
