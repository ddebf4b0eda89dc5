package facts

import (
	"strings"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/host/resource"
)

// index is what one output can know of the others.
type index struct {
	// secrets are the Secrets that the bundle makes, accounts its service accounts, with whether
	// pods get their tokens.
	secrets  map[name]bool
	accounts map[name]bool
	// credentials are the Secrets that are used for nothing but pulling images, and hold what the
	// platform keeps for that.
	credentials map[name]bool
	refs        map[abi.Ref]bool
	// labels are those of the bundle's pods. Names are what tells them from other pods: the name of
	// the resource, and those of its workloads. The names of outputs do not count, which a plugin
	// chooses.
	labels []labelSet
	names  map[string]bool
	// declared are selectors of nothing else: those that the author of the resource wrote, and
	// those of the bundle's gateways. Everywhere is set when the author wrote that of the whole
	// namespace.
	declared   []map[string]string
	everywhere bool
	// commands are the programs that the pods are known to start.
	commands map[string]bool
	// limited is set when a policy ends programs that the pods may not start.
	limited bool
	// gateways are the classes of the bundle's gateways.
	gateways map[string]string
	// outside is set when a pod is not in the mesh.
	outside bool
}

// name is that of an object of a known kind.
type name struct{ namespace, name string }

type labelSet struct {
	namespace string
	labels    map[string]string
}

// externalSecret is the kind of what makes Secrets from the keys of a store.
const externalSecret = "ExternalSecret.external-secrets.io"

const (
	labelName          = "app.kubernetes.io/name"
	labelManagedBy     = "app.kubernetes.io/managed-by"
	labelDataplaneMode = "istio.io/dataplane-mode"
	labelWaypointFor   = "istio.io/waypoint-for"
	labelUseWaypoint   = "istio.io/use-waypoint"
	labelWaypointIn    = "istio.io/use-waypoint-namespace"
	labelGlobal        = "istio.io/global"
	labelGatewayName   = "gateway.networking.k8s.io/gateway-name"
)

func newIndex(source *document, outputs []document) index {
	x := index{
		secrets: map[name]bool{}, accounts: map[name]bool{}, credentials: map[name]bool{}, refs: map[abi.Ref]bool{},
		names: map[string]bool{source.ref.Name: true}, commands: map[string]bool{}, gateways: map[string]string{},
	}
	x.declare(source)
	for i := range outputs {
		x.add(&outputs[i])
	}
	x.findCredentials(outputs)
	return x
}

// declare adds the selectors of a resource whose pods somebody else runs.
func (x *index) declare(source *document) {
	spec := source.root.at("spec")
	target := spec.at("target")
	if !resource.IsMesh(source.ref.GroupKind()) {
		target = spec.at("mesh")
	}
	if selector := textsOf(target.at("selector")); len(selector) > 0 {
		x.declared = append(x.declared, selector)
	}
	for _, workloads := range []string{"tasks", "roles"} {
		for key := range workloadsOf(spec.at(workloads)) {
			x.names[source.ref.Name+"-"+key] = true
			x.names[source.ref.Name+"-"+key+"-worker"] = true
		}
	}
	x.everywhere = target.at("namespace").text() == source.ref.Namespace && source.ref.Namespace != ""
}

func workloadsOf(n node) map[string]any {
	m, _ := n.value.(map[string]any)
	return m
}

func (x *index) add(o *document) {
	x.refs[o.ref] = true
	root := o.root
	at := func(n node) name { return name{o.ref.Namespace, n.text()} }
	switch kind := o.ref.GroupKind().String(); kind {
	case "Secret":
		x.secrets[name{o.ref.Namespace, o.ref.Name}] = true
	case "ServiceAccount":
		token, set := root.at("automountServiceAccountToken").value.(bool)
		x.accounts[name{o.ref.Namespace, o.ref.Name}] = token || !set
	case externalSecret:
		if target, ok := madeSecret(o); ok {
			x.secrets[target] = true
		}
	case "TracingPolicyNamespaced.cilium.io":
		// What it says beyond that, and whose pods it is about, is asked about with the object.
		x.limited = x.limited || len(root.at("spec", "kprobes").items()) > 0
	case "Certificate.cert-manager.io":
		// One whose Secret may be somebody else's is asked about as a whole.
		x.secrets[at(root.at("spec", "secretName"))] = true
	case "Gateway.gateway.networking.k8s.io":
		x.declared = append(x.declared, map[string]string{labelGatewayName: o.ref.Name})
		x.gateways[o.ref.Name] = root.at("spec", "gatewayClassName").text()
	}
	x.addPods(o, root, node{})
}

