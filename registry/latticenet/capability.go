package latticenet

import "slices"

// Risk is how much harm a capability can do.
type Risk string

// The risks.
const (
	// RiskRead is seeing what the server knows.
	RiskRead Risk = "read"
	// RiskWrite is changing what the server keeps.
	RiskWrite Risk = "write"
	// RiskHost is reaching machines, networks or secrets. It asks for a signature.
	RiskHost Risk = "host"
)

// Means says the risk in words.
func (r Risk) Means() string {
	switch r {
	case RiskRead:
		return "sees what the server knows"
	case RiskWrite:
		return "changes what the server keeps, or sends messages"
	case RiskHost:
		return "reaches machines, networks or secrets"
	default:
		return "unknown"
	}
}

// Capability is something that a plugin may do.
type Capability struct {
	Name string
	Risk Risk
}

// The capabilities that have rules of their own.
const (
	// capabilityEgress is the one of host risk that plugins of every type but worker may have.
	capabilityEgress = "http:egress"
	// capabilityOperatorTarget must be bound to fields of methods.
	capabilityOperatorTarget = "http:operator-target"
	// capabilityCall is what [HostAccess] needs.
	capabilityCall = "rpc:call"
)

// Capabilities returns every capability there is, in the order of their names within each risk.
func Capabilities() []Capability {
	var all []Capability
	for _, group := range []struct {
		risk  Risk
		names []string
	}{
		{RiskRead, []string{
			"audit:read", "kv:read", "monitor:read", "netguard:read", "netpolicy:read", "node:read", "static:read", "task:read",
		}},
		{RiskWrite, []string{"kv:write", "log:write", "notify:send", "worker:route"}},
		{RiskHost, []string{
			"ddns:admin", capabilityEgress, capabilityOperatorTarget, "monitor:admin", "netguard:admin", "netpolicy:admin",
			"network:apply", "network:plan", "node:admin", capabilityCall, "rpc:expose", "secret:read", "secret:write",
			"static:write", "subscription:serve", "task:run", "tunnel:admin",
		}},
	} {
		for _, name := range group.names {
			all = append(all, Capability{name, group.risk})
		}
	}
	return all
}

// LookUp returns the capability with the given name, and whether there is one.
func LookUp(name string) (Capability, bool) {
	all := Capabilities()
	i := slices.IndexFunc(all, func(c Capability) bool { return c.Name == name })
	if i < 0 {
		return Capability{}, false
	}
	return all[i], true
}

// hostRisk reports whether the manifest asks for a capability of host risk.
func (m *Manifest) hostRisk() bool {
	return slices.ContainsFunc(m.Capabilities, func(name string) bool {
		c, ok := LookUp(name)
		return ok && c.Risk == RiskHost
	})
}

func (c *checker) capabilities(m *Manifest) {
	c.Require(len(m.Capabilities) > 0, "capabilities", "must name at least one capability")
	before := set{}
	for i, name := range m.Capabilities {
		at := element("capabilities", i)
		c.Distinct(at, name, before)
		known, ok := LookUp(name)
		switch {
		case !ok:
			c.Fail(at, quote(name)+" is not a capability")
		case m.Type == TypeWorker && !slices.Contains([]string{"kv:read", "static:read", "worker:route"}, name):
			c.Fail(at, name+" is not for plugins of type worker, which may have kv:read, static:read and worker:route")
		case m.Type != TypeSystem && known.Risk == RiskHost && name != capabilityEgress:
			c.Fail(at, name+" is only for plugins of type system")
		}
	}
}
