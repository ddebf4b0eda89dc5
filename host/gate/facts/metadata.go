package facts

import (
	"slices"
	"strings"
)

// dnsPort is the port of DNS.
const dnsPort = 53

// annotationBypass lets traffic pass by the proxy that knows who may call.
const annotationBypass = "ambient.istio.io/bypass-inbound-capture"

// annotations asks about annotations of a pod or an account that something may act on. Injectors put secrets, volumes and
// containers into pods for an annotation, network plugins other networks, and agents an identity in a cloud: whatever is in
// the domain of somebody unknown is asked about.
func (r *reader) annotations(n node) {
	r.isObject(n)
	for _, member := range n.members() {
		switch key := trimDot(member.path[len(n.path):]); {
		case isIdle(key), slices.Contains(queueKeys(), key), key == annotationBypass:
		case slices.Contains(cloudIdentities(), key):
			r.override("pod", "cloudIdentity:"+r.text(member), member)
		default:
			r.override("pod", "annotation:"+key, member)
		}
	}
}

// cloudIdentities are the annotations and labels that name an identity in a cloud.
func cloudIdentities() []string {
	return []string{
		"eks.amazonaws.com/role-arn", "iam.gke.io/gcp-service-account", "azure.workload.identity/client-id",
		"iam.amazonaws.com/role", "aadpodidbinding",
	}
}

// isIdle reports whether an annotation gives a pod nothing. Those of Kubernetes itself ask for what fields ask for, too; those
// without a domain are their author's own, but for those of CRI-O, which have a dot.
func isIdle(key string) bool {
	domain, _, found := strings.Cut(key, "/")
	if !found || !strings.Contains(domain, ".") {
		return !strings.Contains(key, ".")
	}
	// Devices of the node are injected for annotations of cdi.k8s.io.
	return domain != "cdi.k8s.io" && slices.ContainsFunc([]string{
		"kubernetes.io", "k8s.io", "lattice.dev", "lattice.io", "volcano.sh", "velero.io", "prometheus.io", "keda.sh",
	}, func(known string) bool { return domain == known || strings.HasSuffix(domain, "."+known) })
}

// labels asks about labels by which a pod passes for one of another workload, whose rights in the network it then has, or by
// which it gets an identity in a cloud.
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
}
