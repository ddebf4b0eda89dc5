package gate

import (
	"cmp"
	"strings"
)

// Request is one question of the form "may this principal do this to that": a Cedar authorization
// request.
type Request struct {
	Principal Entity `json:"principal"`
	// Action is the id of an action of the namespace Lattice, such as AccessSecret.
	Action   string `json:"action"`
	Resource Entity `json:"resource"`
	// Context is what is known about this one question.
	Context Record `json:"context,omitempty"`
	// Object is the derived object that gives rise to the question, as abi.Ref.String writes it;
	// empty when it is the resource itself. Path is the field in it, such as
	// spec.template.spec.containers.0.image.
	Object string `json:"object,omitempty"`
	Path   string `json:"path,omitempty"`
	// Refusal is why the question need not be asked, because the host denies it whatever policies
	// say: the owner of a volume did not consent, for instance. Empty asks.
	Refusal string `json:"refusal,omitempty"`
	// Note says for people what the question rests on, such as where the owner of a volume
	// consents. It may name files, and is no part of any record. Hint is what else than a policy
	// could allow it.
	Note string `json:"-"`
	Hint string `json:"-"`
}

// Compare orders requests: by action, resource, principal, object and path.
func (r *Request) Compare(o *Request) int {
	return cmp.Or(strings.Compare(r.Action, o.Action), r.Resource.compare(o.Resource), r.Principal.compare(o.Principal),
		strings.Compare(r.Object, o.Object), strings.Compare(r.Path, o.Path))
}

// Entity is a principal or a resource.
type Entity struct {
	// Type is the type without the namespace, such as Service.
	Type string `json:"type"`
	ID   string `json:"id"`
	// Attributes are what policies may ask of it.
	Attributes Record `json:"attributes,omitempty"`
	// Parents are the entities that it is in.
	Parents []Entity `json:"parents,omitempty"`
}

func (e Entity) compare(o Entity) int {
	return cmp.Or(strings.Compare(e.Type, o.Type), strings.Compare(e.ID, o.ID))
}

// Record maps names to values: string, int64, bool and []string, the last of which is a set.
type Record map[string]any
