package author

import (
	"fmt"
	"time"
)

// Lifetimes are how long a role stays valid after it is published.
type Lifetimes map[string]time.Duration

const day = 24 * time.Hour

// Online returns the lifetimes for an index that a machine renews every day. The shorter the role
// targets lives, the sooner a revocation reaches a client that sees an old mirror for the first
// time.
func Online() Lifetimes {
	return Lifetimes{RoleRoot: 365 * day, RoleTargets: 90 * day, RoleReleases: 30 * day, RoleSnapshot: day, RoleTimestamp: day}
}

// AirGap returns the lifetimes for an index that people carry to where it is used.
func AirGap() Lifetimes {
	return Lifetimes{RoleRoot: 365 * day, RoleTargets: 90 * day, RoleReleases: 30 * day, RoleSnapshot: 30 * day, RoleTimestamp: 30 * day}
}

// lifetimesField is where the root keeps the lifetimes of the index. The specification lets other
// programs skip it.
const lifetimesField = "x-lattice-lifetimes"

// SetLifetimes has the root say how long roles live, so that anyone who publishes one knows.
func (d *Draft) SetLifetimes(l Lifetimes) error {
	field := map[string]any{}
	for _, role := range Roles() {
		if l[role] < time.Second {
			return fmt.Errorf("%s: the lifetime is %s, it must be at least a second", role, l[role])
		}
		field[role] = l[role].String()
	}
	if d.root.Signed.UnrecognizedFields == nil {
		d.root.Signed.UnrecognizedFields = map[string]any{}
	}
	d.root.Signed.UnrecognizedFields[lifetimesField] = field
	d.changed[RoleRoot] = true
	return nil
}

// Lifetimes returns what the root says of them, and what [Online] does for roles of which it says
// nothing.
func (d *Draft) Lifetimes() (Lifetimes, error) {
	lifetimes := Online()
	field, _ := d.root.Signed.UnrecognizedFields[lifetimesField].(map[string]any)
	for _, role := range Roles() {
		value, said := field[role]
		if !said {
			continue
		}
		text, _ := value.(string)
		lifetime, err := time.ParseDuration(text)
		if err != nil {
			return nil, fmt.Errorf("%s: %s.%s: %v is not a duration", RoleRoot, lifetimesField, role, value)
		}
		lifetimes[role] = lifetime
	}
	return lifetimes, nil
}
