package facts

import (
	"cmp"
	"slices"
	"strings"

	"github.com/latticenet/lattice-host/host/gate"
)

// podFields are the fields of a pod's spec in Kubernetes 1.36. One that is not among them may be
// anything.
func podFields() []string {
	return strings.Fields(`volumes initContainers containers ephemeralContainers restartPolicy
		terminationGracePeriodSeconds activeDeadlineSeconds dnsPolicy nodeSelector serviceAccountName serviceAccount
		automountServiceAccountToken nodeName hostNetwork hostPID hostIPC shareProcessNamespace securityContext
		imagePullSecrets hostname subdomain affinity schedulerName tolerations hostAliases priorityClassName priority
		dnsConfig readinessGates runtimeClassName enableServiceLinks preemptionPolicy overhead topologySpreadConstraints
		setHostnameAsFQDN os hostUsers schedulingGates resourceClaims resources hostnameOverride workloadRef
		schedulingGroup`)
}

func containerFields() []string {
	return strings.Fields(`name image command args workingDir ports envFrom env resources resizePolicy restartPolicy
		restartPolicyRules volumeMounts volumeDevices livenessProbe readinessProbe startupProbe lifecycle
		terminationMessagePath terminationMessagePolicy imagePullPolicy securityContext stdin stdinOnce tty
		targetContainerName`)
}

// pod asks about a pod's spec; metadata is the pod's own.
func (r *reader) pod(n, metadata node) {
	r.mark(n)
	r.fields(n, podFields()...)
	for _, field := range []string{"hostNetwork", "hostPID", "hostIPC", "shareProcessNamespace"} {
		if on, _ := r.flag(n.at(field)); on {
			r.override("pod", field, n.at(field))
		}
	}
	r.identity(n, metadata)
	r.placement(n)
	r.names(n)
	if at := metadata.at("annotations", annotationBypass); at.value == "true" {
		r.wildcard("inbound", at)
	}
	context := n.at("securityContext")
	r.podSecurity(context)
	for _, v := range r.list(n.at("volumes")) {
		r.volume(v)
	}
	for _, list := range containerLists() {
		for _, c := range r.list(n.at(list)) {
			if r.isObject(c) {
				r.container(c, context, textsOf(metadata.at("annotations")))
			} else {
				r.unreadable(c)
			}
		}
	}
}

// identity asks who the pod is to the API server, to the mesh and to a cloud.
func (r *reader) identity(n, metadata node) {
	r.annotations(metadata.at("annotations"))
	r.labels(metadata.at("labels"))
	at := n.at("serviceAccountName")
	account := r.text(at)
	if old := r.text(n.at("serviceAccount")); account == "" && old != "" {
		at, account = n.at("serviceAccount"), old
	}
	if account == "" {
		account = "default"
	}
	token, own := r.index.accounts[name{r.ref.Namespace, account}]
	if account != "default" && (!own || !r.index.names[account]) {
		r.override("pod", "serviceAccount:"+account, at)
	}
	mounts := token || !own
	if on, set := r.flag(n.at("automountServiceAccountToken")); set {
		mounts = on
	}
	if mounts {
		r.override("pod", "automountServiceAccountToken", n.at("automountServiceAccountToken"))
	}
}

// names asks about what other hosts and servers a pod is told names by: the host of a connection
// may be another one then than the one that its name says.
func (r *reader) names(n node) {
	for _, alias := range r.list(n.at("hostAliases")) {
		r.override("pod", "hostAlias:"+r.text(r.get(alias, "ip")), alias)
	}
	r.isObject(n.at("dnsConfig"))
	for _, server := range r.texts(n.at("dnsConfig", "nameservers")) {
		r.endpoint(server.text(), dnsPort, "any", server)
	}
	for _, domain := range r.texts(n.at("dnsConfig", "searches")) {
		r.override("pod", "dnsSearch:"+domain.text(), domain)
	}
	if policy := r.text(n.at("dnsPolicy")); policy == "Default" {
		r.override("pod", "dnsPolicy:"+policy, n.at("dnsPolicy"))
	}
}

// placement asks about what puts a pod above others.
func (r *reader) placement(n node) {
	if node := r.text(n.at("nodeName")); node != "" {
		r.override("pod", "nodeName:"+node, n.at("nodeName"))
	}
	if class := r.text(n.at("runtimeClassName")); class != "" {
		r.override("pod", "runtimeClass:"+class, n.at("runtimeClassName"))
	}
	selector := n.at("nodeSelector")
	r.isObject(selector)
	for _, label := range selector.members() {
		if choosesNode(label.key) {
			r.override("pod", "nodeSelector:"+label.key, label)
		}
	}
	for _, t := range r.list(n.at("tolerations")) {
		// Without a key everything is tolerated, the nodes of the control plane included.
		if key := r.text(r.get(t, "key")); !isCommonTaint(key) {
			r.override("pod", "toleration:"+cmp.Or(key, "*"), t)
		}
	}
	r.priority(n.at("priorityClassName"))
	for _, claim := range r.list(n.at("resourceClaims")) {
		// A claim may be for a device as a whole, or one that others use.
		r.override("pod", "resourceClaim:"+r.text(r.get(claim, "name")), claim)
	}
}

