package resource

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/abi/lattice"
	"github.com/latticenet/lattice-host/internal/problem"
)

// ErrManifest says that a manifest names a kind or a feature that does not exist.
var ErrManifest = errors.New("no plugin can handle that")

// CheckManifest refuses a manifest that derives from a kind of the host's own group that the host
// does not have, or that names features which the kind does not have: a misspelt one would be
// handled by no step, or keep the plugin from being called. The error satisfies [ErrManifest] and
// names everything that is wrong. Kinds of other plugins are not known here and pass.
func CheckManifest(m *abi.Manifest) error {
	var problems []error
	for i, d := range m.Derives {
		at := fmt.Sprintf("manifest: derives.%d", i)
		features, known := featuresOf(m, abi.GroupKind{Group: d.Group, Kind: d.Kind})
		if !known {
			if d.Group == lattice.Group {
				problems = append(problems, fmt.Errorf("%s.kind: %q is not a kind of %s; there is %s: %w", at, d.Kind, lattice.Group, Builtin().text(), ErrManifest))
			}
			continue
		}
		for _, list := range []struct {
			field string
			names []string
		}{{"covers", d.Covers}, {"when", d.When}} {
			for _, name := range list.names {
				if !features[name] {
					problems = append(problems, unknownFeature(at+"."+list.field, d.Kind, name, features))
				}
			}
		}
	}
	return errors.Join(problems...)
}

func unknownFeature(field, kind, name string, features map[string]bool) error {
	names := slices.Sorted(maps.Keys(features))
	hint := "there is " + strings.Join(names, ", ")
	if near := problem.Nearest(name, names); near != "" {
		hint = "did you mean " + near + "?"
	}
	return fmt.Errorf("%s: %q is not a feature of %s; %s: %w", field, name, kind, hint, ErrManifest)
}

// featuresOf returns the features of a kind that the host has or the manifest brings.
func featuresOf(m *abi.Manifest, k abi.GroupKind) (features map[string]bool, known bool) {
	features = map[string]bool{}
	if own := Builtin().Find(k); own != nil {
		for _, f := range own.Features {
			features[f.Name] = true
		}
		return features, true
	}
	for i := range m.Kinds {
		if m.Kinds[i].GroupKind() == k {
			for _, f := range m.Kinds[i].Features {
				features[f.Name] = true
			}
			return features, true
		}
	}
	return nil, false
}
