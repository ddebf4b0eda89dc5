// Package yamldoc is the one reader of files that people write, in YAML or JSON: documents,
// pipelines, settings, grants, quotas, policies, tests of policies and manifests of plugins. The
// same mistake has the same words and the right line in all of them.
//
// Reading is strict. An unknown field, a duplicate key and a value of another type are problems.
// Aliases and merge keys are replaced by what they refer to before anything is checked, so that
// nothing hides in them.
package yamldoc

// Limits on what is read. They bound memory and time for any input, and lie far above what a person
// writes.
const (
	// MaxBytes is the largest file.
	MaxBytes = 8 << 20
	// maxDocuments is how many documents one file holds.
	maxDocuments = 1000
	// maxDepth is how deep lists and mappings nest.
	maxDepth = 64
	// MaxValues is how many values one file holds when its YAML aliases are replaced by what they
	// refer to.
	MaxValues = 100_000
	// maxKeyBytes is the longest key: the longest path that Linux takes.
	maxKeyBytes = 4096
)
