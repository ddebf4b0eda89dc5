package facts_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/host/gate"
	"github.com/latticenet/lattice-host/host/gate/facts"
)

type object = map[string]any

// plain is a container that asks nothing.
func plain(name string) object {
	return object{
		"name": name, "image": "registry.example.com/app@sha256:" + strings.Repeat("a", 64),
		"securityContext": object{
			"allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true, "runAsNonRoot": true,
			"capabilities": object{"drop": []any{"ALL"}}, "seccompProfile": object{"type": "RuntimeDefault"},
		},
	}
}

// pod is a pod that asks nothing. Its second container is what a privilege is given to.
func pod(list string, container object) object {
	containers := map[string][]any{"containers": {plain("main")}}
	containers[list] = append(containers[list], container)
	p := object{"automountServiceAccountToken": false}
	for key, value := range containers {
		p[key] = value
	}
	return p
}

// place puts a pod into an object.
type place struct {
	apiVersion, kind, list string
	wrap                   func(pod object) any
	// path is that of the pod.
	path string
}

func template(p object) object { return object{"template": object{"spec": p}} }

func places() map[string]place {
	wrapped := func(p object) any { return template(p) }
	tasks := func(p object) object { return object{"tasks": []any{object{"name": "a"}, template(p)}} }
	return map[string]place{
		"the second container": {"apps/v1", "Deployment", "containers", wrapped, "spec.template.spec"},
		"an init container":    {"apps/v1", "Deployment", "initContainers", wrapped, "spec.template.spec"},
		"an ephemeral container": {
			"apps/v1", "StatefulSet", "ephemeralContainers", wrapped, "spec.template.spec",
		},
		"a pod":        {"v1", "Pod", "containers", func(p object) any { return p }, "spec"},
		"a daemon set": {"apps/v1", "DaemonSet", "containers", wrapped, "spec.template.spec"},
		"a cron job": {"batch/v1", "CronJob", "initContainers", func(p object) any {
			return object{"jobTemplate": object{"spec": template(p)}}
		}, "spec.jobTemplate.spec.template.spec"},
		"a task of Volcano": {
			"batch.volcano.sh/v1alpha1", "Job", "containers", func(p object) any { return tasks(p) },
			"spec.tasks.1.template.spec",
		},
		"a task of a cron job of Volcano": {"batch.volcano.sh/v1alpha1", "CronJob", "containers", func(p object) any {
			return object{"jobTemplate": object{"spec": tasks(p)}}
		}, "spec.jobTemplate.spec.tasks.1.template.spec"},
		"a field that a known kind does not have": {"v1", "PersistentVolumeClaim", "containers", func(p object) any {
			return object{"labels": object{"x": []any{[]any{p}}}}
		}, "spec.labels.x.0.0"},
		"an unknown kind": {"example.com/v1", "Thing", "initContainers", func(p object) any {
			return object{"roles": []any{object{"deep": object{"er": template(p)}}}}
		}, "spec.roles.0.deep.er.template.spec"},
	}
}

// privilege is given to a pod or to one of its containers.
type privilege struct {
	give func(pod, container object)
	want string
	// path is below the pod, or below the container where it begins with a dot.
	path string
}

func context(c object) object { return c["securityContext"].(object) }

func set(key string, value any) func(pod, container object) {
	return func(_, c object) { context(c)[key] = value }
}

func onPod(key string, value any) func(pod, container object) {
	return func(p, _ object) { p[key] = value }
}

func onVolume(kind string, source object) func(pod, container object) {
	return onPod("volumes", []any{object{"name": "v", kind: source}})
}

func onContainer(key string, value any) func(pod, container object) {
	return func(_, c object) { c[key] = value }
}

func without(key string) func(pod, container object) {
	return func(_, c object) { delete(context(c), key) }
}

func overriding(id string) string { return `OverrideSecurity Lattice::SecurityOverride::"` + id + `"` }

