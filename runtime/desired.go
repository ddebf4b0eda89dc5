package runtime

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/abi/bundle"
	"github.com/latticenet/lattice-host/internal/outputkind"
)

const (
	// MaxBundles is how many bundles one set has.
	MaxBundles = 1 << 15
	// MaxSetBytes is how large the bundles of one set are together.
	MaxSetBytes = 1 << 30
	// maxSetName is what Kubernetes allows for the name of an object, with room for a prefix.
	maxSetName = 63
)

// Bundle is one bundle as gates judge it and executors apply it: its bytes, and what they say.
type Bundle struct {
	// Raw are the canonical bytes. They count: what they say is read again from them before
	// anything is written.
	Raw []byte
	// Content is what the bytes say.
	Content *bundle.Bundle
}

// BundleOf returns a bundle that was just built. Its bytes are not copied.
func BundleOf(b *bundle.Bundle) Bundle { return Bundle{Raw: b.JSON(), Content: b} }

// ReadBundle returns the bundle with its own copy of the bytes. The error is [bundle.ErrBundle]
// when they are not one.
func ReadBundle(raw []byte) (Bundle, error) {
	content, err := bundle.Parse(raw)
	if err != nil {
		return Bundle{}, err
	}
	return BundleOf(content), nil
}

// Digest returns the digest of the bundle, the one that it was built with; empty for the zero
// value.
func (b Bundle) Digest() string {
	if b.Content == nil {
		return ""
	}
	return b.Content.Digest()
}

// Desired is what a set should consist of.
type Desired struct {
	// Set is the name of the set: lower-case letters, digits and hyphens.
	Set string
	// Bundles are the bundles of the set, in any order. There is at least one, or something to
	// revoke: [Executor.Destroy] removes a set.
	Bundles []Bundle
	// Keep leaves resources of the set alone that have no bundle here. Otherwise they are removed.
	Keep bool
	// Hold are resources of the set that stay as they are, whatever has become of their objects:
	// those that a gate does not let pass now. None of their objects is written or removed, not
	// even by force, nor for another resource. They must not have a bundle here; those that are not
	// in the set are ignored.
	Hold []abi.Ref
	// Revoke are those of Hold that must not have secrets any more: their objects that fetch
	// secrets are removed, unless another resource of the set has them, too.
	Revoke []abi.Ref
	Options
}

