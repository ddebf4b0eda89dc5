package property

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/latticenet/lattice-host/abi"
)

// at returns what is below fields; nil when nothing is.
func at(value any, fields ...string) any {
	for _, field := range fields {
		o, _ := value.(Object)
		value = o[field]
	}
	return value
}

// whose says which pods a selector is for.
type whose int

const (
	// own are the pods of the service that the object derives from.
	own whose = iota + 1
	// peer are the pods of one other service, or of what is not in the run.
	peer
	// ownService selects the service's Service instead of pods.
	ownService
)

// selectors are the fields of derived objects that select something, each with what it selects.
func selectors() map[string]whose {
	return map[string]whose{
		"Service spec.selector":                                                              own,
		"Deployment spec.selector.matchLabels":                                               own,
		"StatefulSet spec.selector.matchLabels":                                              own,
		"PodDisruptionBudget spec.selector.matchLabels":                                      own,
		"Deployment spec.template.spec.topologySpreadConstraints.labelSelector.matchLabels":  own,
		"StatefulSet spec.template.spec.topologySpreadConstraints.labelSelector.matchLabels": own,
		"AuthorizationPolicy spec.selector.matchLabels":                                      own,
		"PeerAuthentication spec.selector.matchLabels":                                       own,
		"CiliumNetworkPolicy spec.endpointSelector.matchLabels":                              own,
		"TracingPolicyNamespaced spec.podSelector.matchLabels":                               own,
		"LatticeMeshMember spec.target.selector":                                             own,

		"CiliumNetworkPolicy spec.ingress.fromEndpoints.matchLabels":                                                                   peer,
		"CiliumNetworkPolicy spec.egress.toEndpoints.matchLabels":                                                                      peer,
		"Deployment spec.template.spec.affinity.podAffinity.requiredDuringSchedulingIgnoredDuringExecution.labelSelector.matchLabels":  peer,
		"StatefulSet spec.template.spec.affinity.podAffinity.requiredDuringSchedulingIgnoredDuringExecution.labelSelector.matchLabels": peer,

		"VMServiceScrape spec.selector.matchLabels": ownService,
	}
}

// selectorsIn calls visit with every selector in an object, and the fields that lead to it.
func selectorsIn(value any, path string, visit func(path string, selector any)) {
	switch v := value.(type) {
	case Object:
		for key, item := range v {
			inner := strings.TrimPrefix(path+"."+key, ".")
			_, terms := at(item, "matchLabels").(Object)
			if key == "matchLabels" || key == "matchExpressions" || key == "selector" && !terms {
				visit(inner, item)
				continue
			}
			selectorsIn(item, inner, visit)
		}
	case []any:
		for _, item := range v {
			selectorsIn(item, path, visit)
		}
	}
}

// namespaces are the objects of a run by namespace.
type namespaces map[string]objects

// selected returns the documents from which the pods, or Services, derive that a selector of an
// object selects.
func (spaces namespaces) selected(o *found, selector Object, of whose) []abi.Ref {
	namespace, labels := o.ref.Namespace, podLabels
	if of == ownService {
		labels = serviceLabels
	}
	selector = maps.Clone(selector)
	if other, ok := selector[namespaceLabel].(string); ok {
		namespace = other
		delete(selector, namespaceLabel)
	}
	var all []abi.Ref
	for i := range spaces[namespace] {
		candidate := &spaces[namespace][i]
		have, matches := labels(candidate).(Object)
		for key, value := range selector {
			matches = matches && have[strings.TrimPrefix(key, "k8s:")] == value
		}
		if matches {
			all = append(all, candidate.of)
		}
	}
	return all
}

// namespaceLabel is what Cilium calls the namespace of a pod.
const namespaceLabel = "k8s:io.kubernetes.pod.namespace"

// podLabels returns the labels of the pods of an object that runs some.
func podLabels(o *found) any { return at(o.content, "spec", "template", "metadata", "labels") }

// serviceLabels returns the labels of a Service.
func serviceLabels(o *found) any {
	if o.ref.Kind != "Service" {
		return nil
	}
	return at(o.content, "metadata", "labels")
}

// selectorsSelectTheirOwn proves that each selector of an object selects what it is for.
func (run objects) selectorsSelectTheirOwn(t *testing.T) {
	spaces := run.byNamespace()
	met := map[string]bool{}
	for i := range run {
		o := &run[i]
		selectorsIn(o.content, "", func(path string, value any) {
			field := o.ref.Kind + " " + path
			met[field] = true
			selector, ok := value.(Object)
			if !ok || len(selector) == 0 {
				t.Errorf("%s: %s: %s selects everything, or by other means than labels", o.of, o.ref, path)
				return
			}
			if got := spaces.selected(o, selector, selectors()[field]); !selects(o, selector, selectors()[field], got) {
				t.Errorf("%s: %s: %s selects what derives from %v", o.of, o.ref, path, got)
			}
		})
	}
	for field := range selectors() {
		if !met[field] {
			t.Errorf("no object of the run has %s", field)
		}
	}
}

// selects reports whether a selector that is for some objects may select those that derive from
// some documents. A policy of a gateway or waypoint of a namespace selects its pods, which no
// document has.
func selects(o *found, selector Object, of whose, got []abi.Ref) bool {
	switch {
	case of == 0:
		return false
	case of == peer:
		return len(got) <= 1
	case gateways(selector):
		return len(got) == 0
	}
	return slices.Equal(got, []abi.Ref{o.of})
}

// gateways reports whether a selector has a label that only the pods of gateways carry.
func gateways(selector Object) bool {
	for _, key := range []string{"gateway.networking.k8s.io/gateway-name", "istio.io/waypoint-for"} {
		if selector[key] != nil || selector["k8s:"+key] != nil {
			return true
		}
	}
	return false
}

func (run objects) byNamespace() namespaces {
	spaces := namespaces{}
	for _, o := range run {
		spaces[o.ref.Namespace] = append(spaces[o.ref.Namespace], o)
	}
	return spaces
}

// podPattern finds the regular expression for names of pods in a query.
var podPattern = regexp.MustCompile(`pod=~"([^"]*)"`)

// queriesMatchTheirOwn proves that a query reads the metrics of the service's pods, and of no
// others of the namespace.
func (run objects) queriesMatchTheirOwn(t *testing.T) {
	spaces := run.byNamespace()
	queries := 0
	for _, o := range run {
		for _, match := range podPattern.FindAllStringSubmatch(strings.ReplaceAll(o.text, `\"`, `"`), -1) {
			queries++
			pattern := regexp.MustCompile("^(?:" + match[1] + ")$")
			var got []abi.Ref
			for i := range spaces[o.ref.Namespace] {
				if w := &spaces[o.ref.Namespace][i]; podLabels(w) != nil && slices.ContainsFunc(podNames(w), pattern.MatchString) {
					got = append(got, w.of)
				}
			}
			if !slices.Equal(got, []abi.Ref{o.of}) {
				t.Errorf("%s: %s reads the metrics of %v", o.of, o.ref, got)
			}
		}
	}
	if queries == 0 {
		t.Error("no object of the run reads metrics by the names of pods")
	}
}

// podNames returns names that the pods of an object can have.
func podNames(o *found) []string {
	if o.ref.Kind == "StatefulSet" {
		return []string{o.ref.Name + "-0", o.ref.Name + "-12"}
	}
	return []string{o.ref.Name + "-66b6c48dd5-7qfx9", o.ref.Name + "-b-bcdfg"}
}
