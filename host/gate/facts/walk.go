package facts

import (
	"slices"
	"strings"

	"github.com/latticenet/lattice-host/host/gate"
)

func containerLists() [3]string {
	return [...]string{"containers", "initContainers", "ephemeralContainers"}
}

// isPod reports whether an object looks like the spec of a pod, wherever it is.
func isPod(n node) bool {
	m, ok := n.value.(map[string]any)
	if !ok || allStrings(m) {
		return false
	}
	for _, key := range [...]string{
		"containers", "initContainers", "ephemeralContainers", "hostNetwork", "hostPID", "hostIPC", "shareProcessNamespace",
	} {
		if m[key] != nil {
			return true
		}
	}
	return false
}

// allStrings reports whether every value is a string, as in labels. A pod or container always has a
// value of another type.
func allStrings(m map[string]any) bool {
	for _, value := range m {
		if _, ok := value.(string); !ok {
			return false
		}
	}
	return true
}

// isTable reports whether the value of a key is a table that nothing is read from.
func isTable(key string, m map[string]any) bool {
	switch key {
	case "labels", "annotations", "matchLabels", "nodeSelector", "selector", "data", "stringData", "binaryData":
		return allStrings(m)
	}
	return false
}

// podsAt asks about the pods at the paths that a kind has them at.
func (r *reader) podsAt(n node, path string) {
	parent := n
	for key := range strings.SplitSeq(path, ".") {
		if key == "*" {
			_, rest, _ := strings.Cut(path, "*.")
			for _, item := range r.list(n) {
				r.podsAt(item, rest)
			}
			return
		}
		parent, n = n, r.get(n, key)
	}
	if r.isObject(n) {
		r.pod(n, parent.at("metadata"))
	}
}

// walk asks about whatever has the form of something that can ask, in a kind that is known or not.
func (r *reader) walk(n node, parent *node, key string) {
	for _, item := range n.items() {
		r.walk(item, nil, key)
	}
	m, ok := n.value.(map[string]any)
	if !ok || isTable(key, m) {
		return
	}
	if k, inner := r.embedded(n); inner != nil {
		if inner.kind(n, k); k.Data {
			return
		}
		r = inner
	}
	// The path is asked for again and again.
	n = node{parent: n.path(), value: m}
	r.shapes(n, parent)
	r.references(n, key)
	for _, member := range n.members() {
		r.spelling(member, member.key)
		r.walk(member, &n, member.key)
	}
}

// shapes recognises pods, containers, security contexts and runtime specs.
func (r *reader) shapes(n node, parent *node) {
	if isPod(n) && !r.judged(n) {
		var metadata node
		if parent != nil {
			metadata = parent.at("metadata")
		}
		r.pod(n, metadata)
	}
	if isRuntimeSpec(n) {
		r.runtimeSpec(n)
	}
	if _, ok := n.at("image").value.(string); ok && !r.judged(n) {
		// A container outside of a list of containers, such as a step of a workflow, has no pod to
		// inherit from.
		r.container(n, node{}, nil)
	}
	if context := n.at("securityContext"); !context.missing() && !r.judged(context) && r.isObject(context) {
		r.mark(context)
		r.written(context)
	}
	if n.at("privileged").value == true {
		r.override("container", "privileged", n.at("privileged"))
	}
	if metadata := n.at("metadata"); !metadata.missing() {
		r.queueLabels(metadata)
	}
	for _, subject := range n.at("subjects").items() {
		if ns := subject.at("namespace"); ns.text() != "" && ns.text() != r.in.Resource.Ref.Namespace {
			r.foreign(ns, ns.text())
		}
	}
}

// references recognises what an object takes from others: secrets, volumes and folders of the node.
func (r *reader) references(n node, key string) {
	if key == "hostPath" {
		if path := n.at("path"); !path.missing() {
			r.override("volume", "hostPath:"+cleanPath(r.text(path)), path)
		}
	}
	if key == "persistentVolumeClaim" {
		if claim := n.at("claimName"); !claim.missing() {
			r.claimReference(claim, r.text(claim))
		}
	}
	m, _ := n.value.(map[string]any)
	if m["accessModes"] != nil {
		r.claimSpec(n)
	}
	if m["secretStoreRef"] != nil && !r.judged(n) {
		r.externalKeys(n)
	}
	r.secretReferences(n, key)
}

// queueLabels asks about the queues that labels name.
func (r *reader) queueLabels(metadata node) {
	for _, table := range []string{"labels", "annotations"} {
		for _, member := range metadata.at(table).members() {
			key := member.key
			if slices.Contains(queueKeys(), key) {
				r.queue(member)
			}
		}
	}
}

func queueKeys() []string {
	return []string{"volcano.sh/queue-name", "scheduling.volcano.sh/queue-name", "kueue.x-k8s.io/queue-name"}
}

func (r *reader) queue(n node) {
	if name := r.text(n); name != "" {
		r.ask(gate.ActionUseQueue, gate.Queue(name), n)
	}
}

func (r *reader) podGroup(root node) {
	spec := r.get(root, "spec")
	r.queue(r.get(spec, "queue"))
	r.priority(spec.at("priorityClassName"))
}

func (r *reader) volcanoJob(root node) { r.tasks(r.get(root, "spec")) }

func (r *reader) volcanoCronJob(root node) { r.tasks(r.get(root, "spec", "jobTemplate", "spec")) }

// tasks asks about what the spec of a job of Volcano gives to its tasks, besides their pods.
func (r *reader) tasks(spec node) {
	r.queue(r.get(spec, "queue"))
	r.fields(spec, "schedulerName", "minAvailable", "volumes", "tasks", "policies", "plugins", "runningEstimate", "queue", "maxRetry",
		"ttlSecondsAfterFinished", "priorityClassName", "minSuccess", "networkTopology")
	r.priority(spec.at("priorityClassName"))
	r.isObject(spec.at("plugins"))
	for _, plugin := range spec.at("plugins").members() {
		switch plugin.key {
		case "env", "svc", "pytorch", "tensorflow":
		default:
			// The plugin ssh makes keys by which the tasks enter each other, and any other one may
			// do anything.
			r.override("pod", "volcanoPlugin:"+plugin.key, plugin)
		}
	}
	r.taskVolumes(spec)
}

// taskVolumes asks about the claims that Volcano mounts into every task.
func (r *reader) taskVolumes(spec node) {
	for _, v := range r.list(r.get(spec, "volumes")) {
		if claim := r.get(v, "volumeClaimName"); !claim.missing() {
			r.claimReference(claim, r.text(claim))
		}
		r.claimSpec(r.get(v, "volumeClaim"))
	}
}
