package gates

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/abi/cbor"
	"github.com/latticenet/lattice-host/host/gate"
	"github.com/latticenet/lattice-host/host/gate/facts"
	"github.com/latticenet/lattice-host/host/gate/policy"
	"github.com/latticenet/lattice-host/host/pipeline"
)

type object = map[string]any

// smuggler is a plugin that answers as its manifest says, except for what it slips into its
// outputs.
type smuggler struct {
	pipeline.Plugin
	kind string
	slip func(document object)
}

func (s smuggler) Derive(ctx context.Context, req *abi.Request) (*abi.Response, []string, error) {
	resp, unknown, err := s.Plugin.Derive(ctx, req)
	if err != nil {
		return nil, nil, err
	}
	for i := range resp.Outputs {
		if o := &resp.Outputs[i]; o.Ref.Kind == s.kind {
			text, err := cbor.ToJSON(nil, o.Document)
			if err != nil {
				return nil, nil, err
			}
			var document object
			if err := json.Unmarshal(text, &document); err != nil {
				return nil, nil, err
			}
			s.slip(document)
			if text, err = json.Marshal(document); err != nil {
				return nil, nil, err
			}
			if o.Document, err = cbor.FromJSON(nil, text, abi.MaxDepth); err != nil {
				return nil, nil, err
			}
		}
	}
	return resp, unknown, nil
}

func podOf(deployment object) object {
	return deployment["spec"].(object)["template"].(object)["spec"].(object)
}

// judge checks that the default policies deny what a plugin slipped in, and say where.
func judge(t *testing.T, in facts.Input, path string) {
	t.Helper()
	set, err := policy.Load(policy.Options{})
	if err != nil {
		t.Fatal(err)
	}
	j, err := set.For(policy.Run{Documents: []facts.Object{in.Resource}})
	if err != nil {
		t.Fatal(err)
	}
	d := j.Outputs(t.Context(), in.Resource, in.Outputs)
	if d.Allowed() || !slices.ContainsFunc(d.Reasons, func(r gate.Reason) bool { return r.Verdict != gate.Allow && r.Path == path }) {
		t.Errorf("the default policies say %s, with %v", d.Verdict, d.Reasons)
	}
}

