package latticenet

import (
	"fmt"
	"slices"
	"strings"
)

// all returns the methods as objects. Names say nothing about effects and scopes.
func (m Methods) all() []Method {
	if m.Typed != nil {
		return m.Typed
	}
	methods := make([]Method, len(m.Names))
	for i, name := range m.Names {
		methods[i].Name = name
	}
	return methods
}

func (c *checker) interfaces(m *Manifest) {
	services := set{}
	bound := false
	for i, s := range m.Interfaces {
		at := element("interfaces", i)
		c.Require(validService(s.Service) && strings.HasPrefix(s.Service, m.ID+"/"), at+".service",
			quote(s.Service)+" must be the id of the plugin, a slash and what matches "+suffixPattern.String())
		c.Distinct(at+".service", s.Service, services)
		c.scopes(at+".scopes", s.Scopes)
		c.backing(at+".backing", m, s.Backing)
		c.Require(len(s.Methods.all()) > 0, at+".methods", "must name at least one method")
		if m.IsV2() {
			c.Require(s.Methods.Names == nil, at+".methods", "must be objects in schema "+SchemaV2)
		} else {
			c.Require(s.Methods.Typed == nil, at+".methods", "must be names in version 1")
		}
		names := set{}
		for j, method := range s.Methods.all() {
			field := element(at+".methods", j)
			c.Require(methodPattern.MatchString(method.Name), field+".name", quote(method.Name)+" must match "+methodPattern.String())
			c.Distinct(field+".name", method.Name, names)
			if m.IsV2() {
				c.typedMethod(field, m, s, method)
			}
			bound = bound || len(method.OperatorTargetFields) > 0
		}
	}
	c.Require(bound || !m.IsV2() || !m.has(capabilityOperatorTarget), "capabilities",
		capabilityOperatorTarget+" must be bound to operator_target_fields of at least one method")
}

func (c *checker) backing(field string, m *Manifest, backing string) {
	if !m.IsV2() {
		c.Require(backing == "", field, "belongs to schema "+SchemaV2)
		return
	}
	c.OneOf(field, backing, BackingRuntime, BackingCore)
	c.Require(backing != BackingCore || m.Type == TypeSystem, field, BackingCore+" is only for plugins of type system")
}

func (c *checker) typedMethod(at string, m *Manifest, s Interface, method Method) {
	c.OneOf(at+".effect", method.Effect, EffectRead, EffectWrite, EffectPlan)
	c.scopes(at+".scopes", method.Scopes)
	if method.Effect == EffectWrite || method.Effect == EffectPlan {
		c.Require(len(method.Scopes) > 0, at+".scopes", "a method of effect "+method.Effect+" must have scopes of its own")
	}
	c.Require(len(method.Scopes)+len(s.Scopes) > 0, at+".scopes", "a method must have scopes, or be in an interface that has some")
	c.targetFields(at+".operator_target_fields", m, method.OperatorTargetFields)
	if method.Budget != nil {
		c.budget(at+".budget", *method.Budget)
	}
}

func (c *checker) targetFields(at string, m *Manifest, fields []string) {
	c.Require(len(fields) <= maxTargetFields, at, fmt.Sprintf("must name at most %d fields", maxTargetFields))
	c.Require(len(fields) == 0 || m.has(capabilityOperatorTarget), at, "needs the capability "+capabilityOperatorTarget)
	before := set{}
	for i, field := range fields {
		c.Require(keyPattern.MatchString(field), element(at, i), quote(field)+" must match "+keyPattern.String())
		c.Distinct(element(at, i), field, before)
	}
}

func (c *checker) budget(at string, b Budget) {
	for _, f := range []struct {
		name              string
		value, least, max int64
	}{
		{"timeout_ms", b.TimeoutMS, 1, maxTimeoutMS}, {"stdout_bytes", b.StdoutBytes, 1, maxStdoutBytes},
		{"stderr_bytes", b.StderrBytes, 1, maxStderrBytes}, {"host_calls", b.HostCalls, 0, maxHostCalls},
	} {
		c.Require(f.value >= f.least && f.value <= f.max, at+"."+f.name,
			fmt.Sprintf("is %d, must be %d to %d", f.value, f.least, f.max))
	}
}

func (c *checker) hostAccess(m *Manifest) {
	if m.HostAccess == nil || !m.IsV2() {
		return
	}
	c.Require(len(m.HostAccess.RPC) == 0 || m.has(capabilityCall), "host_access.rpc", "needs the capability "+capabilityCall)
	services := set{}
	for i, r := range m.HostAccess.RPC {
		at := element("host_access.rpc", i)
		c.Require(validService(r.Service), at+".service", quote(r.Service)+" must be an id, a slash and what matches "+suffixPattern.String())
		c.Distinct(at+".service", r.Service, services)
		c.Require(!strings.HasPrefix(r.Service, m.ID+"/") || m.coreBacked(r.Service), at+".service",
			"a plugin cannot call its own service, unless the server answers it")
		c.Require(len(r.Methods) > 0, at+".methods", "must name at least one method")
		names := set{}
		for j, name := range r.Methods {
			c.Require(methodPattern.MatchString(name), element(at+".methods", j), quote(name)+" must match "+methodPattern.String())
			c.Distinct(element(at+".methods", j), name, names)
		}
	}
}

func (m *Manifest) coreBacked(service string) bool {
	return slices.ContainsFunc(m.Interfaces, func(i Interface) bool { return i.Service == service && i.Backing == BackingCore })
}
