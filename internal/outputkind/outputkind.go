// Package outputkind is the one table of the kinds of object that plugins emit: scope, plural,
// stage, how fields merge, where pods are, and what an object does with secrets. Pipelines, gates,
// executors and commands look kinds up here, so that they agree.
package outputkind

import (
	"slices"
	"strings"

	"github.com/latticenet/lattice-host/abi"
)

// The stages of a bundle, in the order in which they are applied. A workload must never run a
// moment without its policies, so that policies have a stage of their own before workloads; a
// scaler's webhook needs its target, so that scalers come after.
const (
	// StageScope holds what other objects live in: namespaces and definitions.
	StageScope = iota
	// StageConfig holds configuration, identities, permissions and secrets.
	StageConfig
	// StagePolicy holds network, mesh and runtime policies.
	StagePolicy
	// StageService holds what workloads are found by and scheduled with.
	StageService
	// StageWorkload holds workloads, and every kind that has no other stage.
	StageWorkload
	// StageScaler holds autoscalers.
	StageScaler
	// StageRoute holds routes from outside and metrics scrapes.
	StageRoute
	// StageWebhook holds admission webhooks.
	StageWebhook
)

// Scope says whether objects of a kind live in a namespace.
type Scope uint8

const (
	// ScopeUnknown is that of a kind that has no row.
	ScopeUnknown Scope = iota
	// ScopeNamespace is that of objects in a namespace.
	ScopeNamespace
	// ScopeCluster is that of objects that the whole cluster has.
	ScopeCluster
)

// MergeDeduced is the type of a kind whose fields merge as their values suggest.
const MergeDeduced = "deduced"

// Kind is one row. A row without a kind is about all kinds of its group that have no row of their
// own.
type Kind struct {
	abi.GroupKind
	// Plural is the name of the kind in an address of the API server; empty when it is not known.
	Plural string
	// Scope is where objects live.
	Scope Scope
	// Stage is when objects are applied: one of the Stage constants.
	Stage int
	// Merge is the type in host/pipeline/merge.yaml that says how fields merge.
	Merge string
	// Versions are those whose form gates can read, field by field. A kind without one is asked
	// about as a whole.
	Versions []string
	// Pods are the paths of pod specs in those versions; an asterisk is every item of a list.
	Pods []string
	// Data says that objects hold texts that nothing acts on.
	Data bool
	// Secret says that objects hold what must not be shown, logged or remembered.
	Secret bool
	// FetchesSecrets says that objects make secrets that are kept elsewhere appear where workloads
	// run. They are there for as long as the object is.
	FetchesSecrets bool
}

// Readable reports whether gates can read an object of the kind in a version such as v1 or v1beta1.
func (k *Kind) Readable(version string) bool { return slices.Contains(k.Versions, version) }

// Of returns the row of a kind: its own, or else that of its group, or else one of a workload of
// which nothing is known.
func Of(kind abi.GroupKind) Kind {
	rows := table()
	for _, k := range []abi.GroupKind{kind, {Group: kind.Group}} {
		// The core group has no row for all of its kinds.
		if k.IsZero() {
			continue
		}
		if at, found := slices.BinarySearchFunc(rows, k, func(row Kind, k abi.GroupKind) int { return compare(row.GroupKind, k) }); found {
			row := rows[at]
			row.GroupKind = kind
			return row
		}
	}
	return Kind{GroupKind: kind, Stage: StageWorkload, Merge: MergeDeduced}
}

// OfRef returns the row of the kind of an object, and whether gates can read the version that the
// object has.
func OfRef(r abi.Ref) (k Kind, readable bool) {
	k = Of(r.GroupKind())
	version, ok := r.APIVersion, true
	if k.Group != "" {
		version, ok = strings.CutPrefix(r.APIVersion, k.Group+"/")
	}
	return k, ok && k.Readable(version)
}

// All returns all rows that are about one kind, in the order of group and kind.
func All() []Kind {
	return slices.DeleteFunc(slices.Clone(table()), func(k Kind) bool { return k.Kind == "" })
}

func compare(a, b abi.GroupKind) int {
	if c := strings.Compare(a.Group, b.Group); c != 0 {
		return c
	}
	return strings.Compare(a.Kind, b.Kind)
}

// KnowsGroup reports whether the table has a kind of an API group.
func KnowsGroup(group string) bool {
	return slices.ContainsFunc(table(), func(k Kind) bool { return k.Group == group })
}
