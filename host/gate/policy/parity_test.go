//go:build !lattice_norego

package policy_test

import (
	"testing"

	"github.com/latticenet/lattice-host/host/gate"
	"github.com/latticenet/lattice-host/host/gate/cedar/cedartest"
	"github.com/latticenet/lattice-host/host/gate/policy"
)

// The same rules in both languages.
const (
	rulesInCedar = `
@id("secrets") permit (principal is Lattice::Service, action == Lattice::Action::"AccessSecret", resource)
when { resource.provider == "vault" && resource.path like "media/*" };
@id("volumes") permit (principal is Lattice::Service, action == Lattice::Action::"AccessVolume", resource)
when { resource.namespace == principal.namespace };
@id("endpoints") permit (principal is Lattice::Service, action == Lattice::Action::"AccessExternalEndpoint", resource)
when { resource.port == 443 && resource.host like "*.example.com" };
@id("capabilities") permit (principal, action == Lattice::Action::"OverrideSecurity", resource)
when { ["capability:NET_ADMIN", "runAsRoot"].contains(resource.override_id) };
@id("inbound") permit (principal, action == Lattice::Action::"AllowWildcard", resource == Lattice::Mesh::"inbound");
@id("images") permit (principal, action == Lattice::Action::"SkipImageVerification", resource) when { resource.registry == "docker.io" };
@id("staff") permit (principal in Lattice::Group::"staff", action == Lattice::Action::"Install", resource)
when { context.indexStaleDays < 7 && !context.yanked };
@id("no-jobs") forbid (principal is Lattice::Service, action, resource) when { principal.kind == "job" };
`
	rulesInRego = `package lattice.capability

deny contains r.action if {
	some r in input.requests
	not permitted(r)
}

deny contains "jobs may nothing" if {
	some r in input.requests
	r.principal.attributes.kind == "job"
}

permitted(r) if {
	r.action == "AccessSecret"
	r.resource.attributes.provider == "vault"
	startswith(r.resource.attributes.path, "media/")
}

permitted(r) if {
	r.action == "AccessVolume"
	r.resource.attributes.namespace == r.principal.attributes.namespace
}

permitted(r) if {
	r.action == "AccessExternalEndpoint"
	r.resource.attributes.port == 443
	endswith(r.resource.attributes.host, ".example.com")
}

permitted(r) if {
	r.action == "OverrideSecurity"
	r.resource.attributes.override_id in {"capability:NET_ADMIN", "runAsRoot"}
}

permitted(r) if {
	r.action == "AllowWildcard"
	r.resource.id == "inbound"
}

permitted(r) if {
	r.action == "SkipImageVerification"
	r.resource.attributes.registry == "docker.io"
}

permitted(r) if {
	r.action == "Install"
	some group in r.principal.parents
	group.id == "staff"
	r.context.indexStaleDays < 7
	not r.context.yanked
}
`
)

// TestRow22_Parity asks the same of both engines, each of which has the same rules in its own
// language.
func TestRow22_Parity(t *testing.T) {
	t.Parallel()
	set := load(t, policy.Options{NoDefaults: true, Files: []policy.File{
		{Name: "a.cedar", Text: []byte(rulesInCedar)}, {Name: "a.rego", Text: []byte(rulesInRego)},
	}})
	requests := cedartest.Requests()
	for g := cedartest.New(22); len(requests) < 500; {
		requests = append(requests, g.Request())
	}
	allowed := map[bool]int{}
	for _, r := range requests {
		in := &gate.Input{Point: gate.Capability, Subject: "x", Requests: []gate.Request{r}}
		fromCedar, err := set.Cedar.Evaluate(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		fromRego, err := set.Rego.Evaluate(t.Context(), in)
		if err != nil || fromRego.Verdict == gate.Error {
			t.Fatalf("%v %v", err, fromRego.Reasons)
		}
		if c, o := fromCedar.Verdict == gate.Allow, fromRego.Verdict == gate.Allow; c != o {
			t.Errorf("%s %s %s: Cedar says %s, Rego %s", r.Principal, r.Action, r.Resource, fromCedar.Verdict, fromRego.Verdict)
		}
		allowed[fromCedar.Verdict == gate.Allow]++
	}
	if allowed[true] < 25 || allowed[false] < 25 {
		t.Errorf("%d are allowed and %d denied, so that this shows little", allowed[true], allowed[false])
	}
}
