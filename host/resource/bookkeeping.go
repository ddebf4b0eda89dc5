package resource

import (
	"slices"
	"strings"

	"github.com/latticenet/lattice-host/abi/cbor"
	"github.com/latticenet/lattice-host/abi/lattice"
)

// bookkeeping returns the annotations in which clients note what they did with a document: whole
// names, and prefixes that end in a slash. They say nothing about what is wanted, and change with
// every client and every apply. docs/operating.md has the same list.
func bookkeeping() []string {
	return []string{
		// kubectl apply keeps the whole document in it (k8s.io/api/core/v1,
		// LastAppliedConfigAnnotation).
		"kubectl.kubernetes.io/last-applied-configuration",
		// Argo CD and Config Sync track what they applied.
		"argocd.argoproj.io/installation-id",
		"argocd.argoproj.io/tracking-id",
		"configsync.gke.io/",
		// cli-utils and kpt: the inventory that owns an object, and where a function read it.
		"config.k8s.io/owning-inventory",
		"config.kubernetes.io/",
		"internal.config.kubernetes.io/",
		// Flux: what a reconciliation was asked for and which content it applied.
		"kustomize.toolkit.fluxcd.io/checksum",
		"reconcile.fluxcd.io/requestedAt",
		// Helm: the release that an object is of.
		"meta.helm.sh/",
		// Rancher Fleet, which keeps the whole document as kubectl does.
		"objectset.rio.cattle.io/",
	}
}

// dropBookkeeping takes out what clients keep books in. Steps do not see it, and it is in no
// digest.
func dropBookkeeping(m *lattice.ObjectMeta) {
	m.Annotations = slices.DeleteFunc(m.Annotations, func(e cbor.Entry[string]) bool { return isBookkeeping(e.Key) })
	if len(m.Annotations) == 0 {
		m.Annotations = nil
	}
}

func isBookkeeping(annotation string) bool {
	return slices.ContainsFunc(bookkeeping(), func(name string) bool {
		return annotation == name || strings.HasSuffix(name, "/") && strings.HasPrefix(annotation, name)
	})
}