func privileges() map[string]privilege {
	const sc = ".securityContext."
	secret := `AccessSecret Lattice::SecretPath::"kubernetes:shop/other"`
	return map[string]privilege{
		"hostNetwork": {onPod("hostNetwork", true), overriding("hostNetwork"), "hostNetwork"},
		"hostPID":     {onPod("hostPID", true), overriding("hostPID"), "hostPID"},
		"hostIPC":     {onPod("hostIPC", true), overriding("hostIPC"), "hostIPC"},
		"shareProcessNamespace": {
			onPod("shareProcessNamespace", true),
			overriding("shareProcessNamespace"), "shareProcessNamespace",
		},
		"token": {
			onPod("automountServiceAccountToken", true),
			overriding("automountServiceAccountToken"), "automountServiceAccountToken",
		},
		"token by default": {
			func(p, _ object) { delete(p, "automountServiceAccountToken") },
			overriding("automountServiceAccountToken"), "automountServiceAccountToken",
		},
		"account of others": {
			onPod("serviceAccountName", "admin"),
			overriding("serviceAccount:admin"), "serviceAccountName",
		},
		"account of others, old": {
			onPod("serviceAccount", "admin"),
			overriding("serviceAccount:admin"), "serviceAccount",
		},
		"host alias": {
			onPod("hostAliases", []any{object{"ip": "203.0.113.9", "hostnames": []any{"api.example.com"}}}),
			overriding("hostAlias:203.0.113.9"), "hostAliases.0",
		},
		"name server": {
			onPod("dnsConfig", object{"nameservers": []any{"203.0.113.9"}}),
			`AccessExternalEndpoint Lattice::ExternalEndpoint::"203.0.113.9:53"`, "dnsConfig.nameservers.0",
		},
		"search domain": {
			onPod("dnsConfig", object{"searches": []any{"evil.example.com"}}),
			overriding("dnsSearch:evil.example.com"), "dnsConfig.searches.0",
		},
		"names as the node has them": {onPod("dnsPolicy", "Default"), overriding("dnsPolicy:Default"), "dnsPolicy"},
		"runtime class":              {onPod("runtimeClassName", "bare"), overriding("runtimeClass:bare"), "runtimeClassName"},
		"every node": {
			onPod("tolerations", []any{object{"operator": "Exists"}}), overriding("toleration:*"), "tolerations.0",
		},
		"control plane": {
			onPod("tolerations", []any{object{"key": "gpu"}, object{"key": "node-role.kubernetes.io/control-plane"}}),
			overriding("toleration:node-role.kubernetes.io/control-plane"), "tolerations.1",
		},
		"hidden by case":           {onPod("HostPID", true), overriding("field:HostPID"), "HostPID"},
		"hidden by the long s":     {onPod("ho\u017ftNetwork", true), overriding("field:ho\u017ftNetwork"), "ho\u017ftNetwork"},
		"hidden by Kelvin's sign":  {onContainer("volumeDevices", []any{object{"\u212aind": "x"}}), overriding("field:\u212aind"), ".volumeDevices.0.\u212aind"},
		"hidden list by case":      {onPod("InitContainers", []any{}), overriding("field:InitContainers"), "InitContainers"},
		"hidden context by case":   {onContainer("SecurityContext", object{}), overriding("field:SecurityContext"), ".SecurityContext"},
		"hidden privilege by case": {set("PRIVILEGED", true), overriding("field:PRIVILEGED"), sc + "PRIVILEGED"},
		"identity of a directory": {
			set("windowsOptions", object{"gmsaCredentialSpecName": "admins"}),
			overriding("gmsaCredentialSpecName"), sc + "windowsOptions.gmsaCredentialSpecName",
		},
		"identity of a directory, written out": {
			set("windowsOptions", object{"gmsaCredentialSpec": "{}"}),
			overriding("gmsaCredentialSpec"), sc + "windowsOptions.gmsaCredentialSpec",
		},
		"administrator": {
			set("windowsOptions", object{"runAsUserName": "ContainerAdministrator"}),
			overriding("runAsUserName:ContainerAdministrator"), sc + "windowsOptions.runAsUserName",
		},
		"node": {onPod("nodeName", "cp-1"), overriding("nodeName:cp-1"), "nodeName"},
		"priority": {
			onPod("priorityClassName", "system-node-critical"),
			overriding("priorityClass:system-node-critical"), "priorityClassName",
		},
		"priority over others": {
			onPod("priorityClassName", "critical"), overriding("priorityClass:critical"), "priorityClassName",
		},
		"nodes that are kept for somebody": {
			onPod("tolerations", []any{object{"key": "node.kubernetes.io/not-ready"}, object{"key": "dedicated"}}),
			overriding("toleration:dedicated"), "tolerations.1",
		},
		"one node by its label": {
			onPod("nodeSelector", object{"disk": "fast", "kubernetes.io/hostname": "node-1"}),
			overriding("nodeSelector:kubernetes.io/hostname"), "nodeSelector.kubernetes.io/hostname",
		},
		"nodes of the control plane by their label": {
			onPod("nodeSelector", object{"node-role.kubernetes.io/control-plane": ""}),
			overriding("nodeSelector:node-role.kubernetes.io/control-plane"), "nodeSelector.node-role.kubernetes.io/control-plane",
		},
		"device as a resource": {
			onContainer("resources", object{"limits": object{"nvidia.com/gpu": 1, "devices.kubevirt.io/kvm": 1}}),
			overriding("device:devices.kubevirt.io/kvm"), ".resources.limits.devices.kubevirt.io/kvm",
		},
		"level of others": {
			set("seLinuxOptions", object{"level": "s0:c1,c2"}),
			overriding("seLinux:level:s0:c1,c2"), sc + "seLinuxOptions.level",
		},
		"claim of a device": {
			onPod("resourceClaims", []any{object{"name": "gpu"}}),
			overriding("resourceClaim:gpu"), "resourceClaims.0",
		},
		"sysctl": {
			onPod("securityContext", object{"sysctls": []any{object{"name": "kernel.msgmax", "value": "1"}}}),
			overriding("sysctl:kernel.msgmax"), "securityContext.sysctls.0",
		},
		"root as a group of all": {
			onPod("securityContext", object{"supplementalGroups": []any{0}}),
			overriding("runAsRootGroup"), "securityContext.supplementalGroups.0",
		},
		"root owns files": {
			onPod("securityContext", object{"fsGroup": 0}),
			overriding("runAsRootGroup"), "securityContext.fsGroup",
		},
		"host process of a pod": {
			onPod("securityContext", object{"windowsOptions": object{"hostProcess": true}}),
			overriding("hostProcess"), "securityContext.windowsOptions.hostProcess",
		},
		"host path": {
			onVolume("hostPath", object{"path": "/etc"}),
			overriding("hostPath:/etc"), "volumes.0.hostPath.path",
		},
		"host path by detours": {
			onVolume("hostPath", object{"path": "/var/log//../../etc/"}),
			overriding("hostPath:/etc"), "volumes.0.hostPath.path",
		},
		"network file system": {onVolume("nfs", object{"server": "x"}), overriding("volume:nfs"), "volumes.0.nfs"},
		"unknown volume":      {onVolume("magic", object{}), overriding("volume:magic"), "volumes.0.magic"},
		"driver": {
			onVolume("csi", object{"driver": "secrets-store.csi.k8s.io"}),
			overriding("csi:secrets-store.csi.k8s.io"), "volumes.0.csi",
		},
		"projected token": {
			onVolume("projected", object{"sources": []any{object{"serviceAccountToken": object{"path": "t"}}}}),
			overriding("automountServiceAccountToken"), "volumes.0.projected.sources.0.serviceAccountToken",
		},
		"claim of others": {
			onVolume("persistentVolumeClaim", object{"claimName": "vol-x"}),
			`AccessVolume Lattice::Volume::"shop/x"`, "volumes.0.persistentVolumeClaim.claimName",
		},
		"copy of a claim": {
			onVolume("ephemeral", object{"volumeClaimTemplate": object{"spec": object{
				"dataSource": object{"kind": "PersistentVolumeClaim", "name": "vol-x"},
			}}}),
			`AccessVolume Lattice::Volume::"shop/x"`, "volumes.0.ephemeral.volumeClaimTemplate.spec.dataSource.name",
		},
		"secret volume that says it is another thing": {
			onVolume("secret", object{"secretName": "other", "kind": "Secret", "apiVersion": "v1"}),
			secret, "volumes.0.secret.secretName",
		},
		"secret volume": {
			onVolume("secret", object{"secretName": "other"}),
			secret, "volumes.0.secret.secretName",
		},
		"projected secret": {
			onVolume("projected", object{"sources": []any{object{"secret": object{"name": "other"}}}}),
			secret, "volumes.0.projected.sources.0.secret.name",
		},
		"image volume": {
			onVolume("image", object{"reference": "a/b:1"}),
			`SkipImageVerification Lattice::ImageRef::"a/b:1"`, "volumes.0.image.reference",
		},
		"pull secret": {
			onPod("imagePullSecrets", []any{object{"name": "other"}}),
			secret, "imagePullSecrets.0.name",
		},
		"secret as a variable": {
			onContainer("env", []any{object{
				"name": "A", "valueFrom": object{"secretKeyRef": object{"name": "other", "key": "k"}},
			}}),
			secret, ".env.0.valueFrom.secretKeyRef.name",
		},
		"secret as all variables": {
			onContainer("envFrom", []any{object{"secretRef": object{"name": "other"}}}),
			secret, ".envFrom.0.secretRef.name",
		},
		"host port": {
			onContainer("ports", []any{object{"containerPort": 80, "hostPort": 80}}),
			overriding("hostPort:80"), ".ports.0.hostPort",
		},
		"mounts that spread": {
			onContainer("volumeMounts", []any{object{"name": "v", "mountPropagation": "Bidirectional"}}),
			overriding("mountPropagation:Bidirectional"), ".volumeMounts.0.mountPropagation",
		},
		"probe of another host": {
			onContainer("livenessProbe", object{"httpGet": object{"host": "169.254.169.254", "port": 80}}),
			`AccessExternalEndpoint Lattice::ExternalEndpoint::"169.254.169.254:80"`, ".livenessProbe.httpGet.host",
		},
		"hook to another host": {
			onContainer("lifecycle", object{"postStart": object{"httpGet": object{"host": "evil.example.com", "port": 80}}}),
			`AccessExternalEndpoint Lattice::ExternalEndpoint::"evil.example.com:80"`, ".lifecycle.postStart.httpGet.host",
		},
		"image without digest": {
			onContainer("image", "nginx"),
			`SkipImageVerification Lattice::ImageRef::"nginx"`, ".image",
		},
		"image with half a digest": {
			onContainer("image", "nginx@sha256:abc"),
			`SkipImageVerification Lattice::ImageRef::"nginx@sha256:abc"`, ".image",
		},
		"privileged":      {set("privileged", true), overriding("privileged"), sc + "privileged"},
		"root":            {set("runAsUser", 0), overriding("runAsRoot"), sc + "runAsUser"},
		"root, maybe":     {set("runAsNonRoot", false), overriding("runAsRoot"), sc + "runAsNonRoot"},
		"root by default": {without("runAsNonRoot"), overriding("runAsRoot"), sc + "runAsNonRoot"},
		"group of root":   {set("runAsGroup", 0), overriding("runAsRootGroup"), sc + "runAsGroup"},
		"writable root": {
			set("readOnlyRootFilesystem", false),
			overriding("readWriteRootFilesystem"), sc + "readOnlyRootFilesystem",
		},
		"writable root by default": {
			without("readOnlyRootFilesystem"),
			overriding("readWriteRootFilesystem"), sc + "readOnlyRootFilesystem",
		},
		"escalation": {
			set("allowPrivilegeEscalation", true),
			overriding("allowPrivilegeEscalation"), sc + "allowPrivilegeEscalation",
		},
		"escalation by default": {
			without("allowPrivilegeEscalation"),
			overriding("allowPrivilegeEscalation"), sc + "allowPrivilegeEscalation",
		},
		"capability": {
			set("capabilities", object{"drop": []any{"ALL"}, "add": []any{"cap_net_admin"}}),
			overriding("capability:NET_ADMIN"), sc + "capabilities.add.0",
		},
		"all capabilities": {
			set("capabilities", object{"drop": []any{"ALL"}, "add": []any{"ALL"}}),
			overriding("capability:ALL"), sc + "capabilities.add.0",
		},
		"capability that is kept": {
			set("capabilities", object{"drop": []any{"CHOWN"}}),
			overriding("capability:NET_RAW"), sc + "capabilities.drop",
		},
		"capabilities by default": {without("capabilities"), overriding("capability:SETUID"), sc + "capabilities.drop"},
		"drop of a name that is not": {
			set("capabilities", object{"drop": []any{"CAP_ALL"}}),
			overriding("capability:SETUID"), sc + "capabilities.drop",
		},
		"seccomp": {
			set("seccompProfile", object{"type": "Unconfined"}),
			overriding("seccomp:Unconfined"), sc + "seccompProfile.type",
		},
		"seccomp by default": {without("seccompProfile"), overriding("seccomp:Unconfined"), sc + "seccompProfile"},
		"seccomp of its own": {
			set("seccompProfile", object{"type": "Localhost"}),
			overriding("seccomp:Localhost"), sc + "seccompProfile.type",
		},
		"apparmor": {
			set("appArmorProfile", object{"type": "Unconfined"}),
			overriding("apparmor:Unconfined"), sc + "appArmorProfile.type",
		},
		"proc": {set("procMount", "Unmasked"), overriding("procMount:Unmasked"), sc + "procMount"},
		"selinux": {
			set("seLinuxOptions", object{"type": "spc_t"}),
			overriding("seLinux:spc_t"), sc + "seLinuxOptions.type",
		},
		"host process": {
			set("windowsOptions", object{"hostProcess": true}),
			overriding("hostProcess"), sc + "windowsOptions.hostProcess",
		},
		"no context": {
			func(_, c object) { delete(c, "securityContext") },
			overriding("seccomp:Unconfined"), sc + "seccompProfile",
		},
	}
}

