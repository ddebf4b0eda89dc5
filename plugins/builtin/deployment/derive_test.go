package deployment_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/latticenet/lattice-host/plugins/sdk/go/plugintest"
)

// TestRow03_Deployment holds the Deployment against the fields of the reference platform, whatever
// the order in which the document has its maps.
func TestRow03_Deployment(t *testing.T) {
	t.Parallel()
	forwards := service("main: "+container("variables: {A: '1', B: '2'}")+", side: "+container("files: {/a: {content: a}, /b: {content: b}}"),
		"service: {ports: {http: {port: 80, targetPort: 8080}, admin: {port: 9000}}}", "sysctls: {kernel.shm_rmid_forced: '1', net.core.somaxconn: '9'}")
	backwards := service("side: "+container("files: {/b: {content: b}, /a: {content: a}}")+", main: "+container("variables: {B: '2', A: '1'}"),
		"service: {ports: {admin: {port: 9000}, http: {port: 80, targetPort: 8080}}}", "sysctls: {net.core.somaxconn: '9', kernel.shm_rmid_forced: '1'}")
	a := derive(t, forwards)
	for name, want := range map[string]any{
		"serviceAccountName": "web", "automountServiceAccountToken": false, "enableServiceLinks": false,
		"dnsConfig": object{"options": []any{object{"name": "ndots", "value": "1"}}},
		"securityContext": object{
			"runAsNonRoot": true, "fsGroup": 65534.0, "fsGroupChangePolicy": "OnRootMismatch", "seccompProfile": object{"type": "RuntimeDefault"},
			"sysctls": []any{object{"name": "kernel.shm_rmid_forced", "value": "1"}, object{"name": "net.core.somaxconn", "value": "9"}},
		},
	} {
		if diff := cmp.Diff(want, at(pod(t, a), "spec", name)); diff != "" {
			t.Errorf("%s: -want +got\n%s", name, diff)
		}
	}
	if diff := cmp.Diff(
		[]any{object{"name": "admin", "containerPort": 9000.0, "protocol": "TCP"}, object{"name": "http", "containerPort": 8080.0, "protocol": "TCP"}},
		at(pod(t, a), "spec", "containers", 0, "ports")); diff != "" {
		t.Errorf("ports: -want +got\n%s", diff)
	}
	b := derive(t, backwards)
	if diff := cmp.Diff(a.Output("Deployment", "web"), b.Output("Deployment", "web")); diff != "" {
		t.Errorf("the order of maps shows: -forwards +backwards\n%s", diff)
	}
}

// TestRow04_Service derives Service and PodDisruptionBudget only where there is something for them
// to do.
func TestRow04_Service(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, workload, spec string
		names                []string
		typ, available       any
	}{
		{"no ports", "", "", []string{"Deployment web", "ServiceAccount web"}, nil, nil},
		{"an empty list of ports", "service: {ports: {}}", "", []string{"Deployment web", "ServiceAccount web"}, nil, nil},
		{"ClusterIP", "service: {ports: {http: {port: 80}}, serviceType: ClusterIP}", "", []string{"Deployment web", "Service web", "ServiceAccount web"}, nil, nil},
		{"NodePort", "service: {ports: {http: {port: 80}}, serviceType: NodePort}", "", []string{"Deployment web", "Service web", "ServiceAccount web"}, "NodePort", nil},
		{"two replicas", "", "replicas: 2", []string{"Deployment web", "PodDisruptionBudget web", "ServiceAccount web"}, nil, 1.0},
		{"five replicas", "", "replicas: 5", []string{"Deployment web", "PodDisruptionBudget web", "ServiceAccount web"}, nil, 4.0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a := derive(t, simple(tt.workload, tt.spec))
			if diff := cmp.Diff(tt.names, a.Names()); diff != "" {
				t.Fatalf("-want +got\n%s", diff)
			}
			if slices.Contains(tt.names, "Service web") {
				if got := at(decoded(t, a, "Service", "web"), "spec", "type"); got != tt.typ {
					t.Errorf("type %v, want %v", got, tt.typ)
				}
			}
			if tt.available != nil {
				if got := at(decoded(t, a, "PodDisruptionBudget", "web"), "spec", "minAvailable"); got != tt.available {
					t.Errorf("minAvailable %v, want %v", got, tt.available)
				}
			}
		})
	}
}

