package gate

import (
	"cmp"
	"slices"
	"strings"
)

// Point is where a decision is made.
type Point string

// The points, in the order in which a document meets them.
const (
	// Install is before a plugin is installed, updated or granted something.
	Install Point = "install"
	// Admit is before a document is derived.
	Admit Point = "admit"
	// Capability is before a plugin gets what it asks the host for.
	Capability Point = "capability"
	// Outputs is after a derivation: it judges the derived objects.
	Outputs Point = "outputs"
	// Execute is before an executor applies a bundle.
	Execute Point = "execute"
	// Remove is before an executor takes away what it applied. Nothing is asked there.
	Remove Point = "remove"
)

// Input is what is judged.
type Input struct {
	Point Point
	// Subject names what is judged, such as "LatticeService media/plex".
	Subject string
	// Requests are the questions of this gate. Each must be allowed.
	Requests []Request
	// Document is what rules look at, a JSON value as encoding/json decodes it with json.Number;
	// nil when there is only something to ask. It must not be changed.
	Document any
	// Digest is the SHA-256 of the bytes that are judged, in the form of release.Digest.
	Digest string
}

// Reason is why a verdict is what it is.
type Reason struct {
	// Engine is cedar, rego or host.
	Engine  string  `json:"engine"`
	Verdict Verdict `json:"verdict"`
	// Policy is the id of the policy or rule, Position its file:line:column.
	Policy   string `json:"policy,omitempty"`
	Position string `json:"position,omitempty"`
	// Title and Severity are what the policy says about itself.
	Title    string `json:"title,omitempty"`
	Severity string `json:"severity,omitempty"`
	// Principal, Action and Resource are what was asked, for an answer to a [Request].
	Principal string `json:"principal,omitempty"`
	Action    string `json:"action,omitempty"`
	Resource  string `json:"resource,omitempty"`
	// Consent is the [Origin] of the document in which the owner of a volume consents.
	Consent string `json:"consent,omitempty"`
	// Object is the derived object in question, Path the field in it.
	Object string `json:"object,omitempty"`
	Path   string `json:"path,omitempty"`
	// Message is for people: what is denied, and why.
	Message string `json:"message"`
	// Advice is what would allow it, such as a Cedar policy; empty when nothing would.
	Advice string `json:"advice,omitempty"`
	// Note is that of the [Request].
	Note string `json:"-"`
}

func (r *Reason) compare(o *Reason) int {
	return cmp.Or(-cmp.Compare(r.Verdict, o.Verdict), strings.Compare(r.Engine, o.Engine), strings.Compare(r.Action, o.Action),
		strings.Compare(r.Resource, o.Resource), strings.Compare(r.Principal, o.Principal), strings.Compare(r.Object, o.Object),
		strings.Compare(r.Path, o.Path), strings.Compare(r.Policy, o.Policy), strings.Compare(r.Position, o.Position),
		strings.Compare(r.Message, o.Message))
}

// Decision is the answer of a gate.
type Decision struct {
	// ID is the SHA-256 of everything else, shortened: equal decisions have equal ids.
	ID      string  `json:"id"`
	Point   Point   `json:"gate"`
	Subject string  `json:"subject"`
	Verdict Verdict `json:"verdict"`
	// Reasons are sorted, those that matter most first. Those for Allow name the policies that
	// permit.
	Reasons []Reason `json:"reasons"`
	// Warnings do not change the verdict. They are sorted.
	Warnings []Reason `json:"warnings,omitempty"`
	// PolicyDigest names the policies that decided, InputDigest what was judged.
	PolicyDigest string `json:"policyDigest"`
	InputDigest  string `json:"inputDigest"`
}

// Compare orders decisions by what they are about and what they say. Only decisions that do not
// differ in that are ordered by their ids, which change with what was judged.
func (d *Decision) Compare(o *Decision) int {
	return cmp.Or(strings.Compare(d.Subject, o.Subject), strings.Compare(string(d.Point), string(o.Point)),
		slices.CompareFunc(d.Reasons, o.Reasons, func(a, b Reason) int { return a.compare(&b) }), strings.Compare(d.ID, o.ID))
}

// Allowed reports whether what was judged may pass.
func (d *Decision) Allowed() bool { return d.Verdict == Allow }

// Whole reports whether the id is that of everything else, so that nothing was changed since the
// gate decided.
func (d *Decision) Whole() bool { return d.ID != "" && d.ID == d.identify() }