func output(t testing.TB, apiVersion, kind, namespace, name string, fields object) facts.Object {
	t.Helper()
	document := object{"apiVersion": apiVersion, "kind": kind, "metadata": object{"name": name, "namespace": namespace}}
	for key, value := range fields {
		document[key] = value
	}
	data, err := json.Marshal(document)
	if err != nil {
		t.Fatal(err)
	}
	return facts.Object{Ref: abi.Ref{APIVersion: apiVersion, Kind: kind, Namespace: namespace, Name: name}, Document: data}
}

func orders(t testing.TB, outputs ...facts.Object) facts.Input {
	return facts.Input{Resource: output(t, "lattice.dev/v1alpha1", "LatticeService", "shop", "orders", nil), Outputs: outputs}
}

func line(r gate.Request) string { return r.Action + " " + r.Resource.String() }

// TestLaw03_EachPrivilege gives every privilege in every place, and asks about nothing without it.
func TestLaw03_EachPrivilege(t *testing.T) {
	for where, p := range places() {
		ask := func(privilege privilege) []gate.Request {
			c := plain("side")
			spec := pod(p.list, c)
			if privilege.give != nil {
				privilege.give(spec, c)
			}
			return facts.Read(orders(t, output(t, p.apiVersion, p.kind, "shop", "orders", object{"spec": p.wrap(spec)}))).Requests()
		}
		for _, r := range ask(privilege{}) {
			if p.kind != "Thing" || line(r) != `EmitKind Lattice::Kind::"example.com/Thing"` {
				t.Errorf("%s: without a privilege it asks %s %s", where, line(r), r.Path)
			}
		}
		for what, privilege := range privileges() {
			path := p.path + "." + privilege.path
			if rest, below := strings.CutPrefix(privilege.path, "."); below {
				index := "0"
				if p.list == "containers" {
					index = "1"
				}
				path = p.path + "." + p.list + "." + index + "." + rest
			}
			got := ask(privilege)
			if !slices.ContainsFunc(got, func(r gate.Request) bool {
				return line(r) == privilege.want && r.Path == path && r.Object != "" && r.Principal.ID == "shop/orders"
			}) {
				t.Errorf("%s in %s: no %s at %s in\n%s", what, where, privilege.want, path, text(got))
			}
		}
	}
}

