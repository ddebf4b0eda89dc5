package policy_test

import (
	"testing"

	"github.com/latticenet/lattice-host/host/gate"
	"github.com/latticenet/lattice-host/host/gate/policy"
)

// TestDefaults holds every default policy against what it lets pass and what it must not.
func TestDefaults(t *testing.T) {
	t.Parallel()
	set, err := policy.Load(policy.Options{})
	if err != nil {
		t.Fatal(err)
	}
	service, user := gate.Service("shop", "orders", "service"), gate.User("alice")
	plugin := gate.Plugin("acme", "web", "1.0.0", "sha256:00")
	declared := func(host string, port int64) gate.Entity {
		e := gate.ExternalEndpoint(host, port, "tcp")
		e.Attributes[gate.AttributeDeclared] = true
		return e
	}
	tests := map[string]struct {
		who    gate.Entity
		action string
		what   gate.Entity
		about  gate.Record
		want   gate.Verdict
	}{
		"Admit":            {service, gate.ActionAdmit, gate.KindOf("lattice.dev", "LatticeService"), nil, gate.Allow},
		"OwnVolume":        {service, gate.ActionAccessVolume, gate.Volume("shop", "data"), nil, gate.Allow},
		"RunsVolume":       {service, gate.ActionAccessVolume, gate.Volume("shop", "data"), gate.VolumeContext(gate.FromRun), gate.Allow},
		"RecordedVolume":   {service, gate.ActionAccessVolume, gate.Volume("shop", "data"), gate.VolumeContext(gate.FromPolicies), gate.Allow},
		"VolumeBeside":     {service, gate.ActionAccessVolume, gate.Volume("shop", "data"), gate.VolumeContext(gate.FromWith), gate.NoOpinion},
		"ForeignVolume":    {service, gate.ActionAccessVolume, gate.Volume("media", "data"), nil, gate.NoOpinion},
		"Declared":         {service, gate.ActionAccessExternalEndpoint, declared("api.example.com", 443), nil, gate.Allow},
		"ThoughtOf":        {service, gate.ActionAccessExternalEndpoint, gate.ExternalEndpoint("api.example.com", 443, "tcp"), nil, gate.NoOpinion},
		"Wildcard":         {service, gate.ActionAccessExternalEndpoint, declared("*.example.com", 443), nil, gate.NoOpinion},
		"Block":            {service, gate.ActionAccessExternalEndpoint, declared("10.0.0.0/8", 443), nil, gate.NoOpinion},
		"Metadata":         {service, gate.ActionAccessExternalEndpoint, declared("169.254.169.254", 80), nil, gate.Deny},
		"MetadataBlock":    {service, gate.ActionAccessExternalEndpoint, declared("169.254.0.0/16", 80), nil, gate.Deny},
		"PodIdentity":      {service, gate.ActionAccessExternalEndpoint, declared("169.254.170.23", 80), nil, gate.Deny},
		"NameServerOfNode": {service, gate.ActionAccessExternalEndpoint, gate.ExternalEndpoint("169.254.20.10", 53, "udp"), nil, gate.NoOpinion},
		"MetadataName":     {service, gate.ActionAccessExternalEndpoint, declared("metadata.google.internal", 80), nil, gate.Deny},
		"OwnNamespace":     {service, gate.ActionExecute, gate.Target("directory", "/srv", "shop"), nil, gate.Allow},
		"ForeignNamespace": {service, gate.ActionExecute, gate.Target("directory", "/srv", "kube-system"), nil, gate.NoOpinion},
		"Capability":       {plugin, gate.ActionUseCapability, gate.CapabilityOf("kv", "x"), nil, gate.Allow},
		"Install":          {user, gate.ActionInstall, plugin, gate.InstallContext(-1, false, true), gate.Allow},
		"Grant":            {user, gate.ActionGrant, plugin, gate.GrantContext("kv", "", true), gate.Allow},
		"RunRevoked":       {user, gate.ActionRunRevoked, plugin, nil, gate.NoOpinion},
		"Secret":           {service, gate.ActionAccessSecret, gate.SecretPath("vault", "shop/orders"), nil, gate.NoOpinion},
		"Privileged":       {service, gate.ActionOverrideSecurity, gate.SecurityOverride("container", "privileged"), nil, gate.NoOpinion},
		"Everybody":        {service, gate.ActionAllowWildcard, gate.Mesh("inbound"), nil, gate.NoOpinion},
		"Tag":              {service, gate.ActionSkipImageVerification, gate.ImageRef("a.example/b:1", "a.example", "b", "1"), nil, gate.NoOpinion},
		"Queue":            {service, gate.ActionUseQueue, gate.Queue("gpu"), nil, gate.NoOpinion},
		"Namespace":        {service, gate.ActionAccessNamespace, gate.NamespaceOf("kube-system"), nil, gate.NoOpinion},
		"Kind":             {service, gate.ActionEmitKind, gate.KindOf("rbac.authorization.k8s.io", "ClusterRole"), nil, gate.NoOpinion},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := set.Decide(t.Context(), &gate.Input{Point: gate.Outputs, Subject: name, Requests: []gate.Request{{
				Principal: tc.who, Action: tc.action, Resource: tc.what, Context: tc.about,
			}}})
			if d.Verdict != tc.want {
				t.Errorf("%s %s: got %s, want %s: %v", tc.action, tc.what, d.Verdict, tc.want, d.Reasons)
			}
		})
	}
}
