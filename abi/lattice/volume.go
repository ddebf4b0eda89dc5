package lattice

import (
	"strings"

	"github.com/latticenet/lattice-host/abi/cbor"
)

// LabelVolumePrefix is followed by the id of a volume, in a label with the value "true". Pods of
// the service that owns the volume carry it, and requirements find the service's document by it,
// see [HasLabel].
const LabelVolumePrefix = "lattice.io/vol-"

// LabelTask is a label by which requirements find the job that has a task. Its value is what the
// task's pods are labelled with, JOB-TASK.
const LabelTask = "lattice.dev/task"

// HasLabel reports whether requirements that ask for a label find a document, encoded as CBOR: it
// has the label, or the label is that of a volume which the document owns, a resource of type
// volume with this id and a size, or that of a task.
func HasLabel(document cbor.Raw, key, value string) bool {
	if got := cbor.Lookup(document, "metadata", "labels", key); got != nil && cbor.TextAt(got) == value {
		return true
	}
	tasks := cbor.Lookup(document, "spec", "tasks")
	if key == LabelTask {
		task, ok := strings.CutPrefix(value, cbor.TextAt(document, "metadata", "name")+"-")
		return ok && cbor.Lookup(tasks, task) != nil
	}
	id, ok := strings.CutPrefix(key, LabelVolumePrefix)
	if !ok || value != "true" {
		return false
	}
	return ownsVolume(cbor.Lookup(document, "spec", "workload", "resources"), id) ||
		anyValue(tasks, func(task cbor.Raw) bool { return ownsVolume(cbor.Lookup(task, "workload", "resources"), id) })
}

// ownsVolume reports whether one of some resources is a volume with an id and a size.
func ownsVolume(resources cbor.Raw, id string) bool {
	return anyValue(resources, func(r cbor.Raw) bool {
		return cbor.TextAt(r, "type") == "volume" && cbor.TextAt(r, "id") == id && cbor.TextAt(r, "params", "size") != ""
	})
}

// anyValue reports whether a value of an object is as wanted; what is not an object has none.
func anyValue(object cbor.Raw, wanted func(cbor.Raw) bool) bool {
	if !cbor.IsObject(object) {
		return false
	}
	found, d := false, cbor.NewDecoder(object)
	name := ""
	for i := range d.Object() {
		name = d.Key(i, name)
		value := d.Raw()
		if d.Failed() {
			return false
		}
		found = found || wanted(value)
	}
	return found
}
