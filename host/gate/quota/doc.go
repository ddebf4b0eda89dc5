// Package quota counts what workloads ask for, and how much of it their quotas leave.
//
// A LatticeQuota limits a principal: one service, a group of namespaces, or the services that a
// user owns. The demand of a workload is what its containers request, times its replicas, or the
// most replicas that its autoscaler may make. An [Account] knows the demand of all workloads, and
// says of one of them what it requests and what the others leave: facts for [Rules], which deny
// what is too much.
package quota

import (
	"bytes"
	_ "embed"
)

// Limits on what is read.
const (
	// MaxFileBytes is the largest file of quotas.
	MaxFileBytes = 1 << 20
)

// The keys of demand and limits.
const (
	CPU    = "cpu"
	Memory = "memory"
	GPU    = "gpu"
)

// OwnerAnnotation is the annotation of a workload that names the user whose quotas it counts
// against.
const OwnerAnnotation = "lattice.dev/owner"

// GroupLabel is the label of a namespace that names the group whose quotas its workloads count
// against.
const GroupLabel = "lattice.dev/group"

// RulesFile is the name of the file of [Rules].
const RulesFile = "builtin/quota.rego"

//go:embed quota.rego
var rules []byte

// Rules returns the rules of the package lattice.admit, in Rego, that deny what exceeds a quota.
func Rules() []byte { return bytes.Clone(rules) }
