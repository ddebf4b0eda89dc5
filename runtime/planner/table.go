package planner

import "github.com/latticenet/lattice-host/runtime"

// intent is what a plan wants with a place in the target. The values are bits, so that a rule can
// name several.
type intent uint8

const (
	// put wants an object there.
	put intent = 1 << iota
	// drop wants nothing of the set there any more.
	drop
	// revoke wants an object gone because the secrets that it fetches are revoked.
	revoke
	// leave wants what is there left alone.
	leave
)

// owner says whose the place is, by what the executor recorded.
type owner uint8

const (
	// unowned is a place that the executor did not write.
	unowned owner = 1 << iota
	// owned is a place that the executor wrote and may change.
	owned
	// held is a place that the executor wrote and must leave alone.
	held

	anyOwner = unowned | owned | held
)

// content says what is in the place.
type content uint8

const (
	// nothing is there.
	nothing content = 1 << iota
	// obstacle is something that no object can replace.
	obstacle
	// desired is exactly what the plan wants, and recorded as such.
	desired
	// unrecorded is what the plan wants, recorded differently.
	unrecorded
	// written is what the executor wrote last, and not what the plan wants.
	written
	// foreign is what someone else wrote.
	foreign

	anyContent = nothing | obstacle | desired | unrecorded | written | foreign
)

// verdict is what a plan does to an object, or the conflict that keeps it from doing so.
type verdict struct {
	// action is empty for a conflict.
	action runtime.Action
	// reason says why.
	reason string
}

// rule is one row of the table.
type rule struct {
	intent  intent
	owner   owner
	content content
	verdict verdict
	// forced replaces the verdict under force, where force changes anything.
	forced verdict
}

// table has a row for every combination that can occur; the first that matches decides. What is
// held is never touched, not even by force. What someone else wrote or changed is touched by force
// only.
var table = [...]rule{
	{put, held, anyContent, conflict("is the place of an object that is held; rename one of the two"), verdict{}},
	{put | drop | revoke, anyOwner, obstacle, conflict("remove it"), verdict{}},
	{put, owned, nothing, verdict{runtime.Create, "is missing"}, verdict{}},
	{put, unowned, nothing, verdict{runtime.Create, "is new"}, verdict{}},
	{
		put, unowned, anyContent, conflict("was not written by lattice-host; remove it, or replace it with force"),
		verdict{runtime.Update, "is replaced: someone else wrote it"},
	},
	{put, owned, desired, verdict{runtime.Unchanged, "is as desired"}, verdict{}},
	{put, owned, unrecorded, verdict{runtime.Update, "is as desired, and is noted as written"}, verdict{}},
	{put, owned, written, verdict{runtime.Update, "the object changes"}, verdict{}},
	{
		put, owned, foreign, conflict("was changed since it was written; undo that, or replace it with force"),
		verdict{runtime.Update, "is replaced: someone else changed it"},
	},
	{drop | revoke, owned, nothing, verdict{runtime.Delete, "is gone already"}, verdict{}},
	{drop, owned, written, verdict{runtime.Delete, "is no longer desired"}, verdict{}},
	{revoke, owned, written, verdict{runtime.Delete, "fetches secrets that are revoked"}, verdict{}},
	{
		drop | revoke, owned, foreign,
		conflict("is no longer desired, but was changed since it was written; remove it yourself, or with force"),
		verdict{runtime.Delete, "is no longer desired, though someone else changed it"},
	},
	{leave, held, anyContent, verdict{runtime.Unchanged, "is left as it is: it is held"}, verdict{}},
}

func conflict(reason string) verdict { return verdict{reason: reason} }

// decide returns the verdict of the first row that matches. ok is false when none does.
func decide(i intent, o owner, c content, force bool) (v verdict, ok bool) {
	for _, r := range table {
		switch {
		case r.intent&i == 0 || r.owner&o == 0 || r.content&c == 0:
		case force && r.forced != verdict{}:
			return r.forced, true
		default:
			return r.verdict, true
		}
	}
	return verdict{}, false
}
