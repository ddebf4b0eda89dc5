package facts

import (
	"slices"
	"strings"

	"github.com/latticenet/lattice-host/internal/outputkind"
)

// dnsPort is the port of DNS.
const dnsPort = 53

const (
	// annotationBypass lets traffic pass by the proxy that knows who may call,
	// annotationRedirection decides about all traffic.
	annotationBypass      = "ambient.istio.io/bypass-inbound-capture"
	annotationRedirection = "ambient.istio.io/redirection"
	// annotationSources says from where a load balancer is reached, where a field does not.
	annotationSources = "service.beta.kubernetes.io/load-balancer-source-ranges"
)

// annotations asks about annotations of a pod or an account that something may act on. Injectors
// put secrets, volumes and containers into pods for an annotation, network plugins other networks,
// and agents an identity in a cloud: whatever is in the domain of somebody unknown is asked about.
func (r *reader) annotations(n node) {
	r.isObject(n)
	for _, member := range n.members() {
		switch key := member.key; {
		case isIdle(key), slices.Contains(queueKeys(), key), key == annotationBypass:
		case slices.Contains(cloudIdentities(), key):
			r.override("pod", "cloudIdentity:"+r.text(member), member)
		case leavesMesh(key, member.text()):
			r.override("pod", "meshOptOut:"+key, member)
		default:
			r.override("pod", "annotation:"+key, member)
		}
	}
}

// metadata asks about annotations and labels of an object that is neither a pod nor an account.
// Controllers publish names, open load balancers, and copy Secrets between namespaces for them.
func (r *reader) metadata(n node) {
	switch r.ref.Kind {
	case "Pod", "ServiceAccount":
		return
	}
	// What runs pods is looked at by those who watch it. Keel puts other images into it.
	row, readable := outputkind.OfRef(r.ref)
	workload := readable && len(row.Pods) > 0
	annotations := n.at("annotations")
	r.isObject(annotations)
	for _, member := range annotations.members() {
		switch key := member.key; {
		case isIdle(key), slices.Contains(queueKeys(), key), workload && !strings.HasPrefix(key, "keel.sh/"):
		case key == annotationSources && r.ref.GroupKind().String() == "Service":
			// It is asked about with the field of the same meaning.
		case key == "external-dns.alpha.kubernetes.io/hostname", key == "external-dns.alpha.kubernetes.io/internal-hostname":
			for host := range strings.SplitSeq(r.text(member), ",") {
				r.publishes(host, member)
			}
		case key == "service.beta.kubernetes.io/aws-load-balancer-scheme" && member.text() == "internet-facing":
			r.override("service", "loadBalancer:internet-facing", member)
		default:
			r.override("object", "annotation:"+key, member)
		}
	}
	labels := n.at("labels")
	if !r.isObject(labels) {
		return
	}
	r.meshLabels(labels)
	if labels.textAt(labelGlobal) == "true" && !r.advertises() {
		r.wildcard("advertise", labels.at(labelGlobal))
	}
}

// publishes asks about a host name under which something is found from outside the cluster.
func (r *reader) publishes(host string, n node) {
	if name := hostName(strings.TrimSpace(host)); !r.exposure.hosts[name] {
		r.override("service", "dnsName:"+name, n)
	}
}

// advertises reports whether the resource itself wants to be known to other clusters.
func (r *reader) advertises() bool { return !r.source.root.at("spec", "advertise").missing() }

// meshLabels asks about labels by which traffic passes by the mesh, or through the waypoint of
// others.
func (r *reader) meshLabels(labels node) {
	for _, key := range meshKeys() {
		if leavesMesh(key, labels.textAt(key)) {
			r.override("pod", "meshOptOut:"+key, labels.at(key))
		}
	}
	if namespace := labels.textAt(labelWaypointIn); namespace != "" && namespace != r.in.Resource.Ref.Namespace {
		r.foreign(labels.at(labelWaypointIn), namespace)
	}
}

// meshKeys are the keys that take something out of a mesh by their value, be they labels or
// annotations.
func meshKeys() [6]string {
	return [...]string{
		labelDataplaneMode, annotationRedirection, labelUseWaypoint, "sidecar.istio.io/inject", "linkerd.io/inject",
		"kuma.io/sidecar-injection",
	}
}

// leavesMesh reports whether a label or an annotation takes a pod, or some of its traffic, out of
// the mesh, whose policies then hold for it no more.
func leavesMesh(key, value string) bool {
	switch key {
	case labelDataplaneMode, labelUseWaypoint:
		return value == "none"
	case annotationRedirection, "linkerd.io/inject", "kuma.io/sidecar-injection":
		return value == "disabled"
	case "sidecar.istio.io/inject":
		return slices.Contains([]string{"false", "n", "no", "off"}, strings.ToLower(value))
	}
	domain, name, _ := strings.Cut(key, "/")
	return domain == "traffic.sidecar.istio.io" || domain == "config.linkerd.io" && strings.HasPrefix(name, "skip-")
}

// cloudIdentities are the annotations and labels that name an identity in a cloud.
func cloudIdentities() []string {
	return []string{
		"eks.amazonaws.com/role-arn", "iam.gke.io/gcp-service-account", "azure.workload.identity/client-id",
		"iam.amazonaws.com/role", "aadpodidbinding",
	}
}

// isIdle reports whether an annotation gives a pod nothing. Those of Kubernetes itself ask for what
// fields ask for, too; those without a domain are their author's own, except for those of CRI-O,
// which have a dot.
func isIdle(key string) bool {
	domain, _, found := strings.Cut(key, "/")
	if !found || !strings.Contains(domain, ".") {
		return !strings.Contains(key, ".")
	}
	switch domain {
	case "cdi.k8s.io", "external-dns.alpha.kubernetes.io", "pv.kubernetes.io":
		// Devices of the node are injected, names published and claims bound for them.
		return false
	case "service.beta.kubernetes.io":
		return slices.Contains(idleBalancerKeys(), key)
	}
	if strings.HasSuffix(domain, "ingress.kubernetes.io") {
		return false
	}
	return slices.ContainsFunc([]string{
		"kubernetes.io", "k8s.io", "lattice.dev", "lattice.io", "volcano.sh", "velero.io", "prometheus.io", "keda.sh",
	}, func(known string) bool { return domain == known || strings.HasSuffix(domain, "."+known) })
}

// idleBalancerKeys say how a load balancer works, and not who reaches it.
func idleBalancerKeys() []string {
	const prefix = "service.beta.kubernetes.io/aws-load-balancer-"
	return []string{prefix + "type", prefix + "cross-zone-load-balancing-enabled"}
}

// labels asks about labels by which a pod passes for one of another workload, whose rights in the
// network it then has, or by which it gets an identity in a cloud.
func (r *reader) labels(n node) {
	r.isObject(n)
	for _, key := range []string{labelName, "lattice.dev/model", "lattice.dev/training-job"} {
		if at := n.at(key); !at.missing() && !r.index.names[r.text(at)] {
			r.override("pod", "identity:"+at.text(), at)
		}
	}
	for _, key := range cloudIdentities() {
		if at := n.at(key); !at.missing() {
			r.override("pod", "cloudIdentity:"+r.text(at), at)
		}
	}
	r.meshLabels(n)
}
