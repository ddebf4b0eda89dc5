package pipeline

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/abi/bundle"
)

// SharedHosts returns a warning for each host that ServiceEntries of several namespaces make known
// to the mesh, sorted. Each is exported to its own namespace only, but a cluster whose proxies do
// not heed that takes the first of them for all (istio/istio#56826, #60148).
func SharedHosts(bundles []*bundle.Bundle) []string {
	kind := abi.GroupKind{Group: "networking.istio.io", Kind: "ServiceEntry"}
	namespaces := map[string][]string{}
	for _, b := range bundles {
		for _, o := range b.Applied() {
			if o.Ref.GroupKind() != kind {
				continue
			}
			var entry struct {
				Spec struct {
					Hosts []string `json:"hosts"`
				} `json:"spec"`
			}
			// What is no ServiceEntry is for its schema to say.
			_ = json.Unmarshal(o.Document, &entry)
			for _, host := range entry.Spec.Hosts {
				if !slices.Contains(namespaces[host], o.Ref.Namespace) {
					namespaces[host] = append(namespaces[host], o.Ref.Namespace)
				}
			}
		}
	}
	var warnings []string
	for _, host := range slices.Sorted(maps.Keys(namespaces)) {
		if in := namespaces[host]; len(in) > 1 {
			slices.Sort(in)
			warnings = append(warnings, fmt.Sprintf("the namespaces %s each make the host %s known to the mesh; each entry is "+
				"for its own namespace, but a mesh that does not heed exportTo routes all of them by the oldest entry",
				strings.Join(in, ", "), host))
		}
	}
	return warnings
}
