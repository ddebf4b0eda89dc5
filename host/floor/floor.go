// Package floor has the objects that a cluster needs once for what the built-in plugins derive to
// hold: everything is closed unless a policy opens it, and what every pod and proxy needs is open.
package floor

import (
	"encoding/json"
	"regexp"
	"slices"
)

// The ports of the mesh: tunnels (HBONE) and the control plane's secure port (istio.io, Application
// requirements).
const (
	tunnelPort  = "15008"
	controlPort = "15012"
	dnsPort     = "53"
)

// Istio's namespace, in which a policy without a selector is about the whole mesh.
const meshNamespace = "istio-system"

// The addresses that Istio gives to probes of the kubelet into pods of the ambient mesh (istio.io,
// "Ambient and Kubernetes NetworkPolicy").
const (
	probeIPv4 = "169.254.7.127/32"
	probeIPv6 = "fd16:9254:7127:1337:ffff:ffff:ffff:ffff/128"
)

// Labels of Cilium for pods, and those that Istio puts on the pods of gateways and waypoints.
const (
	labelNamespace    = "k8s:io.kubernetes.pod.namespace"
	labelGateway      = "k8s:gateway.networking.k8s.io/gateway-name"
	labelGatewayClass = "k8s:gateway.networking.k8s.io/gateway-class-name"
)

// SystemNamespaces are those that the floor leaves open unless it is told of others: the
// controllers in them reach, and are reached by, pods of the whole cluster.
func SystemNamespaces() []string {
	return []string{
		"cert-manager", "cilium-secrets", "external-secrets", "istio-system", "keda", "kube-node-lease", "kube-public",
		"kube-system", "lattice-system", "monitoring", "tetragon", "velero", "volcano-system",
	}
}

// IsNamespace reports whether s can name a namespace: a DNS label (RFC 1123).
func IsNamespace(s string) bool { return namespace.MatchString(s) }

var namespace = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$`)

type (
	object = map[string]any
	list   = []any
)

// Objects returns the floor as JSON documents, in the order in which they are applied: what is open
// before what closes. Pods of the system namespaces are left alone; nil means [SystemNamespaces].
func Objects(systemNamespaces []string) []json.RawMessage {
	if systemNamespaces == nil {
		systemNamespaces = SystemNamespaces()
	}
	namespaces := slices.Compact(slices.Sorted(slices.Values(systemNamespaces)))
	everywhere := object{"matchExpressions": list{object{"key": labelNamespace, "operator": "NotIn", "values": namespaces}}}
	proxies := object{"matchExpressions": list{object{"key": labelGateway, "operator": "Exists"}}}
	of := func(class string) object { return object{"matchLabels": object{labelGatewayClass: class}} }
	tunnel := ports(tunnelPort, "TCP")
	var documents []json.RawMessage
	for _, o := range []object{
		cilium("allow-node-ingress", "Lets the node reach the pods on it, for probes of the kubelet.", everywhere, object{
			"ingress": list{object{"fromEntities": list{"host"}}},
		}),
		cilium("allow-ambient-hostprobes", "Lets probes of the kubelet into pods of the ambient mesh, which get these addresses.", object{}, object{
			"ingress": list{object{"fromCIDR": list{probeIPv4, probeIPv6}}},
		}),
		cilium("mesh-proxy-egress", "Lets gateways and waypoints look up names, and reach the control plane and the tunnels of pods.", proxies, object{
			"egress": list{
				dns(nil),
				object{"toEndpoints": list{object{"matchLabels": object{labelNamespace: meshNamespace, "k8s:app": "istiod"}}}, "toPorts": ports(controlPort, "TCP")},
				object{"toEntities": list{"cluster"}, "toPorts": tunnel},
			},
		}),
		cilium("waypoint-traffic", "Lets traffic into waypoints, and from there out of the cluster: their policies decide who reaches what.", of("istio-waypoint"), object{
			"ingress": list{object{"fromEntities": list{"cluster"}, "toPorts": tunnel}},
			"egress":  list{object{"toEntities": list{"world"}}},
		}),
		cilium("eastwest-gateway-ingress", "Lets the tunnels of other clusters into the gateway for them.", of("istio-east-west"), object{
			"ingress": list{object{"fromEntities": list{"cluster", "world"}, "toPorts": tunnel}},
		}),
		closed("default-deny", "Closes every pod to all that no policy opens, except the API server and its name.", everywhere, object{
			"egress": list{
				dns(list{"kubernetes.default.svc.cluster.local"}),
				object{"toEntities": list{"kube-apiserver"}},
			},
		}),
		istio("mesh-default-deny", nil),
		istio("waypoint-default-deny", list{object{"group": "gateway.networking.k8s.io", "kind": "GatewayClass", "name": "istio-waypoint"}}),
	} {
		text, err := json.Marshal(o)
		if err != nil {
			// There is nothing in it that JSON does not have.
			panic("the floor: " + err.Error())
		}
		documents = append(documents, text)
	}
	return documents
}

// cilium returns a policy for the whole cluster that only opens: alone it closes nothing.
func cilium(name, description string, selector, rules object) object {
	return policy(name, description, selector, rules, false)
}

// closed returns a policy for the whole cluster that closes all but what it opens.
func closed(name, description string, selector, rules object) object {
	return policy(name, description, selector, rules, true)
}

func policy(name, description string, selector, rules object, deny bool) object {
	spec := object{
		"description": description, "endpointSelector": selector, "enableDefaultDeny": object{"ingress": deny, "egress": deny},
	}
	for direction, list := range rules {
		spec[direction] = list
	}
	return object{"apiVersion": "cilium.io/v2", "kind": "CiliumClusterwideNetworkPolicy", "metadata": metadata(name, ""), "spec": spec}
}

// istio returns a policy of the mesh's own namespace that allows nothing.
func istio(name string, targets list) object {
	spec := object{}
	if targets != nil {
		spec["targetRefs"] = targets
	}
	return object{"apiVersion": "security.istio.io/v1", "kind": "AuthorizationPolicy", "metadata": metadata(name, meshNamespace), "spec": spec}
}

func metadata(name, in string) object {
	m := object{"name": name, "labels": object{"app.kubernetes.io/managed-by": "lattice"}}
	if in != "" {
		m["namespace"] = in
	}
	return m
}

func ports(port, protocol string) list {
	return list{object{"ports": list{object{"port": port, "protocol": protocol}}}}
}

// dns lets pods look up names, or all when none are given.
func dns(names list) object {
	rule := object{"ports": list{object{"port": dnsPort, "protocol": "UDP"}, object{"port": dnsPort, "protocol": "TCP"}}}
	if names != nil {
		var matches list
		for _, name := range names {
			matches = append(matches, object{"matchName": name})
		}
		rule["rules"] = object{"dns": matches}
	}
	return object{
		"toEndpoints": list{object{"matchLabels": object{labelNamespace: "kube-system", "k8s:k8s-app": "kube-dns"}}},
		"toPorts":     list{rule},
	}
}