// madeSecret returns the Secret that an ExternalSecret makes; none when it adds to an existing one.
func madeSecret(o *document) (name, bool) {
	target := o.root.at("spec", "target")
	switch target.at("creationPolicy").value {
	case nil, "Owner", "Orphan":
	default:
		return name{}, false
	}
	if own := target.at("name").text(); own != "" {
		return name{o.ref.Namespace, own}, true
	}
	return name{o.ref.Namespace, o.ref.Name}, true
}

// addPods looks for pods anywhere in an object.
func (x *index) addPods(o *document, n, parent node) {
	switch value := n.value.(type) {
	case []any:
		for _, item := range value {
			x.addPods(o, node{value: item}, node{})
		}
	case map[string]any:
		if isPod(n) {
			x.addPod(o, n, parent.at("metadata"))
		}
		for _, member := range value {
			x.addPods(o, node{value: member}, n)
		}
	}
}

func (x *index) addPod(o *document, pod, metadata node) {
	labels := textsOf(metadata.at("labels"))
	x.labels = append(x.labels, labelSet{o.ref.Namespace, labels})
	if labels[labelDataplaneMode] == "none" || pod.at("hostNetwork").value == true ||
		metadata.at("annotations", annotationRedirection).text() == "disabled" {
		x.outside = true
	}
	for _, list := range containerLists() {
		for _, c := range pod.at(list).items() {
			x.addCommand(c.at("command"))
			for _, probe := range probes() {
				x.addCommand(c.at(probe, "exec", "command"))
			}
			x.addCommand(c.at("lifecycle", "preStop", "exec", "command"))
		}
	}
	for key, value := range textsOf(metadata.at("annotations")) {
		// Velero runs what the annotation says, a JSON list or one word.
		if strings.Contains(key, ".hook.backup.velero.io/command") {
			if list, err := decode([]byte(value)); err == nil {
				x.addCommand(node{value: list})
			}
		}
	}
}

func probes() []string { return []string{"livenessProbe", "readinessProbe", "startupProbe"} }

func (x *index) addCommand(n node) {
	if items := n.items(); len(items) > 0 {
		x.commands[items[0].text()] = true
	}
}

// textsOf returns the texts of an object by key.
func textsOf(n node) map[string]string {
	texts := map[string]string{}
	m, _ := n.value.(map[string]any)
	for key, value := range m {
		if s, ok := value.(string); ok {
			texts[key] = s
		}
	}
	return texts
}

// findCredentials finds the Secrets that are outside of what is asked: see the package's
// documentation.
func (x *index) findCredentials(outputs []document) {
	candidates := map[name]abi.Ref{}
	for i := range outputs {
		o := &outputs[i]
		if o.ref.GroupKind().String() != externalSecret {
			continue
		}
		if target, ok := madeSecret(o); ok && copiesCredentials(o) {
			candidates[target] = o.ref
		}
	}
	if len(candidates) == 0 {
		return
	}
	pulls, others := map[string]bool{}, map[string]map[abi.Ref]bool{}
	for i := range outputs {
		o := &outputs[i]
		visitTexts(o.root, false, func(s string, pull bool) {
			switch {
			case pull:
				pulls[s] = true
			case others[s] == nil:
				others[s] = map[abi.Ref]bool{o.ref: true}
			default:
				others[s][o.ref] = true
			}
		})
	}
	for target, ref := range candidates {
		elsewhere := others[target.name]
		delete(elsewhere, ref)
		x.credentials[target] = pulls[target.name] && len(elsewhere) == 0
	}
}

// copiesCredentials reports whether an ExternalSecret makes a Secret of credentials for registries
// exactly as they are kept: one value of its own store under the one key that such a Secret has.
func copiesCredentials(o *document) bool {
	spec := o.root.at("spec")
	template := spec.at("target", "template")
	if template.at("type").text() != "kubernetes.io/dockerconfigjson" {
		return false
	}
	for _, key := range []string{"data", "templateFrom"} {
		if !template.at(key).missing() {
			return false
		}
	}
	data := spec.at("data").items()
	if len(data) != 1 || len(spec.at("dataFrom").items()) > 0 {
		return false
	}
	item := data[0]
	return item.at("secretKey").text() == ".dockerconfigjson" && item.at("sourceRef").missing() &&
		item.at("remoteRef", "decodingStrategy").missing() && item.at("remoteRef", "conversionStrategy").missing()
}

// visitTexts visits every text, and says whether it is the name of an image pull secret.
func visitTexts(n node, pull bool, visit func(text string, pull bool)) {
	switch value := n.value.(type) {
	case string:
		visit(value, pull)
	case []any:
		for _, item := range n.items() {
			visitTexts(item, pull, visit)
		}
	case map[string]any:
		for key, below := range value {
			visitTexts(node{value: below}, pull && key == "name" || key == "imagePullSecrets", visit)
		}
	}
}
