// Package hostcall answers what plugins ask the host for while they run: their own store, a page
// from the network, other resources.
//
// A [Run] is one run of the host over documents. Each document is a [Derivation], each step of it a
// [Step], which is the [Caller] that answers the calls of the step's plugin. What a plugin gets is
// what its manifest asks for, what the operator granted, and what the run's [Authorizer] allows,
// all three. Anything else is an answer that says denied.
//
// Nothing that a derivation sees depends on what runs next to it: a step sees the store as it was
// when the run began and what it wrote itself, and gets the same answer when it asks for the same
// page or resources again. What steps wrote is kept when the whole run came to a good end, see
// [Run.Commit].
//
// The calls of a run can be written to a [Tape], and answered from one: then nothing else is read.
//
// The package knows no engine. A transport hands what a guest asks for to [Serve].
package hostcall
