package schemas

import (
	"fmt"
	"math"
	"path"
	"regexp"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/api/validation"
	metav1validation "k8s.io/apimachinery/pkg/apis/meta/v1/validation"
	utilvalidation "k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// podTemplate checks a template and the restart policies that its controller can live with. Claims
// are volumes that the controller adds to those of the template.
func (r *report) podTemplate(p *field.Path, template *corev1.PodTemplateSpec, claims []corev1.PersistentVolumeClaim, restart ...corev1.RestartPolicy) {
	r.labels(p.Child("metadata", "labels"), template.Labels)
	r.add(validation.ValidateAnnotations(template.Annotations, p.Child("metadata", "annotations")))
	at := p.Child("spec", "restartPolicy")
	if policy := template.Spec.RestartPolicy; policy != "" && !slices.Contains(restart, policy) {
		r.add(field.ErrorList{field.NotSupported(at, policy, restart)})
	}
	r.podSpec(p.Child("spec"), &template.Spec, claims)
}

func (r *report) podSpec(p *field.Path, spec *corev1.PodSpec, claims []corev1.PersistentVolumeClaim) {
	r.oneOf(p.Child("restartPolicy"), string(spec.RestartPolicy), "Always", "Never", "OnFailure")
	r.oneOf(p.Child("dnsPolicy"), string(spec.DNSPolicy), "ClusterFirst", "ClusterFirstWithHostNet", "Default", "None")
	r.labels(p.Child("nodeSelector"), spec.NodeSelector)
	if spec.ServiceAccountName != "" {
		r.reference(p.Child("serviceAccountName"), spec.ServiceAccountName)
	}
	if spec.PriorityClassName != "" {
		r.reference(p.Child("priorityClassName"), spec.PriorityClassName)
	}
	if spec.RuntimeClassName != nil {
		r.reference(p.Child("runtimeClassName"), *spec.RuntimeClassName)
	}
	if grace := spec.TerminationGracePeriodSeconds; grace != nil && *grace < 0 {
		r.invalid(p.Child("terminationGracePeriodSeconds"), *grace, "must be at least 0")
	}
	if spec.Hostname != "" {
		r.invalid(p.Child("hostname"), spec.Hostname, utilvalidation.IsDNS1123Label(spec.Hostname)...)
	}
	for i, secret := range spec.ImagePullSecrets {
		r.reference(p.Child("imagePullSecrets").Index(i).Child("name"), secret.Name)
	}
	if spec.ShareProcessNamespace != nil && *spec.ShareProcessNamespace && spec.HostPID {
		r.forbidden(p.Child("shareProcessNamespace"), "hostPID is true; only one of the two may be")
	}
	r.podSecurity(p.Child("securityContext"), spec)
	r.tolerations(p.Child("tolerations"), spec.Tolerations)
	r.affinity(p.Child("affinity"), spec.Affinity)
	r.spread(p.Child("topologySpreadConstraints"), spec.TopologySpreadConstraints)

	volumes := r.volumes(p.Child("volumes"), spec.Volumes)
	for i := range claims {
		volumes[claims[i].Name] = true
	}
	r.containers(p, spec, volumes)
}

// containers goes through both lists together, because names are unique across them. Host ports
// clash between containers that run side by side, which init containers do not.
func (r *report) containers(p *field.Path, spec *corev1.PodSpec, volumes unique) {
	if len(spec.Containers) == 0 {
		r.required(p.Child("containers"), "")
	}
	var names, hostPorts unique
	for i := range spec.Containers {
		c, at := &spec.Containers[i], p.Child("containers").Index(i)
		r.once(&names, at.Child("name"), c.Name, c.Name)
		r.container(at, c, volumes)
		r.ports(at.Child("ports"), c.Ports, spec.HostNetwork, &hostPorts)
		r.probes(at, c)
	}
	for i := range spec.InitContainers {
		c, at := &spec.InitContainers[i], p.Child("initContainers").Index(i)
		r.once(&names, at.Child("name"), c.Name, c.Name)
		r.container(at, c, volumes)
		r.ports(at.Child("ports"), c.Ports, spec.HostNetwork, &unique{})
		sidecar := c.RestartPolicy != nil && *c.RestartPolicy == corev1.ContainerRestartPolicyAlways
		switch {
		case sidecar:
			r.probes(at, c)
		case c.LivenessProbe != nil || c.ReadinessProbe != nil || c.StartupProbe != nil || c.Lifecycle != nil:
			r.forbidden(at, "an init container has no probes and no lifecycle unless its restartPolicy is Always")
		}
	}
}

func (r *report) container(p *field.Path, c *corev1.Container, volumes unique) {
	if c.Name == "" {
		r.required(p.Child("name"), "")
	} else {
		r.invalid(p.Child("name"), c.Name, utilvalidation.IsDNS1123Label(c.Name)...)
	}
	if c.Image == "" {
		r.required(p.Child("image"), "")
	}
	r.oneOf(p.Child("imagePullPolicy"), string(c.ImagePullPolicy), "Always", "IfNotPresent", "Never")
	r.oneOf(p.Child("terminationMessagePolicy"), string(c.TerminationMessagePolicy), "FallbackToLogsOnError", "File")
	r.env(p.Child("env"), c.Env)
	for i := range c.EnvFrom {
		source, at := &c.EnvFrom[i], p.Child("envFrom").Index(i)
		if source.Prefix != "" {
			r.invalid(at.Child("prefix"), source.Prefix, utilvalidation.IsRelaxedEnvVarName(source.Prefix)...)
		}
		switch {
		case countSet(source) != 1:
			r.invalid(at, "", "exactly one of configMapRef and secretRef must be set")
		case source.ConfigMapRef != nil:
			r.reference(at.Child("configMapRef", "name"), source.ConfigMapRef.Name)
		case source.SecretRef != nil:
			r.reference(at.Child("secretRef", "name"), source.SecretRef.Name)
		}
	}
	r.mounts(p.Child("volumeMounts"), c.VolumeMounts, volumes)
	r.resources(p.Child("resources"), &c.Resources)
	r.containerSecurity(p.Child("securityContext"), c.SecurityContext)
}

// env demands that names are unique. A server accepts a repeated name when the object is created
// and refuses it when it is applied server-side, where the name is the key of the list.
func (r *report) env(p *field.Path, env []corev1.EnvVar) {
	var names unique
	for i := range env {
		v, at := &env[i], p.Index(i)
		if v.Name == "" {
			r.required(at.Child("name"), "")
		} else {
			r.invalid(at.Child("name"), v.Name, utilvalidation.IsRelaxedEnvVarName(v.Name)...)
			r.once(&names, at.Child("name"), v.Name, v.Name)
		}
		from := v.ValueFrom
		if from == nil {
			continue
		}
		at = at.Child("valueFrom")
		switch {
		case v.Value != "":
			r.forbidden(at, "value is set; only one of the two may be")
		case countSet(from) != 1:
			r.invalid(at, "", "exactly one source must be set")
		case from.ConfigMapKeyRef != nil:
			r.reference(at.Child("configMapKeyRef", "name"), from.ConfigMapKeyRef.Name)
			r.dataKey(at.Child("configMapKeyRef", "key"), from.ConfigMapKeyRef.Key)
		case from.SecretKeyRef != nil:
			r.reference(at.Child("secretKeyRef", "name"), from.SecretKeyRef.Name)
			r.dataKey(at.Child("secretKeyRef", "key"), from.SecretKeyRef.Key)
		case from.FieldRef != nil && from.FieldRef.FieldPath == "":
			r.required(at.Child("fieldRef", "fieldPath"), "")
		case from.ResourceFieldRef != nil && from.ResourceFieldRef.Resource == "":
			r.required(at.Child("resourceFieldRef", "resource"), "")
		}
	}
}

func (r *report) dataKey(p *field.Path, key string) {
	if key == "" {
		r.required(p, "")
		return
	}
	r.invalid(p, key, utilvalidation.IsConfigMapKey(key)...)
}

// ports counts a container port as a host port when the pod is on the host's network. A template is
// accepted all the same, but not one pod made from it would be.
func (r *report) ports(p *field.Path, ports []corev1.ContainerPort, hostNetwork bool, hostPorts *unique) {
	var names, numbers unique
	for i, port := range ports {
		at := p.Index(i)
		if port.Name != "" {
			r.invalid(at.Child("name"), port.Name, utilvalidation.IsValidPortName(port.Name)...)
			r.once(&names, at.Child("name"), port.Name, port.Name)
		}
		protocol := r.protocol(at.Child("protocol"), port.Protocol)
		r.invalid(at.Child("containerPort"), port.ContainerPort, utilvalidation.IsValidPortNum(int(port.ContainerPort))...)
		// As with env: the key of the list in server-side apply.
		shown := fmt.Sprintf("%s %d", protocol, port.ContainerPort)
		r.once(&numbers, at, shown, shown)

		host := port.HostPort
		if host != 0 {
			r.invalid(at.Child("hostPort"), host, utilvalidation.IsValidPortNum(int(host))...)
		}
		if hostNetwork && host != 0 && host != port.ContainerPort {
			r.invalid(at.Child("hostPort"), host, "must equal containerPort when hostNetwork is true")
		}
		if hostNetwork {
			host = port.ContainerPort
		}
		if host != 0 {
			r.once(hostPorts, at.Child("hostPort"), fmt.Sprintf("%s %s %d", port.HostIP, protocol, host), host)
		}
	}
}

func (r *report) mounts(p *field.Path, mounts []corev1.VolumeMount, volumes unique) {
	var paths unique
	for i, mount := range mounts {
		at := p.Index(i)
		if mount.Name == "" {
			r.required(at.Child("name"), "")
		} else if !volumes[mount.Name] {
			r.add(field.ErrorList{field.NotFound(at.Child("name"), mount.Name)})
		}
		if mount.MountPath == "" {
			r.required(at.Child("mountPath"), "")
		} else {
			r.once(&paths, at.Child("mountPath"), mount.MountPath, mount.MountPath)
		}
		r.inside(at.Child("subPath"), mount.SubPath)
		r.inside(at.Child("subPathExpr"), mount.SubPathExpr)
		if mount.SubPath != "" && mount.SubPathExpr != "" {
			r.forbidden(at.Child("subPathExpr"), "subPath is set; only one of the two may be")
		}
	}
}

// inside refuses paths that could lead out of the volume.
func (r *report) inside(p *field.Path, relative string) {
	if path.IsAbs(relative) {
		r.invalid(p, relative, "must be a relative path")
	}
	if slices.Contains(strings.Split(relative, "/"), "..") {
		r.invalid(p, relative, "must not contain '..'")
	}
}

func (r *report) volumes(p *field.Path, volumes []corev1.Volume) unique {
	names := unique{}
	for i := range volumes {
		v, at := &volumes[i], p.Index(i)
		if v.Name == "" {
			r.required(at.Child("name"), "")
		} else {
			r.invalid(at.Child("name"), v.Name, utilvalidation.IsDNS1123Label(v.Name)...)
			r.once(&names, at.Child("name"), v.Name, v.Name)
		}
		if countSet(&v.VolumeSource) > 1 { // none: an emptyDir
			r.forbidden(at, "a volume has one source")
		}
		r.volumeSource(at, &v.VolumeSource)
	}
	return names
}

func (r *report) volumeSource(p *field.Path, source *corev1.VolumeSource) {
	if s := source.ConfigMap; s != nil {
		r.reference(p.Child("configMap", "name"), s.Name)
		r.fileMode(p.Child("configMap", "defaultMode"), s.DefaultMode)
		r.projections(p.Child("configMap", "items"), s.Items)
	}
	if s := source.Secret; s != nil {
		r.reference(p.Child("secret", "secretName"), s.SecretName)
		r.fileMode(p.Child("secret", "defaultMode"), s.DefaultMode)
		r.projections(p.Child("secret", "items"), s.Items)
	}
	if s := source.PersistentVolumeClaim; s != nil {
		r.reference(p.Child("persistentVolumeClaim", "claimName"), s.ClaimName)
	}
	if s := source.EmptyDir; s != nil && s.SizeLimit != nil && s.SizeLimit.Sign() < 0 {
		r.invalid(p.Child("emptyDir", "sizeLimit"), s.SizeLimit.String(), "must be at least 0")
	}
	if s := source.HostPath; s != nil && s.Path == "" {
		r.required(p.Child("hostPath", "path"), "")
	}
	if s := source.CSI; s != nil && s.Driver == "" {
		r.required(p.Child("csi", "driver"), "")
	}
}

func (r *report) projections(p *field.Path, items []corev1.KeyToPath) {
	for i, item := range items {
		at := p.Index(i)
		r.dataKey(at.Child("key"), item.Key)
		if item.Path == "" {
			r.required(at.Child("path"), "")
		}
		r.inside(at.Child("path"), item.Path)
		r.fileMode(at.Child("mode"), item.Mode)
	}
}

// fileMode catches the common slip of a mode that was written in octal and read in decimal: 0644 is
// 420, and 644 is not a mode.
func (r *report) fileMode(p *field.Path, mode *int32) {
	if mode != nil && (*mode < 0 || *mode > 0o777) {
		r.invalid(p, *mode, "must be between 0 and 0777 (octal)")
	}
}

func (r *report) probes(p *field.Path, c *corev1.Container) {
	r.probe(p.Child("livenessProbe"), c.LivenessProbe, true)
	r.probe(p.Child("readinessProbe"), c.ReadinessProbe, false)
	r.probe(p.Child("startupProbe"), c.StartupProbe, true)
}

// probe knows that the probes that restart a container succeed at once or not at all.
func (r *report) probe(p *field.Path, probe *corev1.Probe, restarts bool) {
	if probe == nil {
		return
	}
	if set := countSet(&probe.ProbeHandler); set != 1 {
		r.invalid(p, fmt.Sprintf("%d handlers", set), "exactly one of exec, grpc, httpGet and tcpSocket must be set")
	}
	if h := probe.Exec; h != nil && len(h.Command) == 0 {
		r.required(p.Child("exec", "command"), "")
	}
	if h := probe.HTTPGet; h != nil { // an empty path becomes "/"
		r.portNumberOrName(p.Child("httpGet", "port"), h.Port)
		r.oneOf(p.Child("httpGet", "scheme"), string(h.Scheme), "HTTP", "HTTPS")
		for i, header := range h.HTTPHeaders {
			r.invalid(p.Child("httpGet", "httpHeaders").Index(i).Child("name"), header.Name, utilvalidation.IsHTTPHeaderName(header.Name)...)
		}
	}
	if h := probe.TCPSocket; h != nil {
		r.portNumberOrName(p.Child("tcpSocket", "port"), h.Port)
	}
	if h := probe.GRPC; h != nil {
		r.invalid(p.Child("grpc", "port"), h.Port, utilvalidation.IsValidPortNum(int(h.Port))...)
	}
	r.atLeast(p.Child("initialDelaySeconds"), 0, &probe.InitialDelaySeconds)
	r.atLeast(p.Child("periodSeconds"), 0, &probe.PeriodSeconds)
	r.atLeast(p.Child("timeoutSeconds"), 0, &probe.TimeoutSeconds)
	r.atLeast(p.Child("failureThreshold"), 0, &probe.FailureThreshold)
	r.atLeast(p.Child("successThreshold"), 0, &probe.SuccessThreshold)
	if restarts && probe.SuccessThreshold > 1 {
		r.invalid(p.Child("successThreshold"), probe.SuccessThreshold, "must be 1")
	}
}

func (r *report) resources(p *field.Path, resources *corev1.ResourceRequirements) {
	for name, limit := range resources.Limits {
		r.quantity(p.Child("limits").Key(string(name)), name, limit)
	}
	for name, request := range resources.Requests {
		at := p.Child("requests").Key(string(name))
		r.quantity(at, name, request)
		limit, limited := resources.Limits[name]
		switch {
		case extended(name) && (!limited || request.Cmp(limit) != 0):
			r.invalid(at, request.String(), "must equal the limit: "+string(name)+" cannot be overcommitted")
		case limited && request.Cmp(limit) > 0:
			r.invalid(at, request.String(), "must not be greater than the limit, "+limit.String())
		}
	}
}

func (r *report) quantity(p *field.Path, name corev1.ResourceName, value resource.Quantity) {
	switch text := string(name); {
	case strings.Contains(text, "/"):
		r.invalid(p, text, utilvalidation.IsQualifiedName(text)...)
	case !slices.Contains([]string{"cpu", "memory", "ephemeral-storage"}, text) && !strings.HasPrefix(text, corev1.ResourceHugePagesPrefix):
		r.invalid(p, text, "must be cpu, memory, ephemeral-storage, hugepages-<size> or have a domain prefix")
	}
	if value.Sign() < 0 {
		r.invalid(p, value.String(), "must be at least 0")
	}
	if extended(name) && value.MilliValue()%1000 != 0 {
		r.invalid(p, value.String(), "must be a whole number")
	}
}

// extended tells a device from a resource that the kubelet itself shares out.
func extended(name corev1.ResourceName) bool {
	prefix, _, found := strings.Cut(string(name), "/")
	return found && prefix != "kubernetes.io" && !strings.HasSuffix(prefix, ".kubernetes.io")
}

var sysctlName = regexp.MustCompile(`^[a-z0-9]([-_a-z0-9]*[a-z0-9])?([./][a-z0-9]([-_a-z0-9]*[a-z0-9])?)*$`)

func (r *report) podSecurity(p *field.Path, spec *corev1.PodSpec) {
	sc := spec.SecurityContext
	if sc == nil {
		return
	}
	r.id(p.Child("runAsUser"), sc.RunAsUser)
	r.id(p.Child("runAsGroup"), sc.RunAsGroup)
	r.id(p.Child("fsGroup"), sc.FSGroup)
	if sc.FSGroupChangePolicy != nil {
		r.oneOf(p.Child("fsGroupChangePolicy"), string(*sc.FSGroupChangePolicy), "Always", "OnRootMismatch")
	}
	r.seccomp(p.Child("seccompProfile"), sc.SeccompProfile)
	r.appArmor(p.Child("appArmorProfile"), sc.AppArmorProfile)
	var names unique
	for i, sysctl := range sc.Sysctls {
		at := p.Child("sysctls").Index(i).Child("name")
		if !sysctlName.MatchString(sysctl.Name) {
			r.invalid(at, sysctl.Name, "must be lower-case segments separated by '.' or '/'")
		}
		r.once(&names, at, sysctl.Name, sysctl.Name)
		if spec.HostNetwork && strings.HasPrefix(strings.ReplaceAll(sysctl.Name, "/", "."), "net.") {
			r.forbidden(at, "would change the host: hostNetwork is true")
		}
	}
}

func (r *report) containerSecurity(p *field.Path, sc *corev1.SecurityContext) {
	if sc == nil {
		return
	}
	r.id(p.Child("runAsUser"), sc.RunAsUser)
	r.id(p.Child("runAsGroup"), sc.RunAsGroup)
	r.seccomp(p.Child("seccompProfile"), sc.SeccompProfile)
	r.appArmor(p.Child("appArmorProfile"), sc.AppArmorProfile)
	if sc.AllowPrivilegeEscalation == nil || *sc.AllowPrivilegeEscalation {
		return
	}
	if sc.Privileged != nil && *sc.Privileged {
		r.invalid(p.Child("allowPrivilegeEscalation"), false, "a privileged container can always escalate")
	}
	if sc.Capabilities != nil && slices.Contains(sc.Capabilities.Add, "CAP_SYS_ADMIN") {
		r.invalid(p.Child("allowPrivilegeEscalation"), false, "a container with CAP_SYS_ADMIN can always escalate")
	}
}

func (r *report) id(p *field.Path, id *int64) {
	if id != nil && (*id < 0 || *id > math.MaxInt32) {
		r.invalid(p, *id, "must be between 0 and 2147483647")
	}
}

func (r *report) seccomp(p *field.Path, profile *corev1.SeccompProfile) {
	if profile == nil {
		return
	}
	r.profile(p, string(profile.Type), profile.LocalhostProfile)
	if profile.LocalhostProfile != nil {
		r.inside(p.Child("localhostProfile"), *profile.LocalhostProfile)
	}
}

func (r *report) appArmor(p *field.Path, profile *corev1.AppArmorProfile) {
	if profile != nil {
		r.profile(p, string(profile.Type), profile.LocalhostProfile)
	}
}

func (r *report) profile(p *field.Path, kind string, localhost *string) {
	if kind == "" {
		r.required(p.Child("type"), "")
	}
	r.oneOf(p.Child("type"), kind, "Localhost", "RuntimeDefault", "Unconfined")
	switch isLocal := kind == "Localhost"; {
	case isLocal && localhost == nil:
		r.required(p.Child("localhostProfile"), "the type is Localhost")
	case !isLocal && localhost != nil:
		r.forbidden(p.Child("localhostProfile"), "only with type Localhost")
	}
}

func (r *report) tolerations(p *field.Path, tolerations []corev1.Toleration) {
	for i, t := range tolerations {
		at := p.Index(i)
		// Lt and Gt exist, with a feature gate that is off by default.
		r.oneOf(at.Child("operator"), string(t.Operator), "Equal", "Exists")
		r.oneOf(at.Child("effect"), string(t.Effect), "NoExecute", "NoSchedule", "PreferNoSchedule")
		if t.Key == "" && t.Operator != corev1.TolerationOpExists {
			r.invalid(at.Child("operator"), string(t.Operator), "must be Exists when there is no key")
		}
		if t.Key != "" {
			r.add(metav1validation.ValidateLabelName(t.Key, at.Child("key")))
		}
		if t.Operator == corev1.TolerationOpExists && t.Value != "" {
			r.forbidden(at.Child("value"), "not with operator Exists")
		}
		if t.TolerationSeconds != nil && t.Effect != corev1.TaintEffectNoExecute {
			r.invalid(at.Child("effect"), string(t.Effect), "must be NoExecute when tolerationSeconds is set")
		}
	}
}

func (r *report) spread(p *field.Path, constraints []corev1.TopologySpreadConstraint) {
	var pairs unique
	for i, c := range constraints {
		at := p.Index(i)
		if c.MaxSkew < 1 {
			r.invalid(at.Child("maxSkew"), c.MaxSkew, "must be at least 1")
		}
		if c.TopologyKey == "" {
			r.required(at.Child("topologyKey"), "")
		}
		if c.WhenUnsatisfiable == "" {
			r.required(at.Child("whenUnsatisfiable"), "")
		}
		r.oneOf(at.Child("whenUnsatisfiable"), string(c.WhenUnsatisfiable), "DoNotSchedule", "ScheduleAnyway")
		r.selector(at.Child("labelSelector"), c.LabelSelector)
		pair := c.TopologyKey + " " + string(c.WhenUnsatisfiable)
		r.once(&pairs, at, pair, pair)
	}
}

func (r *report) affinity(p *field.Path, affinity *corev1.Affinity) {
	if affinity == nil {
		return
	}
	if a := affinity.PodAffinity; a != nil {
		r.podTerms(p.Child("podAffinity"), a.RequiredDuringSchedulingIgnoredDuringExecution, a.PreferredDuringSchedulingIgnoredDuringExecution)
	}
	if a := affinity.PodAntiAffinity; a != nil {
		r.podTerms(p.Child("podAntiAffinity"), a.RequiredDuringSchedulingIgnoredDuringExecution, a.PreferredDuringSchedulingIgnoredDuringExecution)
	}
	if a := affinity.NodeAffinity; a != nil && a.RequiredDuringSchedulingIgnoredDuringExecution != nil {
		at := p.Child("nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution", "nodeSelectorTerms")
		if len(a.RequiredDuringSchedulingIgnoredDuringExecution.NodeSelectorTerms) == 0 {
			r.required(at, "")
		}
	}
}

func (r *report) podTerms(p *field.Path, required []corev1.PodAffinityTerm, preferred []corev1.WeightedPodAffinityTerm) {
	term := func(at *field.Path, t *corev1.PodAffinityTerm) {
		if t.TopologyKey == "" {
			r.required(at.Child("topologyKey"), "")
		} else {
			r.add(metav1validation.ValidateLabelName(t.TopologyKey, at.Child("topologyKey")))
		}
		r.selector(at.Child("labelSelector"), t.LabelSelector)
		r.selector(at.Child("namespaceSelector"), t.NamespaceSelector)
	}
	for i := range required {
		term(p.Child("requiredDuringSchedulingIgnoredDuringExecution").Index(i), &required[i])
	}
	for i := range preferred {
		at := p.Child("preferredDuringSchedulingIgnoredDuringExecution").Index(i)
		if weight := preferred[i].Weight; weight < 1 || weight > 100 {
			r.invalid(at.Child("weight"), weight, "must be between 1 and 100")
		}
		term(at.Child("podAffinityTerm"), &preferred[i].PodAffinityTerm)
	}
}