func text(requests []gate.Request) string {
	var b strings.Builder
	for _, r := range requests {
		fmt.Fprintf(&b, "%s @%s %s\n", line(r), r.Object, r.Path)
		if r.Refusal != "" {
			fmt.Fprintf(&b, "  refused: %s\n", r.Refusal)
		}
		if r.Note != "" {
			fmt.Fprintf(&b, "  consent %v: %s\n", r.Context[gate.ContextConsent], r.Note)
		}
		if r.Hint != "" {
			fmt.Fprintf(&b, "  hint: %s\n", r.Hint)
		}
	}
	return b.String()
}

// TestUnreadable gives fields another type than they have: the object is asked about as a whole.
func TestUnreadable(t *testing.T) {
	const sc = "containers.1.securityContext."
	tests := map[string]struct {
		give func(pod, container object)
		path string
	}{
		"containers is an object": {onPod("containers", object{"a": plain("a")}), "containers"},
		"containers is a number":  {onPod("containers", 1), "containers"},
		"a container is a text":   {onPod("containers", []any{"a"}), "containers.0"},
		"a container is nothing":  {onPod("containers", []any{nil}), "containers.0"},
		"a flag is a text":        {onPod("hostNetwork", "true"), "hostNetwork"},
		"a flag is a number":      {set("privileged", 1), sc + "privileged"},
		"a user is a fraction":    {set("runAsUser", 0.5), sc + "runAsUser"},
		"a context is a list":     {onContainer("securityContext", []any{}), "containers.1.securityContext"},
		"drop is a text":          {set("capabilities", object{"drop": "ALL"}), sc + "capabilities.drop"},
		"add has a number":        {set("capabilities", object{"drop": []any{"ALL"}, "add": []any{1}}), sc + "capabilities.add.0"},
		"volumes is an object":    {onPod("volumes", object{}), "volumes"},
		"a volume is a text":      {onPod("volumes", []any{"v"}), "volumes.0"},
		"an image is a number":    {onContainer("image", 1), "containers.1.image"},
		"no image":                {func(_, c object) { delete(c, "image") }, "containers.1.image"},
		"a field of a pod":        {onPod("hostEverything", true), "hostEverything"},
		"a field of a container":  {onContainer("hostEverything", true), "containers.1.hostEverything"},
		"a field of a context":    {set("hostEverything", true), sc + "hostEverything"},
		"another case":            {onPod("HostNetwork", true), "HostNetwork"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			c := plain("side")
			p := pod("containers", c)
			tt.give(p, c)
			got := facts.Read(orders(t, output(t, "apps/v1", "Deployment", "shop", "orders", object{"spec": template(p)}))).Requests()
			if !slices.ContainsFunc(got, func(r gate.Request) bool {
				return line(r) == `EmitKind Lattice::Kind::"apps/Deployment"` && r.Path == "spec.template.spec."+tt.path
			}) {
				t.Errorf("the object is not asked about as a whole at %s:\n%s", tt.path, text(got))
			}
		})
	}
}
