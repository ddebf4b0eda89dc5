package market

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/registry/internal/strictjson"
	"github.com/latticenet/lattice-host/registry/lock"
	"github.com/latticenet/lattice-host/registry/release"
)

// Grant is one capability as it is granted: with the hosts and the kinds that it is for, and
// without the plugin's reason.
type Grant struct {
	Name string `json:"name"`
	// Hosts and Kinds are sorted. Kinds are written as abi.GroupKind.String does.
	Hosts []string `json:"hosts,omitempty"`
	Kinds []string `json:"kinds,omitempty"`
}

// GrantKinds is the name of the grant to bring kinds of document. It is not a capability: nothing
// is called with it.
const GrantKinds = "kinds"

// GrantNames returns the names of everything that can be granted.
func GrantNames() []string {
	return []string{abi.CapabilityHTTPGet, abi.CapabilityKV, abi.CapabilityResourcesRead, GrantKinds}
}

// requested returns what a manifest asks for, in one order.
func requested(m *abi.Manifest) []Grant {
	grants := make([]Grant, 0, len(m.Capabilities)+1)
	for _, c := range m.Capabilities {
		g := Grant{Name: c.Name}
		g.Hosts = append(g.Hosts, c.Hosts...)
		for _, kind := range c.Kinds {
			g.Kinds = append(g.Kinds, kind.String())
		}
		slices.Sort(g.Hosts)
		slices.Sort(g.Kinds)
		grants = append(grants, g)
	}
	if len(m.Kinds) > 0 {
		g := Grant{Name: GrantKinds}
		for i := range m.Kinds {
			g.Kinds = append(g.Kinds, m.Kinds[i].GroupKind().String())
		}
		slices.Sort(g.Kinds)
		grants = append(grants, g)
	}
	slices.SortFunc(grants, func(a, b Grant) int { return strings.Compare(a.Name, b.Name) })
	return grants
}

// digestOf returns the digest of a set of grants in one order.
func digestOf(grants []Grant) (string, error) {
	data, err := strictjson.Marshal(struct {
		Capabilities []Grant `json:"capabilities"`
	}{grants})
	return release.Digest(data), err
}

// lockedCapabilities returns what the lock says about the capabilities of a manifest.
func lockedCapabilities(m *abi.Manifest) (lock.Capabilities, error) {
	digest, err := digestOf(requested(m))
	return lock.Capabilities{Digest: digest, Names: release.CapabilityNames(m)}, err
}

// missing returns what is asked for and not granted: whole capabilities, or the hosts and kinds of
// one that was granted for fewer. What several grants of one capability allow is allowed together.
func missing(asked, granted []Grant) []Grant {
	var rest []Grant
	for _, a := range asked {
		m, some := a, false
		for _, g := range granted {
			if g.Name == a.Name {
				m.Hosts, m.Kinds, some = without(m.Hosts, g.Hosts), without(m.Kinds, g.Kinds), true
			}
		}
		if !some || len(m.Hosts)+len(m.Kinds) > 0 {
			rest = append(rest, m)
		}
	}
	return rest
}

func without(all, some []string) []string {
	var rest []string
	for _, s := range all {
		if !slices.Contains(some, s) {
			rest = append(rest, s)
		}
	}
	return rest
}

// Words says what a grant allows, for people. What comes from a manifest is quoted, so that it
// cannot pretend to be ours.
func (g Grant) Words() string {
	switch g.Name {
	case abi.CapabilityHTTPGet:
		return "may fetch pages from " + quotedList(g.Hosts)
	case abi.CapabilityKV:
		return "may keep a small store of its own"
	case abi.CapabilityResourcesRead:
		kinds := make([]string, len(g.Kinds))
		for i, kind := range g.Kinds {
			name, _, _ := strings.Cut(kind, ".")
			kinds[i] = plural(name)
		}
		return "may read " + strings.Join(kinds, ", ") + " in its namespace and beyond, as far as policies allow"
	}
	if g.Name == GrantKinds {
		return "may bring the kinds of document " + quotedList(g.Kinds)
	}
	return "may use " + strconv.Quote(g.Name)
}

// plural returns the name of several objects of a kind.
func plural(kind string) string {
	switch {
	case strings.HasSuffix(kind, "s"), strings.HasSuffix(kind, "x"), strings.HasSuffix(kind, "ch"):
		return kind + "es"
	case strings.HasSuffix(kind, "y") && !strings.HasSuffix(kind, "ay"):
		return strings.TrimSuffix(kind, "y") + "ies"
	}
	return kind + "s"
}

func quotedList(names []string) string {
	quoted := make([]string, len(names))
	for i, name := range names {
		quoted[i] = strconv.Quote(name)
	}
	return strings.Join(quoted, ", ")
}

// reasonFor returns why a manifest asks for a capability.
func reasonFor(m *abi.Manifest, name string) string {
	for _, c := range m.Capabilities {
		if c.Name == name {
			return c.Reason
		}
	}
	if name == GrantKinds {
		var texts []string
		for i := range m.Kinds {
			if d := m.Kinds[i].Description; d != "" {
				texts = append(texts, d)
			}
		}
		return strings.Join(texts, " ")
	}
	return ""
}

// checkGrant refuses names that are not capabilities: a typing error must not look like consent.
func checkGrant(name string) error {
	names := GrantNames()
	if slices.Contains(names, name) {
		return nil
	}
	last := len(names) - 1
	return fmt.Errorf("%q is not a capability, they are %s and %s", name, strings.Join(names[:last], ", "), names[last])
}
