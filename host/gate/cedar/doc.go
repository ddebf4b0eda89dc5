// Package cedar answers the requests of a gate with Cedar policies.
//
// Policies come from files of Cedar text, all of which must be right, and from CedarPolicy
// documents, each of which counts for itself, see [Parse]. Every policy has an @id, and is checked
// against the schema, which [Schema] returns, when it is loaded; every request is checked against
// it before it is decided. So a policy cannot fail, except for an integer overflow, and one that
// fails denies.
//
// These annotations are shown with what a policy decides: @title, @severity, and @reason or else
// @description. A policy that permits to run a revoked plugin must have @reason.
package cedar

// Limits on policies. The parser and the type checker recurse without a limit of their own, so that
// without these a file could end the process.
const (
	// maxFileBytes is the largest file of policies, and the longest text of a CedarPolicy.
	maxFileBytes = 256 << 10
	// maxDocumentBytes is the largest file of CedarPolicy documents.
	maxDocumentBytes = 1 << 20
	// maxDepth is how deep brackets nest.
	maxDepth = 64
	// maxOperators is how many operators one policy has: a chain of them nests as brackets do.
	maxOperators = 500
	// maxPolicies is how many policies there are altogether.
	maxPolicies = 10_000
	// maxEntities is how many entities one request has: principal, resource, and what they are in,
	// directly or not.
	maxEntities = 256
)
