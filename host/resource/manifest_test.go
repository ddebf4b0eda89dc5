package resource

import (
	"errors"
	"strings"
	"testing"

	"github.com/latticenet/lattice-host/abi"
)

func TestCheckManifest(t *testing.T) {
	t.Parallel()
	database := abi.KindDefinition{Group: "acme.example.com", Kind: "Database", Features: []abi.KindFeature{{Name: "replicas"}}}
	for reason, c := range map[string]struct {
		derives abi.Derives
		want    string
	}{
		"known":             {abi.Derives{Group: "lattice.dev", Kind: "LatticeService", Covers: []string{"autoscaling"}, When: []string{"autoscaling"}}, ""},
		"misspelt covers":   {abi.Derives{Group: "lattice.dev", Kind: "LatticeService", Covers: []string{"autoscalling"}}, `derives.0.covers: "autoscalling" is not a feature of LatticeService; did you mean autoscaling?`},
		"misspelt when":     {abi.Derives{Group: "lattice.dev", Kind: "LatticeService", When: []string{"xyz"}}, `derives.0.when: "xyz" is not a feature of LatticeService; there is advertise, `},
		"of another kind":   {abi.Derives{Group: "lattice.dev", Kind: "LatticeMeshMember", Covers: []string{"gpu"}}, `"gpu" is not a feature of LatticeMeshMember`},
		"unknown kind":      {abi.Derives{Group: "lattice.dev", Kind: "LatticeServise"}, `derives.0.kind: "LatticeServise" is not a kind of lattice.dev; there is LatticeJob, LatticeMeshMember, `},
		"its own kind":      {abi.Derives{Group: "acme.example.com", Kind: "Database", Covers: []string{"replicas"}}, ""},
		"its own, misspelt": {abi.Derives{Group: "acme.example.com", Kind: "Database", Covers: []string{"replica"}}, "did you mean replicas?"},
		"of another plugin": {abi.Derives{Group: "other.example.com", Kind: "Queue", Covers: []string{"depth"}}, ""},
	} {
		t.Run(reason, func(t *testing.T) {
			t.Parallel()
			err := CheckManifest(&abi.Manifest{Derives: []abi.Derives{c.derives}, Kinds: []abi.KindDefinition{database}})
			if c.want == "" {
				if err != nil {
					t.Errorf("got %v", err)
				}
				return
			}
			if !errors.Is(err, ErrManifest) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
}