// priority asks about a class, whose pods may push those of others off a node.
func (r *reader) priority(n node) {
	if class := r.text(n); class != "" {
		r.override("pod", "priorityClass:"+class, n)
	}
}

// choosesNode reports whether a label is that of one node or of nodes with a part in the cluster.
func choosesNode(label string) bool {
	return label == "kubernetes.io/hostname" || strings.HasPrefix(label, "node-role.kubernetes.io/")
}

// isCommonTaint reports whether a taint says what a node is able to do, or how it is. Others keep
// nodes for somebody.
func isCommonTaint(key string) bool {
	return strings.HasPrefix(key, "node.kubernetes.io/") || isAccelerator(key)
}

// isAccelerator reports whether a resource or a taint is that of a device for computing, which a
// pod cannot get more with than to compute.
func isAccelerator(key string) bool {
	domain, _, found := strings.Cut(key, "/")
	return found && slices.Contains([]string{"nvidia.com", "amd.com", "gpu.intel.com", "habana.ai", "google.com", "volcano.sh"}, domain)
}

// devices asks about devices of the node, which plugins of the kubelet hand out as resources.
func (r *reader) devices(n node) {
	if !r.isObject(n) {
		return
	}
	for _, key := range [...]string{"limits", "requests"} {
		list := n.at(key)
		r.isObject(list)
		amounts, _ := list.value.(map[string]any)
		for resource := range amounts {
			if isDevice(resource) {
				r.override("container", "device:"+resource, list.at(resource))
			}
		}
	}
}

// isDevice reports whether a resource is one that a plugin of the kubelet hands out, other than for
// computing.
func isDevice(resource string) bool {
	domain, _, found := strings.Cut(resource, "/")
	return found && !isAccelerator(resource) && domain != "kubernetes.io" && !strings.HasSuffix(domain, ".kubernetes.io")
}

// container asks about a container and what it inherits from its pod.
func (r *reader) container(n, podContext node, annotations map[string]string) {
	r.mark(n)
	r.fields(n, containerFields()...)
	r.image(n.at("image"))
	context := n.at("securityContext")
	r.mark(context)
	if r.isObject(context) {
		r.fields(context, containerContextFields()...)
	}
	r.effective(context, podContext)
	r.devices(n.at("resources"))
	r.written(context)
	if profile := annotations["container.apparmor.security.beta.kubernetes.io/"+n.at("name").text()]; profile != "" {
		r.profileAnnotation(profile, context.at("appArmorProfile"))
	}
	for _, p := range r.list(n.at("ports")) {
		if port, set := r.integer(r.get(p, "hostPort")); set && port != 0 {
			r.override("container", "hostPort:"+itoa(port), p.at("hostPort"))
		}
	}
	for _, m := range r.list(n.at("volumeMounts")) {
		if mode := r.text(r.get(m, "mountPropagation")); mode == "Bidirectional" {
			r.override("container", "mountPropagation:"+mode, m.at("mountPropagation"))
		}
	}
	for _, probe := range probes() {
		r.handler(r.get(n, probe))
	}
	for _, hook := range []string{"postStart", "preStop"} {
		r.handler(r.get(n, "lifecycle", hook))
	}
}

// handler asks about hosts that a node would connect to for the container.
func (r *reader) handler(n node) {
	for _, way := range []string{"httpGet", "tcpSocket"} {
		at := r.get(n, way, "host")
		if host := r.text(at); host != "" {
			r.endpoint(host, portOf(n.at(way, "port").value), "tcp", at)
		}
	}
}

// volume asks about a volume of a pod. What references ask about, claims, secrets and folders of
// the node, is left to them.
func (r *reader) volume(n node) {
	if !r.isObject(n) {
		r.unreadable(n)
		return
	}
	for _, source := range n.members() {
		switch kind := source.key; kind {
		case "name", "configMap", "downwardAPI", "emptyDir":
		case "secret", "persistentVolumeClaim", "hostPath":
			r.isObject(source)
		case "projected":
			r.projected(source)
		case "ephemeral":
			r.claimSpec(r.get(source, "volumeClaimTemplate", "spec"))
		case "image":
			r.image(r.get(source, "reference"))
		case "csi":
			// A driver does what it likes with its attributes: some mount secrets, some folders of
			// the node.
			r.override("volume", "csi:"+r.text(r.get(source, "driver")), source)
		default:
			r.override("volume", "volume:"+kind, source)
		}
	}
}

func (r *reader) projected(n node) {
	for _, source := range r.list(r.get(n, "sources")) {
		if !r.isObject(source) {
			continue
		}
		for _, member := range source.members() {
			switch kind := member.key; kind {
			case "secret", "configMap", "downwardAPI", "clusterTrustBundle":
			case "serviceAccountToken":
				r.override("pod", "automountServiceAccountToken", member)
			default:
				r.override("volume", "volume:projected."+kind, member)
			}
		}
	}
}

// image asks about an image that nothing pins.
func (r *reader) image(n node) {
	image := r.text(n)
	if image == "" {
		r.unreadable(n)
		return
	}
	if !parseImage(image).pinned {
		r.ask(gate.ActionSkipImageVerification, Image(image), n)
	}
}
