// Package gate decides, by policies, what may happen at the points where lattice-host can be
// stopped.
//
// A gate asks every engine of a [Policies] about one [Input] and combines their answers into a
// [Decision]:
//
//	Error > Deny > NoOpinion > Allow
//
// The strongest verdict wins, and only Allow lets anything pass. So an engine that fails, a policy
// that fails, and no policy at all deny. There are no priorities and no first match: anyone who
// reads the decision sees every reason of every engine, in one order.
//
// The package knows no policy language. Package cedar answers who may do what, package rego what is
// acceptable, and package facts finds in the outputs of a derivation what has to be asked.
package gate