// withService returns a copy of the smallest example that has a port.
func withService(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root(t), "examples", "minimal.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "minimal.yaml")
	const workload = "\n  workload:\n"
	if !bytes.Contains(text, []byte(workload)) {
		t.Fatalf("no workload in %s", text)
	}
	text = bytes.Replace(text, []byte(workload), []byte(workload+"    service: {ports: {http: {port: 8080}}}\n"), 1)
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// TestLaw03_Smuggling lets a plugin emit what neither its manifest nor the document says: what came
// out is asked about.
func TestLaw03_Smuggling(t *testing.T) {
	tests := map[string]struct {
		plugin, kind string
		slip         func(document object)
		want, path   string
	}{
		"a privileged init container": {
			"deployment", "Deployment", func(d object) {
				podOf(d)["initContainers"] = []any{object{
					"name": "x", "image": "registry.example.com/x:1", "securityContext": object{"privileged": true},
				}}
			},
			`OverrideSecurity Lattice::SecurityOverride::"privileged"`,
			"spec.template.spec.initContainers.0.securityContext.privileged",
		},
		"the node's network": {
			"deployment", "Deployment", func(d object) { podOf(d)["hostNetwork"] = true },
			`OverrideSecurity Lattice::SecurityOverride::"hostNetwork"`, "spec.template.spec.hostNetwork",
		},
		"a Secret of another service": {
			"deployment", "Deployment", func(d object) {
				c := podOf(d)["containers"].([]any)[0].(object)
				c["envFrom"] = []any{object{"secretRef": object{"name": "payments"}}}
			},
			`AccessSecret Lattice::SecretPath::"kubernetes:default/payments"`,
			"spec.template.spec.containers.0.envFrom.0.secretRef.name",
		},
		"no security context": {
			"deployment", "Deployment", func(d object) { delete(podOf(d)["containers"].([]any)[0].(object), "securityContext") },
			`OverrideSecurity Lattice::SecurityOverride::"capability:NET_RAW"`,
			"spec.template.spec.containers.0.securityContext.capabilities.drop",
		},
		"a way out": {
			"network-policy", "CiliumNetworkPolicy", func(d object) {
				spec := d["spec"].(object)
				egress, _ := spec["egress"].([]any)
				spec["egress"] = append([]any{object{"toFQDNs": []any{object{"matchName": "evil.example.com"}}}}, egress...)
			},
			`AccessExternalEndpoint Lattice::ExternalEndpoint::"evil.example.com:0"`, "spec.egress.0.toFQDNs.0.matchName",
		},
		"the labels of another service": {
			"deployment", "Deployment", func(d object) {
				labels := d["spec"].(object)["template"].(object)["metadata"].(object)["labels"].(object)
				labels["app.kubernetes.io/name"] = "payments"
			},
			`OverrideSecurity Lattice::SecurityOverride::"identity:payments"`, "spec.template.metadata.labels.app.kubernetes.io/name",
		},
		"a secret for an annotation": {
			"deployment", "Deployment", func(d object) {
				metadata := d["spec"].(object)["template"].(object)["metadata"].(object)
				metadata["annotations"] = object{"vault.hashicorp.com/agent-inject-secret-x": "bank/ledger"}
			},
			`OverrideSecurity Lattice::SecurityOverride::"annotation:vault.hashicorp.com/agent-inject-secret-x"`,
			"spec.template.metadata.annotations.vault.hashicorp.com/agent-inject-secret-x",
		},
		"no mesh": {
			"deployment", "Deployment", func(d object) {
				labels := d["spec"].(object)["template"].(object)["metadata"].(object)["labels"].(object)
				labels["istio.io/dataplane-mode"] = "none"
			},
			`OverrideSecurity Lattice::SecurityOverride::"meshOptOut:istio.io/dataplane-mode"`,
			"spec.template.metadata.labels.istio.io/dataplane-mode",
		},
		"a Service for everybody": {
			"deployment", "Service", func(d object) { d["spec"].(object)["type"] = "LoadBalancer" },
			`OverrideSecurity Lattice::SecurityOverride::"loadBalancerSource:0.0.0.0/0"`, "spec.loadBalancerSourceRanges",
		},
		"a name of somebody else": {
			"deployment", "Service", func(d object) {
				d["metadata"].(object)["annotations"] = object{"external-dns.alpha.kubernetes.io/hostname": "bank.example.com"}
			},
			`OverrideSecurity Lattice::SecurityOverride::"dnsName:bank.example.com"`,
			"metadata.annotations.external-dns.alpha.kubernetes.io/hostname",
		},
		"another cluster": {
			"deployment", "Service", func(d object) {
				labels := d["metadata"].(object)["labels"].(object)
				labels["istio.io/global"] = "true"
			},
			`AllowWildcard Lattice::Mesh::"advertise"`, "metadata.labels.istio.io/global",
		},
		"an object copied for an annotation": {
			"deployment", "Service", func(d object) {
				d["metadata"].(object)["annotations"] = object{"replicator.v1.mittwald.de/replicate-from": "kube-system/root"}
			},
			`OverrideSecurity Lattice::SecurityOverride::"annotation:replicator.v1.mittwald.de/replicate-from"`,
			"metadata.annotations.replicator.v1.mittwald.de/replicate-from",
		},
		"a level of SELinux": {
			"deployment", "Deployment", func(d object) {
				podOf(d)["securityContext"] = object{"seLinuxOptions": object{"level": "s0:c1,c2"}}
			},
			`OverrideSecurity Lattice::SecurityOverride::"seLinux:level:s0:c1,c2"`, "spec.template.spec.securityContext.seLinuxOptions.level",
		},
		"another server for names": {
			"deployment", "Deployment", func(d object) { podOf(d)["dnsConfig"] = object{"nameservers": []any{"203.0.113.9"}} },
			`AccessExternalEndpoint Lattice::ExternalEndpoint::"203.0.113.9:53"`, "spec.template.spec.dnsConfig.nameservers.0",
		},
		"another host for a name": {
			"deployment", "Deployment", func(d object) {
				podOf(d)["hostAliases"] = []any{object{"ip": "203.0.113.9", "hostnames": []any{"api.example.com"}}}
			},
			`OverrideSecurity Lattice::SecurityOverride::"hostAlias:203.0.113.9"`, "spec.template.spec.hostAliases.0",
		},
		"the world as a label": {
			"network-policy", "CiliumNetworkPolicy", func(d object) {
				spec := d["spec"].(object)
				egress, _ := spec["egress"].([]any)
				spec["egress"] = append([]any{object{"toEndpoints": []any{object{"matchLabels": object{"reserved:world": ""}}}}}, egress...)
			},
			`AccessExternalEndpoint Lattice::ExternalEndpoint::"entity:world:0"`, "spec.egress.0.toEndpoints.0.matchLabels.reserved:world",
		},
		"the pods of another service": {
			"network-policy", "CiliumNetworkPolicy", func(d object) {
				d["spec"].(object)["endpointSelector"] = object{"matchLabels": object{"app.kubernetes.io/name": "payments"}}
			},
			`EmitKind Lattice::Kind::"cilium.io/CiliumNetworkPolicy"`, "spec.endpointSelector",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			plugins := native(t)
			docs := read(t, withService(t))
			if before := facts.Read(inputs(t, plugins, docs, nil)[0]).Requests(); len(before) > 0 {
				t.Fatalf("an honest plugin asks for %s", before[0].Resource)
			}
			plugins[tt.plugin] = smuggler{plugins[tt.plugin], tt.kind, tt.slip}
			got := facts.Read(inputs(t, plugins, docs, nil)[0]).Requests()
			if !slices.ContainsFunc(got, func(r gate.Request) bool {
				return r.Action+" "+r.Resource.String() == tt.want && r.Path == tt.path
			}) {
				t.Errorf("no %s at %s in %v", tt.want, tt.path, got)
			}
			judge(t, inputs(t, plugins, docs, nil)[0], tt.path)
		})
	}
}
