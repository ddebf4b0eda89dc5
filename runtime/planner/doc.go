// Package planner decides what an executor does to each object of a set. It reads and writes
// nothing itself: an executor gives it what it wrote before, what it should have now, and a way to
// look at the target, and gets a [runtime.Plan] or every conflict.
//
// [Draft] turns a request into the bundles that a set should consist of; [Make] compares them with
// the target. What is owned, changed, held, revoked or forced is decided by one table, the same for
// every target, so that a folder and a cluster never disagree about who may overwrite whom.
package planner
