// Package resource reads the documents that users write, a LatticeService or a LatticeMeshMember, from JSON or YAML.
//
// Reading is strict: an unknown field, a value of the wrong type, a double key and everything that the kinds forbid is a
// [problem.Problem] with the position in the user's file, and all problems of all files are reported together. What comes out is
// complete, with every default filled in, so that nothing behind this package needs to know a default.
//
// Documents that a plugin derives pass through the same checks, see [FromDerived].
package resource

// Limits on what is read. They bound memory and time for any input, and lie far above what a person writes.
const (
	// maxFileBytes is the largest file.
	maxFileBytes = 8 << 20
	// maxDocuments is how many documents one file holds.
	maxDocuments = 1000
	// maxDepth is how deep lists and mappings nest.
	maxDepth = 64
	// maxNodes is how many values one file holds when its YAML aliases are replaced by what they stand for.
	maxNodes = 100_000
	// maxKeyBytes is the longest key: the longest path that Linux takes.
	maxKeyBytes = 4096
)