// TestRow05_Security gives every container the strictest context, unless the document says
// otherwise.
func TestRow05_Security(t *testing.T) {
	t.Parallel()
	a := derive(t, service("main: "+container(""), "", "sidecars: {log: "+container("")+", setup: "+container("init: true, command: [/setup]")+"}"))
	want := object{
		"allowPrivilegeEscalation": false, "capabilities": object{"drop": []any{"ALL"}}, "readOnlyRootFilesystem": true,
		"runAsNonRoot": true, "seccompProfile": object{"type": "RuntimeDefault"},
	}
	for _, path := range [][]any{{"containers", 0}, {"containers", 1}, {"initContainers", 0}} {
		if diff := cmp.Diff(want, at(at(pod(t, a), append([]any{"spec"}, path...)...), "securityContext")); diff != "" {
			t.Errorf("%v: -want +got\n%s", path, diff)
		}
	}
	a = derive(t, service("main: "+container("security: {runAsUser: 0, privileged: true, dropCapabilities: [NET_RAW], apparmorProfile: Unconfined}"), "", ""))
	want = object{
		"allowPrivilegeEscalation": true, "capabilities": object{"drop": []any{"NET_RAW"}}, "privileged": true, "readOnlyRootFilesystem": true,
		"runAsNonRoot": false, "runAsUser": 0.0, "seccompProfile": object{"type": "RuntimeDefault"}, "appArmorProfile": object{"type": "Unconfined"},
	}
	if diff := cmp.Diff(want, at(pod(t, a), "spec", "containers", 0, "securityContext")); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

// TestRow10_Files mounts each file and volume at its path, from a key and a name that only it has.
func TestRow10_Files(t *testing.T) {
	t.Parallel()
	a := derive(t, service("main: "+container(`files: {/etc/a.conf: {content: a}, /bin/b: {binaryContent: YQ==, mode: "0400"}}, `+
		`volumes: {/cache: {}, /.cache: {}, /data: {source: "${resources.data}", path: sub, readOnly: true}}`),
		"resources: {data: {type: volume, params: {size: 1Gi}}}", ""))
	if diff := cmp.Diff([]any{
		object{"name": "files-main-bin", "mountPath": "/bin/b", "subPath": "bin-b", "readOnly": true},
		object{"name": "files-main", "mountPath": "/etc/a.conf", "subPath": "etc-a.conf", "readOnly": true},
		object{"name": "emptydir-cache--7af4efd61999efbf", "mountPath": "/.cache"},
		object{"name": "emptydir-cache", "mountPath": "/cache"},
		object{"name": "data", "mountPath": "/data", "subPath": "sub", "readOnly": true},
	}, at(pod(t, a), "spec", "containers", 0, "volumeMounts")); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	if got := at(decoded(t, a, "PersistentVolumeClaim", "web-data"), "spec", "accessModes", 0); got != "ReadWriteOnce" {
		t.Errorf("access mode %v", got)
	}
	a = derive(t, service("main: "+container("files: {/a/b: {content: a}, /a-b: {content: b}}"), "", ""))
	wantError(t, a, "spec.workload.containers.main.files./a/b: the file and /a-b both become the key a-b")
}

func wantError(t *testing.T, a *plugintest.Answer, text string) {
	t.Helper()
	for _, m := range a.Messages() {
		if strings.HasPrefix(m, "error ") && strings.Contains(m, text) {
			return
		}
	}
	t.Errorf("no error says %q: %q", text, a.Messages())
}

// TestRow11_ConfigHash tells configurations apart that differ, and keeps the value of one plain
// line.
func TestRow11_ConfigHash(t *testing.T) {
	t.Parallel()
	hash := func(containers string) string {
		return at(pod(t, derive(t, service(containers, "", ""))), "metadata", "annotations", "lattice.dev/config-hash").(string)
	}
	a, b := func(more string) string { return "a: " + container(more) }, func(more string) string { return "b: " + container(more) }
	for _, tt := range []struct{ name, containers, want string }{
		{"no configuration", a(""), "e3b0c44298fc1c14"},
		// The first eight bytes of the SHA-256 of "A=1\n".
		{"one plain line", a("variables: {A: '1'}"), "91d6a3d55e9fea79"},
		// Of "b/A=1\n".
		{"in a second container", a("") + ", " + b("variables: {A: '1'}"), "657b471f976b5685"},
		// Of "file:etc-a=1\n".
		{"a file", a("files: {/etc/a: {content: '1'}}"), "7c11931daa981dd0"},
	} {
		if got := hash(tt.containers); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
	seen := map[string]string{}
	for _, containers := range []string{
		a("variables: {A: '1', B: '2'}") + ", " + b(""),
		a("variables: {A: '1'}") + ", " + b("variables: {B: '2'}"),
		a("") + ", " + b("variables: {A: '1', B: '2'}"),
		a(`variables: {A: "1\nB=2"}`) + ", " + b(""),
		a(`variables: {A: "1\\nB=2"}`) + ", " + b(""),
		a(`variables: {A: "1\nb/B=2"}`) + ", " + b(""),
		a(`variables: {A: "1\nfile:x=2"}`) + ", " + b(""),
		a("variables: {A: '1'}, files: {/x: {content: '2'}}") + ", " + b(""),
		a("variables: {A: '1'}, files: {/x: {binaryContent: Mg==}}") + ", " + b(""),
	} {
		h := hash(containers)
		if other := seen[h]; other != "" {
			t.Errorf("%s and %s have one hash", other, containers)
		}
		seen[h] = containers
	}
}

// TestRow14_TopologyAndGPU hands the pods to Volcano, which knows the network and shares of GPUs.
func TestRow14_TopologyAndGPU(t *testing.T) {
	t.Parallel()
	a := derive(t, simple("", "topology: {mode: Soft, maxTier: 3}"))
	if diff := cmp.Diff(subject().Canonical(t, "{minMember: 1, networkTopology: {mode: soft, highestTierAllowed: 3}}"), a.Spec("PodGroup", "web")); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	if got := at(pod(t, a), "metadata", "annotations", "scheduling.volcano.sh/group-name"); got != "web" {
		t.Errorf("the pods name the group %v", got)
	}
	if got := at(pod(t, a), "spec", "schedulerName"); got != "volcano" {
		t.Errorf("the scheduler is %v", got)
	}
	a = derive(t, simple("resources: {gpu: {type: gpu, params: {count: 2, memory: 20Gi, compute: 50}}}", ""))
	limits := at(pod(t, a), "spec", "containers", 0, "resources", "limits")
	for name, want := range map[string]string{"vgpu-number": "2", "vgpu-memory": "20480", "vgpu-cores": "50"} {
		if got := at(limits, "volcano.sh/"+name); got != want {
			t.Errorf("%s is %v, want %s", name, got, want)
		}
	}
	for _, tt := range [][2]string{
		{"H100", "NVIDIA-H100-80GB-HBM3"}, {"H100SXM", "NVIDIA-H100-80GB-HBM3"}, {"H100PCIE", "NVIDIA-H100-PCIe"},
		{"A100", "NVIDIA-A100-SXM4-80GB"}, {"A100-80G", "NVIDIA-A100-SXM4-80GB"}, {"A100-40G", "NVIDIA-A100-SXM4-40GB"},
		{"A10G", "NVIDIA-A10G"}, {"L40S", "NVIDIA-L40S"}, {"L40", "NVIDIA-L40"}, {"L4", "NVIDIA-L4"},
		{"T4", "NVIDIA-Tesla-T4"}, {"V100", "NVIDIA-Tesla-V100-SXM2-16GB"}, {"RTX-6000", "RTX-6000"},
	} {
		a := derive(t, simple("resources: {gpu: {type: gpu, params: {count: 1, model: "+tt[0]+"}}}", ""))
		if got := at(pod(t, a), "spec", "nodeSelector", "nvidia.com/gpu.product"); got != tt[1] {
			t.Errorf("%s is the product %v, want %s", tt[0], got, tt[1])
		}
	}
}

// TestRow32_Provider reads the provider from the platform's facts.
func TestRow32_Provider(t *testing.T) {
	t.Parallel()
	const balanced = "service: {serviceType: LoadBalancer, ports: {http: {port: 80}}}"
	for provider, key := range map[string]string{
		"docker": "kubernetes.io/hostname", "proxmox": "kubernetes.io/hostname", "basis": "kubernetes.io/hostname",
		"aws": "topology.kubernetes.io/zone", "gcp": "topology.kubernetes.io/zone", "azure": "topology.kubernetes.io/zone",
	} {
		a := deriveOn(t, provider, simple(balanced, ""))
		if got := at(pod(t, a), "spec", "topologySpreadConstraints", 0, "topologyKey"); got != key {
			t.Errorf("%s spreads by %v, want %s", provider, got, key)
		}
		got := at(decoded(t, a, "Service", "web"), "metadata", "annotations", "service.beta.kubernetes.io/aws-load-balancer-type")
		if provider == "aws" && got != "nlb" || provider != "aws" && got != nil {
			t.Errorf("%s has the type %v of load balancer", provider, got)
		}
	}
}

// TestClaimOfOneNode replaces pods that hold a disk before others wait for it.
func TestClaimOfOneNode(t *testing.T) {
	t.Parallel()
	const mounted = `volumes: {/d: {source: "${resources.d}"}}`
	for _, tt := range []struct{ name, params, spec, strategy, warning string }{
		{"one replica", "size: 1Gi", "", "Recreate", ""},
		{"three replicas", "size: 1Gi", "replicas: 3", "Recreate", "spec.workload.resources.d.params.accessMode"},
		{"autoscaling", "size: 1Gi", "autoscaling: {max: 3}", "Recreate", "spec.workload.resources.d.params.accessMode"},
		{"many nodes", "size: 1Gi, accessMode: ReadWriteMany", "replicas: 3", "RollingUpdate", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a := derive(t, service("main: "+container(mounted), "resources: {d: {type: volume, params: {"+tt.params+"}}}", tt.spec))
			if got := at(decoded(t, a, "Deployment", "web"), "spec", "strategy", "type"); got != tt.strategy {
				t.Errorf("strategy %v, want %s", got, tt.strategy)
			}
			messages := a.Messages()
			if (tt.warning == "") != (len(messages) == 0) || tt.warning != "" && !strings.HasPrefix(messages[0], "warning "+tt.warning) {
				t.Errorf("got %q, want a warning of %q", messages, tt.warning)
			}
		})
	}
}
