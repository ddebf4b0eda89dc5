// Package runtime is the contract of executors: what takes bundles to where they run.
//
// An [Executor] keeps one or more sets. A set is a named group of resources with all that derives
// from them; what is in a set and no longer wanted is removed with everything that the executor
// wrote for it, and nothing else.
//
// All changes go one way. Plan, Prune, Destroy and Rollback write nothing and return a [Plan]: what
// would be done to each object, and why. Gates judge the bytes of its bundles, and only
// [Executor.Apply] writes, with an [Approval] that names exactly what was judged, and the plan:
//
//	plan  ─ gate "execute" ─ approval ─ apply
//	  └────── the same bytes, the same target ──┘
//
// Apply takes the digest of the very bytes that it is about to write, and of the plan that it makes
// again. Where either differs from the approval nothing is written: what was approved is done, or
// nothing is.
//
// Sub-packages are the executors; package executortest is what all of them must pass.
package runtime
