package lattice

import (
	"strings"

	"github.com/latticenet/lattice-host/abi/cbor"
)

// LabelVolumePrefix is followed by the id of a volume, in a label with the value "true". Pods of the service that owns the
// volume carry it, and requirements find the service's document by it, see [HasLabel].
const LabelVolumePrefix = "lattice.io/vol-"

// HasLabel reports whether requirements that ask for a label find a document, encoded as CBOR: it has the label, or the
// label is that of a volume which the document owns, a resource of type volume with this id and a size.
func HasLabel(document cbor.Raw, key, value string) bool {
	if got := cbor.Lookup(document, "metadata", "labels", key); got != nil && cbor.TextAt(got) == value {
		return true
	}
	id, ok := strings.CutPrefix(key, LabelVolumePrefix)
	resources := cbor.Lookup(document, "spec", "workload", "resources")
	if !ok || value != "true" || !cbor.IsObject(resources) {
		return false
	}
	found, d := false, cbor.NewDecoder(resources)
	name := ""
	for i := range d.Object() {
		name = d.Key(i, name)
		r := d.Raw()
		if d.Failed() {
			return false
		}
		found = found || cbor.TextAt(r, "type") == "volume" && cbor.TextAt(r, "id") == id && cbor.TextAt(r, "params", "size") != ""
	}
	return found
}