// setName is a DNS label.
var setName = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`)

// CheckSet returns an [ErrInvalid] for what cannot name a set.
func CheckSet(name string) error {
	if len(name) > maxSetName || !setName.MatchString(name) {
		return &Error{Kind: ErrInvalid, Problem: fmt.Sprintf(
			"%.80q cannot name a set; use at most %d lower-case letters, digits and hyphens", name, maxSetName)}
	}
	return nil
}

// Check returns everything that is wrong with what is desired, whatever the target.
func (d *Desired) Check() error {
	errs := []error{CheckSet(d.Set)}
	if len(d.Bundles) == 0 && len(d.Revoke) == 0 {
		errs = append(errs, &Error{Kind: ErrInvalid, Problem: "nothing is desired; destroy the set to remove all of it"})
	}
	for _, b := range d.Bundles {
		if slices.Contains(d.Hold, b.Content.Resource) {
			errs = append(errs, &Error{Kind: ErrInvalid, Object: b.Content.Resource.String(), Problem: "the resource is both desired and held"})
		}
	}
	for _, r := range d.Revoke {
		if !slices.Contains(d.Hold, r) {
			errs = append(errs, &Error{Kind: ErrInvalid, Object: r.String(), Problem: "the secrets of the resource are revoked, but it is not held"})
		}
	}
	return errors.Join(append(errs, CheckBundles(d.Bundles))...)
}

// Revoked returns the objects of bundles that are removed because the secrets of resources are
// revoked.
func Revoked(bundles []Bundle, resources []abi.Ref) map[abi.Ref]bool {
	revoked := map[abi.Ref]bool{}
	for _, b := range Only(bundles, resources) {
		for _, o := range b.Content.Applied() {
			if outputkind.Of(o.Ref.GroupKind()).FetchesSecrets {
				revoked[o.Ref] = true
			}
		}
	}
	if len(revoked) == 0 {
		return revoked
	}
	for _, b := range bundles {
		if slices.Contains(resources, b.Content.Resource) {
			continue
		}
		for _, o := range b.Content.Applied() {
			delete(revoked, o.Ref)
		}
	}
	return revoked
}

// CheckBundles returns everything that keeps bundles from being one set: a resource twice, or one
// object that two resources want to be different. An object that is the same for all, such as the
// gateway of a namespace, may derive from any number of resources; see [Owners].
func CheckBundles(bundles []Bundle) error {
	if len(bundles) > MaxBundles {
		return &Error{Kind: ErrInvalid, Problem: fmt.Sprintf("a set has at most %d resources, not %d; split it", MaxBundles, len(bundles))}
	}
	var errs []error
	size := 0
	resources := map[abi.Ref]bool{}
	owners := map[abi.Ref]owner{}
	for _, b := range sorted(bundles) {
		resource := b.Content.Resource
		size += len(b.Raw)
		if resources[resource] {
			errs = append(errs, &Error{Kind: ErrInvalid, Object: resource.String(), Problem: "the resource is a duplicate; keep one"})
			continue
		}
		resources[resource] = true
		for _, o := range b.Content.Applied() {
			first, ok := owners[o.Ref]
			switch {
			case !ok:
				owners[o.Ref] = owner{resource, o.Document}
			case !bytes.Equal(first.document, o.Document):
				errs = append(errs, &Error{
					Kind: ErrConflict, Object: o.Ref.String(),
					Problem: "derives differently from " + first.resource.String() + " and from " + resource.String() + "; rename one of them",
				})
			}
		}
	}
	if size > MaxSetBytes {
		errs = append(errs, &Error{Kind: ErrInvalid, Problem: fmt.Sprintf("a set has at most %d bytes, not %d; split it", MaxSetBytes, size)})
	}
	return errors.Join(errs...)
}

// owner is the resource that an object is applied for.
type owner struct {
	resource abi.Ref
	document json.RawMessage
}

// Owners returns for each object of bundles the resource that it is applied for: the first in their
// order that it derives from. So an object of several is applied once, and is there until the last
// of them is gone.
func Owners(bundles []Bundle) map[abi.Ref]abi.Ref {
	owners := map[abi.Ref]abi.Ref{}
	for _, b := range sorted(bundles) {
		for _, o := range b.Content.Applied() {
			if owners[o.Ref] == (abi.Ref{}) {
				owners[o.Ref] = b.Content.Resource
			}
		}
	}
	return owners
}

// sorted returns bundles in the order of their resources.
func sorted(bundles []Bundle) []Bundle {
	return slices.SortedStableFunc(slices.Values(bundles), func(a, b Bundle) int {
		return a.Content.Resource.Compare(b.Content.Resource)
	})
}

// Merge returns the bundles of a set after a change: those of before, without the resources of
// drop, replaced by those of with where both have a resource. They are in the order of their
// resources.
func Merge(before, with []Bundle, drop []abi.Ref) []Bundle {
	gone := map[abi.Ref]bool{}
	for _, r := range drop {
		gone[r] = true
	}
	for _, b := range with {
		gone[b.Content.Resource] = true
	}
	all := slices.Clone(with)
	for _, b := range before {
		if !gone[b.Content.Resource] {
			all = append(all, b)
		}
	}
	return sorted(all)
}

// Only returns the bundles of resources.
func Only(bundles []Bundle, resources []abi.Ref) []Bundle {
	return slices.DeleteFunc(slices.Clone(bundles), func(b Bundle) bool { return !slices.Contains(resources, b.Content.Resource) })
}

// ResourcesOf returns the resources that bundles are of, in their order, without those of drop.
func ResourcesOf(bundles []Bundle, drop []abi.Ref) []abi.Ref {
	var resources []abi.Ref
	for _, b := range bundles {
		if !slices.Contains(drop, b.Content.Resource) {
			resources = append(resources, b.Content.Resource)
		}
	}
	return resources
}

// names lists references for people.
func names(refs []abi.Ref) string {
	texts := make([]string, len(refs))
	for i, r := range refs {
		texts[i] = r.String()
	}
	return strings.Join(texts, ", ")
}

// CheckResources returns an [ErrNotFound] that names all resources that no bundle is of.
func CheckResources(set string, bundles []Bundle, resources []abi.Ref) error {
	there := map[abi.Ref]bool{}
	for _, b := range bundles {
		there[b.Content.Resource] = true
	}
	missing := slices.DeleteFunc(slices.Clone(resources), func(r abi.Ref) bool { return there[r] })
	if len(missing) == 0 {
		return nil
	}
	return &Error{Kind: ErrNotFound, Problem: "the set " + set + " does not have " + names(missing)}
}
