package runtime

import (
	"fmt"
	"regexp"
	"time"

	"github.com/latticenet/lattice-host/abi"
)

// Result is what an apply did.
type Result struct {
	// Revision is the number that the set has now; 0 when it is no more.
	Revision int `json:"revision"`
	// Changes are what was done: those of the plan, unless something failed.
	Changes []Change `json:"changes"`
}

// Revision is one state of a set in its history.
type Revision struct {
	// Number counts the changes of the set.
	Number int       `json:"revision"`
	Time   time.Time `json:"time"`
	Cause  Cause     `json:"cause"`
	// Plan is the digest of the plan, Decisions the ids of what approved it.
	Plan      string   `json:"plan"`
	Decisions []string `json:"decisions"`
	// Bundles are what the set consisted of.
	Bundles []RevisionBundle `json:"bundles"`
	// Objects is how many objects there were.
	Objects int `json:"objects"`
}

// RevisionBundle is one bundle of a revision.
type RevisionBundle struct {
	Resource abi.Ref `json:"resource"`
	// Digest is the SHA-256 of the bytes.
	Digest string `json:"digest"`
}

// Recorded returns what a revision keeps about bundles, in their order.
func Recorded(bundles []Bundle) []RevisionBundle {
	list := make([]RevisionBundle, len(bundles))
	for i, b := range bundles {
		list[i] = RevisionBundle{Resource: b.Content.Resource, Digest: b.Digest()}
	}
	return list
}

// CheckRecorded returns an error when a list of recorded bundles is not sorted by resource, or has
// something else than digests.
func CheckRecorded(list []RevisionBundle) error {
	for i, b := range list {
		if !IsDigest(b.Digest) {
			return fmt.Errorf("bundles: %.100q is not a digest", b.Digest)
		}
		if i > 0 && list[i-1].Resource.Compare(b.Resource) >= 0 {
			return fmt.Errorf("bundles: %.300q: they are not sorted by resource", b.Resource)
		}
	}
	return nil
}

var digestForm = regexp.MustCompile(`^sha256:[0-9a-f]{64}$`)

// IsDigest reports whether a text is sha256: and 64 hexadecimal digits in lower case.
func IsDigest(s string) bool { return digestForm.MatchString(s) }

// Presence is whether an object is where it was written.
type Presence string

// The presences.
const (
	Present  Presence = "present"
	Missing  Presence = "missing"
	Modified Presence = "modified"
)

// Health is how an object does; empty where the target does not tell.
type Health string

// The healths.
const (
	Healthy     Health = "healthy"
	Progressing Health = "progressing"
	Failed      Health = "failed"
)

// ObjectStatus is what became of one object.
type ObjectStatus struct {
	Object   abi.Ref  `json:"object"`
	Resource abi.Ref  `json:"resource"`
	Where    string   `json:"where"`
	Presence Presence `json:"presence"`
	Health   Health   `json:"health,omitempty"`
	// Message says more where something is wrong. It does not change while nothing else does.
	Message string `json:"message,omitempty"`
}

// Status is what became of a set.
type Status struct {
	Target string `json:"target"`
	Set    string `json:"set"`
	// Revision is the number of the last change; 0 when the set does not exist.
	Revision int              `json:"revision"`
	Bundles  []RevisionBundle `json:"bundles"`
	// Objects are in the order in which they are applied.
	Objects []ObjectStatus `json:"objects"`
}

// Settled reports whether every object is as it was written and none is known to be unhealthy.
func (s *Status) Settled() bool {
	for i := range s.Objects {
		if !s.Objects[i].Settled() {
			return false
		}
	}
	return true
}

// Settled reports whether the object is as it was written and not known to be unhealthy.
func (o *ObjectStatus) Settled() bool {
	return o.Presence == Present && o.Health != Failed && o.Health != Progressing
}
