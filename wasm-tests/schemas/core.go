package schemas

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/api/validation"
	"k8s.io/apimachinery/pkg/api/validation/path"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	k8sjson "k8s.io/apimachinery/pkg/runtime/serializer/json"
	"k8s.io/apimachinery/pkg/util/intstr"
	utilvalidation "k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/client-go/kubernetes/scheme"
)

// serverMinor is the Kubernetes 1.x that the pinned k8s.io modules belong to. The decoder still
// knows versions that no such server answers to any more.
const serverMinor = 36

// clusterScoped lists the core kinds without a namespace. The scheme does not say so, and a test
// compares this list with the sources of the API.
var clusterScoped = map[string][]string{
	"": {"ComponentStatus", "Namespace", "Node", "PersistentVolume"},
	"admissionregistration.k8s.io": {
		"MutatingAdmissionPolicy", "MutatingAdmissionPolicyBinding", "MutatingWebhookConfiguration",
		"ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding", "ValidatingWebhookConfiguration",
	},
	"authentication.k8s.io":        {"SelfSubjectReview", "TokenReview"},
	"authorization.k8s.io":         {"SelfSubjectAccessReview", "SelfSubjectRulesReview", "SubjectAccessReview"},
	"certificates.k8s.io":          {"CertificateSigningRequest", "ClusterTrustBundle"},
	"flowcontrol.apiserver.k8s.io": {"FlowSchema", "PriorityLevelConfiguration"},
	"internal.apiserver.k8s.io":    {"StorageVersion"},
	"networking.k8s.io":            {"IPAddress", "IngressClass", "ServiceCIDR"},
	"node.k8s.io":                  {"RuntimeClass"},
	"rbac.authorization.k8s.io":    {"ClusterRole", "ClusterRoleBinding"},
	"resource.k8s.io":              {"DeviceClass", "DeviceTaintRule", "ResourcePoolStatusRequest", "ResourceSlice"},
	"scheduling.k8s.io":            {"PriorityClass"},
	"storage.k8s.io":               {"CSIDriver", "CSINode", "StorageClass", "VolumeAttachment", "VolumeAttributesClass"},
	"storagemigration.k8s.io":      {"StorageVersionMigration"},
}

var strictDecoder = k8sjson.NewSerializerWithOptions(k8sjson.DefaultMetaFactory, scheme.Scheme, scheme.Scheme,
	k8sjson.SerializerOptions{Strict: true})

// coreKnows leaves out what the scheme holds besides objects: lists, options, requests to
// subresources.
func coreKnows(gvk schema.GroupVersionKind) bool {
	if !scheme.Scheme.Recognizes(gvk) {
		return false
	}
	object, err := scheme.Scheme.New(gvk)
	if err != nil {
		return false
	}
	_, err = meta.Accessor(object)
	return err == nil
}

// validateCore decodes, and applies the rules only to what was decoded whole: a value that is
// missing because it had the wrong type would set off others.
func validateCore(gvk schema.GroupVersionKind, instance map[string]any) []error {
	var object runtime.Object
	var strict []error
	errs := withoutMistyped(instance, func(raw []byte) error {
		decoded, _, err := strictDecoder.Decode(raw, nil, nil)
		object, strict = decoded, nil
		if unknown, ok := runtime.AsStrictDecodingError(err); ok {
			strict, err = unknown.Errors(), nil
		}
		return err
	})
	mistyped := len(errs) > 0
	errs = append(errs, strict...)
	if mistyped {
		return errs
	}
	if err := removedVersion(gvk, object); err != nil {
		return append(errs, err)
	}
	accessor, err := meta.Accessor(object)
	if err != nil {
		return append(errs, err)
	}
	where := scopeNamespace
	if slices.Contains(clusterScoped[gvk.Group], gvk.Kind) {
		where = scopeCluster
	}
	r := &report{}
	r.add(checkMeta(accessor, where, nameRule(gvk.GroupKind())))
	r.object(object)
	return append(errs, plain(r.errs)...)
}

func removedVersion(gvk schema.GroupVersionKind, object runtime.Object) error {
	removed, ok := object.(interface{ APILifecycleRemoved() (major, minor int) })
	if !ok {
		return nil
	}
	major, minor := removed.APILifecycleRemoved()
	if major > 1 || minor > serverMinor {
		return nil
	}
	apiVersion, kind := gvk.ToAPIVersionAndKind()
	instead := ""
	if replaced, ok := object.(interface {
		APILifecycleReplacement() schema.GroupVersionKind
	}); ok {
		group, kind := replaced.APILifecycleReplacement().ToAPIVersionAndKind()
		instead = fmt.Sprintf("; use %s %s", group, kind)
	}
	return fmt.Errorf("%s %s is not served since Kubernetes %d.%d%s", apiVersion, kind, major, minor, instead)
}

// nameRule follows the newest server except for Services, where 1.36 starts to accept a leading
// digit. Older servers, and newer ones with that switched off, refuse it, and nothing is gained by
// emitting such a name.
func nameRule(kind schema.GroupKind) validation.ValidateNameFunc {
	switch kind {
	case schema.GroupKind{Kind: "Namespace"}, schema.GroupKind{Group: "apps", Kind: "StatefulSet"}:
		return validation.NameIsDNSLabel
	case schema.GroupKind{Kind: "Service"}:
		return validation.NameIsDNS1035Label
	case schema.GroupKind{Group: "batch", Kind: "Job"}:
		return noLongerThan(utilvalidation.DNS1123LabelMaxLength) // becomes a label of its pods
	case schema.GroupKind{Group: "batch", Kind: "CronJob"}:
		return noLongerThan(utilvalidation.DNS1123LabelMaxLength - 11) // its jobs append a dash and ten digits
	}
	if kind.Group == rbacv1.GroupName {
		return path.ValidatePathSegmentName
	}
	return validation.NameIsDNSSubdomain
}

func noLongerThan(most int) validation.ValidateNameFunc {
	return func(name string, prefix bool) []string {
		messages := validation.NameIsDNSSubdomain(name, prefix)
		if len(name) > most {
			messages = append(messages, utilvalidation.MaxLenError(most))
		}
		return messages
	}
}

// object picks the rules of a kind. Kinds that are not listed have been decoded strictly and have
// valid metadata.
func (r *report) object(object runtime.Object) {
	spec := field.NewPath("spec")
	switch o := object.(type) {
	case *corev1.Pod:
		r.podSpec(spec, &o.Spec, nil)
	case *corev1.Service:
		r.service(spec, &o.Spec)
	case *corev1.ConfigMap:
		r.configMap(o)
	case *corev1.Secret:
		r.secret(o)
	case *corev1.PersistentVolumeClaim:
		r.claim(spec, &o.Spec)
	case *appsv1.Deployment:
		r.deployment(spec, &o.Spec)
	case *appsv1.ReplicaSet:
		r.atLeast(spec.Child("replicas"), 0, o.Spec.Replicas)
		r.workload(spec, o.Spec.Selector, &o.Spec.Template, nil)
	case *appsv1.DaemonSet:
		r.workload(spec, o.Spec.Selector, &o.Spec.Template, nil)
	case *appsv1.StatefulSet:
		r.statefulSet(spec, &o.Spec)
	case *batchv1.Job:
		r.job(spec, &o.Spec)
	case *batchv1.CronJob:
		r.cronJob(spec, &o.Spec)
	case *policyv1.PodDisruptionBudget:
		r.disruptionBudget(spec, &o.Spec)
	case *autoscalingv2.HorizontalPodAutoscaler:
		r.autoscaler(spec, &o.Spec)
	case *networkingv1.NetworkPolicy:
		r.networkPolicy(spec, &o.Spec)
	case *networkingv1.Ingress:
		r.ingress(spec, &o.Spec)
	case *rbacv1.Role:
		r.policyRules(o.Rules, true)
	case *rbacv1.ClusterRole:
		if o.AggregationRule == nil {
			r.policyRules(o.Rules, false)
		}
	case *rbacv1.RoleBinding:
		r.binding(o.RoleRef, o.Subjects, true)
	case *rbacv1.ClusterRoleBinding:
		r.binding(o.RoleRef, o.Subjects, false)
	}
}

// maxDataBytes is the most that the values of a ConfigMap or a Secret may add up to.
const maxDataBytes = 1 << 20

func (r *report) configMap(o *corev1.ConfigMap) {
	data, binary, size := field.NewPath("data"), field.NewPath("binaryData"), 0
	for key, value := range o.Data {
		r.invalid(data.Key(key), key, utilvalidation.IsConfigMapKey(key)...)
		if _, twice := o.BinaryData[key]; twice {
			r.invalid(data.Key(key), key, "is in binaryData as well")
		}
		size += len(value)
	}
	for key, value := range o.BinaryData {
		r.invalid(binary.Key(key), key, utilvalidation.IsConfigMapKey(key)...)
		size += len(value)
	}
	if size > maxDataBytes {
		r.add(field.ErrorList{field.TooLong(data, "", maxDataBytes)})
	}
}

// secretKeys holds, for the types that a server looks into, the keys of which all must be there.
var secretKeys = map[corev1.SecretType][]string{
	corev1.SecretTypeDockercfg:        {corev1.DockerConfigKey},
	corev1.SecretTypeDockerConfigJson: {corev1.DockerConfigJsonKey},
	corev1.SecretTypeSSHAuth:          {corev1.SSHAuthPrivateKey},
	corev1.SecretTypeTLS:              {corev1.TLSCertKey, corev1.TLSPrivateKeyKey},
}

// secret never puts a value into a message: test logs are kept longer than secrets should live.
func (r *report) secret(o *corev1.Secret) {
	data, size := field.NewPath("data"), 0
	merged := map[string]int{}
	for key, value := range o.Data {
		merged[key] = len(value)
	}
	for key, value := range o.StringData {
		merged[key] = len(value)
	}
	for key, length := range merged {
		r.invalid(data.Key(key), key, utilvalidation.IsConfigMapKey(key)...)
		size += length
	}
	if size > maxDataBytes {
		r.add(field.ErrorList{field.TooLong(data, "", maxDataBytes)})
	}
	for _, key := range secretKeys[o.Type] {
		if _, ok := merged[key]; !ok {
			r.required(data.Key(key), fmt.Sprintf("a Secret of type %s has it", o.Type))
		}
	}
}

func (r *report) claim(p *field.Path, spec *corev1.PersistentVolumeClaimSpec) {
	if len(spec.AccessModes) == 0 {
		r.required(p.Child("accessModes"), "")
	}
	for i, mode := range spec.AccessModes {
		r.oneOf(p.Child("accessModes").Index(i), string(mode),
			"ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod")
	}
	size := p.Child("resources", "requests").Key("storage")
	if request, ok := spec.Resources.Requests[corev1.ResourceStorage]; !ok {
		r.required(size, "")
	} else if request.Sign() <= 0 {
		r.invalid(size, request.String(), "must be greater than 0")
	}
	if name := spec.StorageClassName; name != nil && *name != "" {
		r.invalid(p.Child("storageClassName"), *name, utilvalidation.IsDNS1123Subdomain(*name)...)
	}
	if spec.VolumeMode != nil {
		r.oneOf(p.Child("volumeMode"), string(*spec.VolumeMode), "Block", "Filesystem")
	}
	r.selector(p.Child("selector"), spec.Selector)
}

func (r *report) service(p *field.Path, spec *corev1.ServiceSpec) {
	r.oneOf(p.Child("type"), string(spec.Type), "ClusterIP", "ExternalName", "LoadBalancer", "NodePort")
	r.oneOf(p.Child("sessionAffinity"), string(spec.SessionAffinity), "ClientIP", "None")
	r.oneOf(p.Child("externalTrafficPolicy"), string(spec.ExternalTrafficPolicy), "Cluster", "Local")
	r.labels(p.Child("selector"), spec.Selector)
	external := spec.Type == corev1.ServiceTypeExternalName
	headless := spec.ClusterIP == corev1.ClusterIPNone
	reachable := spec.Type == corev1.ServiceTypeLoadBalancer || spec.Type == corev1.ServiceTypeNodePort
	switch {
	case external && spec.ExternalName == "":
		r.required(p.Child("externalName"), "")
	case external:
		name := strings.TrimSuffix(spec.ExternalName, ".")
		r.invalid(p.Child("externalName"), name, utilvalidation.IsDNS1123Subdomain(name)...)
	case len(spec.Ports) == 0 && !headless:
		r.required(p.Child("ports"), "")
	}
	if headless && reachable {
		r.invalid(p.Child("clusterIP"), spec.ClusterIP, fmt.Sprintf("a %s Service cannot be headless", spec.Type))
	}
	if spec.ExternalTrafficPolicy != "" && !reachable && len(spec.ExternalIPs) == 0 {
		r.invalid(p.Child("externalTrafficPolicy"), string(spec.ExternalTrafficPolicy), "only for a Service that is reachable from outside")
	}
	var names, ports, nodePorts unique
	for i := range spec.Ports {
		port, at := &spec.Ports[i], p.Child("ports").Index(i)
		protocol := r.protocol(at.Child("protocol"), port.Protocol)
		if port.Name == "" && len(spec.Ports) > 1 {
			r.required(at.Child("name"), "a Service with several ports names each")
		} else if port.Name != "" {
			r.invalid(at.Child("name"), port.Name, utilvalidation.IsDNS1123Label(port.Name)...)
			r.once(&names, at.Child("name"), port.Name, port.Name)
		}
		r.invalid(at.Child("port"), port.Port, utilvalidation.IsValidPortNum(int(port.Port))...)
		if port.TargetPort != (intstr.IntOrString{}) { // left out or 0: same as port
			r.portNumberOrName(at.Child("targetPort"), port.TargetPort)
		}
		r.once(&ports, at, fmt.Sprint(protocol, port.Port), fmt.Sprintf("%s %d", protocol, port.Port))
		if port.NodePort != 0 {
			r.once(&nodePorts, at.Child("nodePort"), fmt.Sprint(protocol, port.NodePort), port.NodePort)
			if !reachable {
				r.forbidden(at.Child("nodePort"), "needs type NodePort or LoadBalancer")
			}
		}
	}
}

// workload holds what every controller of pods demands: a selector, and a template that it selects.
func (r *report) workload(p *field.Path, selector *metav1.LabelSelector, template *corev1.PodTemplateSpec, claims []corev1.PersistentVolumeClaim) {
	at := p.Child("selector")
	if selector == nil || len(selector.MatchLabels)+len(selector.MatchExpressions) == 0 {
		r.required(at, "an empty selector would select every pod")
	} else if parsed, err := metav1.LabelSelectorAsSelector(selector); err != nil {
		r.invalid(at, selector, err.Error())
	} else if !parsed.Matches(labelSet(template.Labels)) {
		r.invalid(p.Child("template", "metadata", "labels"), template.Labels, "do not match the selector "+parsed.String())
	}
	r.selector(at, selector)
	r.podTemplate(p.Child("template"), template, claims, corev1.RestartPolicyAlways)
}

func (r *report) deployment(p *field.Path, spec *appsv1.DeploymentSpec) {
	r.atLeast(p.Child("replicas"), 0, spec.Replicas)
	r.atLeast(p.Child("minReadySeconds"), 0, &spec.MinReadySeconds)
	r.atLeast(p.Child("revisionHistoryLimit"), 0, spec.RevisionHistoryLimit)
	if deadline := spec.ProgressDeadlineSeconds; deadline != nil && *deadline <= spec.MinReadySeconds {
		r.invalid(p.Child("progressDeadlineSeconds"), *deadline, "must be greater than minReadySeconds")
	}
	r.workload(p, spec.Selector, &spec.Template, nil)

	at, rolling := p.Child("strategy"), spec.Strategy.RollingUpdate
	r.oneOf(at.Child("type"), string(spec.Strategy.Type), "Recreate", "RollingUpdate")
	if rolling == nil {
		return
	}
	if spec.Strategy.Type == appsv1.RecreateDeploymentStrategyType {
		r.forbidden(at.Child("rollingUpdate"), "only with strategy type RollingUpdate")
	}
	r.countOrPercent(at.Child("rollingUpdate", "maxUnavailable"), rolling.MaxUnavailable, true)
	r.countOrPercent(at.Child("rollingUpdate", "maxSurge"), rolling.MaxSurge, false)
	if isZero(rolling.MaxUnavailable) && isZero(rolling.MaxSurge) {
		r.invalid(at.Child("rollingUpdate", "maxUnavailable"), rolling.MaxUnavailable.String(), "must not be 0 when maxSurge is 0")
	}
}

func (r *report) statefulSet(p *field.Path, spec *appsv1.StatefulSetSpec) {
	r.atLeast(p.Child("replicas"), 0, spec.Replicas)
	r.workload(p, spec.Selector, &spec.Template, spec.VolumeClaimTemplates)
	r.oneOf(p.Child("podManagementPolicy"), string(spec.PodManagementPolicy), "OrderedReady", "Parallel")
	r.oneOf(p.Child("updateStrategy", "type"), string(spec.UpdateStrategy.Type), "OnDelete", "RollingUpdate")
	for i := range spec.VolumeClaimTemplates {
		r.claim(p.Child("volumeClaimTemplates").Index(i).Child("spec"), &spec.VolumeClaimTemplates[i].Spec)
	}
}

func (r *report) job(p *field.Path, spec *batchv1.JobSpec) {
	r.atLeast(p.Child("parallelism"), 0, spec.Parallelism)
	r.atLeast(p.Child("completions"), 0, spec.Completions)
	r.atLeast(p.Child("backoffLimit"), 0, spec.BackoffLimit)
	r.atLeast(p.Child("ttlSecondsAfterFinished"), 0, spec.TTLSecondsAfterFinished)
	if spec.CompletionMode != nil {
		r.oneOf(p.Child("completionMode"), string(*spec.CompletionMode), "Indexed", "NonIndexed")
		if *spec.CompletionMode == batchv1.IndexedCompletion && spec.Completions == nil {
			r.required(p.Child("completions"), "completion mode is Indexed")
		}
	}
	if spec.Selector != nil && (spec.ManualSelector == nil || !*spec.ManualSelector) {
		r.forbidden(p.Child("selector"), "a Job makes its own unless manualSelector is true")
	}
	r.podTemplate(p.Child("template"), &spec.Template, nil, corev1.RestartPolicyNever, corev1.RestartPolicyOnFailure)
	if spec.Template.Spec.RestartPolicy == "" {
		r.required(p.Child("template", "spec", "restartPolicy"), "the default, Always, is not allowed in a Job")
	}
}

func (r *report) cronJob(p *field.Path, spec *batchv1.CronJobSpec) {
	at := p.Child("schedule")
	switch fields := strings.Fields(spec.Schedule); {
	case len(fields) == 0:
		r.required(at, "")
	case strings.Contains(spec.Schedule, "TZ"):
		r.invalid(at, spec.Schedule, "a time zone goes into timeZone")
	case len(fields) != 5 && !strings.HasPrefix(spec.Schedule, "@"):
		r.invalid(at, spec.Schedule, "must have five fields or be a macro such as @hourly")
	}
	r.oneOf(p.Child("concurrencyPolicy"), string(spec.ConcurrencyPolicy), "Allow", "Forbid", "Replace")
	r.atLeast(p.Child("successfulJobsHistoryLimit"), 0, spec.SuccessfulJobsHistoryLimit)
	r.atLeast(p.Child("failedJobsHistoryLimit"), 0, spec.FailedJobsHistoryLimit)
	r.job(p.Child("jobTemplate", "spec"), &spec.JobTemplate.Spec)
}

func (r *report) disruptionBudget(p *field.Path, spec *policyv1.PodDisruptionBudgetSpec) {
	if spec.MinAvailable != nil && spec.MaxUnavailable != nil {
		r.forbidden(p.Child("maxUnavailable"), "minAvailable is set; only one of the two may be")
	}
	r.countOrPercent(p.Child("minAvailable"), spec.MinAvailable, true)
	r.countOrPercent(p.Child("maxUnavailable"), spec.MaxUnavailable, true)
	r.selector(p.Child("selector"), spec.Selector)
	if policy := spec.UnhealthyPodEvictionPolicy; policy != nil {
		r.oneOf(p.Child("unhealthyPodEvictionPolicy"), string(*policy), "AlwaysAllow", "IfHealthyBudget")
	}
}

func (r *report) autoscaler(p *field.Path, spec *autoscalingv2.HorizontalPodAutoscalerSpec) {
	r.atLeast(p.Child("minReplicas"), 1, spec.MinReplicas)
	r.atLeast(p.Child("maxReplicas"), 1, &spec.MaxReplicas)
	if least := spec.MinReplicas; least != nil && spec.MaxReplicas < *least {
		r.invalid(p.Child("maxReplicas"), spec.MaxReplicas, "must not be less than minReplicas")
	}
	target := p.Child("scaleTargetRef")
	r.reference(target.Child("name"), spec.ScaleTargetRef.Name)
	if spec.ScaleTargetRef.Kind == "" {
		r.required(target.Child("kind"), "")
	}
	for i := range spec.Metrics {
		metric, at := &spec.Metrics[i], p.Child("metrics").Index(i)
		sources := map[autoscalingv2.MetricSourceType]bool{
			autoscalingv2.ContainerResourceMetricSourceType: metric.ContainerResource != nil,
			autoscalingv2.ExternalMetricSourceType:          metric.External != nil,
			autoscalingv2.ObjectMetricSourceType:            metric.Object != nil,
			autoscalingv2.PodsMetricSourceType:              metric.Pods != nil,
			autoscalingv2.ResourceMetricSourceType:          metric.Resource != nil,
		}
		if metric.Type == "" {
			r.required(at.Child("type"), "")
		}
		r.oneOf(at.Child("type"), string(metric.Type), "ContainerResource", "External", "Object", "Pods", "Resource")
		if set, known := sources[metric.Type]; known && (!set || countSet(metric) != 1) {
			r.invalid(at, string(metric.Type), "the source of this type, and no other, must be set")
		}
	}
}

func (r *report) networkPolicy(p *field.Path, spec *networkingv1.NetworkPolicySpec) {
	r.selector(p.Child("podSelector"), &spec.PodSelector)
	for i, kind := range spec.PolicyTypes {
		r.oneOf(p.Child("policyTypes").Index(i), string(kind), "Egress", "Ingress")
	}
	for i, rule := range spec.Ingress {
		r.networkRule(p.Child("ingress").Index(i), "from", rule.From, rule.Ports)
	}
	for i, rule := range spec.Egress {
		r.networkRule(p.Child("egress").Index(i), "to", rule.To, rule.Ports)
	}
}

func (r *report) networkRule(p *field.Path, side string, peers []networkingv1.NetworkPolicyPeer, ports []networkingv1.NetworkPolicyPort) {
	for i, port := range ports {
		at := p.Child("ports").Index(i)
		if port.Protocol != nil {
			r.protocol(at.Child("protocol"), *port.Protocol)
		}
		if port.Port != nil {
			r.portNumberOrName(at.Child("port"), *port.Port)
		}
		if port.EndPort != nil && (port.Port == nil || port.Port.Type != intstr.Int || *port.EndPort < port.Port.IntVal) {
			r.invalid(at.Child("endPort"), *port.EndPort, "needs a numeric port that is not greater")
		}
	}
	for i, peer := range peers {
		at := p.Child(side).Index(i)
		r.selector(at.Child("podSelector"), peer.PodSelector)
		r.selector(at.Child("namespaceSelector"), peer.NamespaceSelector)
		switch {
		case countSet(&peer) == 0:
			r.required(at, "an empty peer selects nothing")
		case peer.IPBlock != nil && countSet(&peer) > 1:
			r.forbidden(at, "ipBlock excludes the selectors")
		case peer.IPBlock != nil:
			r.prefixes(at.Child("ipBlock"), peer.IPBlock)
		}
	}
}

func (r *report) prefixes(p *field.Path, block *networkingv1.IPBlock) {
	whole, err := netip.ParsePrefix(block.CIDR)
	if err != nil {
		r.invalid(p.Child("cidr"), block.CIDR, "must be an address and a prefix length")
		return
	}
	for i, text := range block.Except {
		part, err := netip.ParsePrefix(text)
		if err != nil || !whole.Contains(part.Addr()) || part.Bits() <= whole.Bits() {
			r.invalid(p.Child("except").Index(i), text, "must be a smaller range inside "+block.CIDR)
		}
	}
}

func (r *report) ingress(p *field.Path, spec *networkingv1.IngressSpec) {
	if len(spec.Rules) == 0 && spec.DefaultBackend == nil {
		r.required(p, "needs rules or a defaultBackend")
	}
	if spec.DefaultBackend != nil {
		r.backend(p.Child("defaultBackend"), spec.DefaultBackend)
	}
	for i, rule := range spec.Rules {
		at := p.Child("rules").Index(i)
		if strings.HasPrefix(rule.Host, "*") {
			r.invalid(at.Child("host"), rule.Host, utilvalidation.IsWildcardDNS1123Subdomain(rule.Host)...)
		} else if rule.Host != "" {
			r.invalid(at.Child("host"), rule.Host, utilvalidation.IsDNS1123Subdomain(rule.Host)...)
		}
		if rule.HTTP == nil {
			continue
		}
		if len(rule.HTTP.Paths) == 0 {
			r.required(at.Child("http", "paths"), "")
		}
		for j := range rule.HTTP.Paths {
			entry, at := &rule.HTTP.Paths[j], at.Child("http", "paths").Index(j)
			if entry.PathType == nil {
				r.required(at.Child("pathType"), "")
			} else {
				r.oneOf(at.Child("pathType"), string(*entry.PathType), "Exact", "ImplementationSpecific", "Prefix")
			}
			loose := entry.Path == "" && entry.PathType != nil && *entry.PathType == networkingv1.PathTypeImplementationSpecific
			if !loose && !strings.HasPrefix(entry.Path, "/") {
				r.invalid(at.Child("path"), entry.Path, "must begin with a slash")
			}
			r.backend(at.Child("backend"), &entry.Backend)
		}
	}
}

func (r *report) backend(p *field.Path, backend *networkingv1.IngressBackend) {
	if countSet(backend) != 1 {
		r.invalid(p, "", "either service or resource must be set")
		return
	}
	if service := backend.Service; service != nil {
		r.reference(p.Child("service", "name"), service.Name)
		if (service.Port.Name == "") == (service.Port.Number == 0) {
			r.invalid(p.Child("service", "port"), "", "either name or number must be set")
		}
	}
}

func (r *report) policyRules(rules []rbacv1.PolicyRule, namespaced bool) {
	for i, rule := range rules {
		at := field.NewPath("rules").Index(i)
		if len(rule.Verbs) == 0 {
			r.required(at.Child("verbs"), "")
		}
		switch urls := at.Child("nonResourceURLs"); {
		case len(rule.NonResourceURLs) == 0:
			if len(rule.APIGroups) == 0 {
				r.required(at.Child("apiGroups"), "")
			}
			if len(rule.Resources) == 0 {
				r.required(at.Child("resources"), "")
			}
		case namespaced:
			r.forbidden(urls, "only in a ClusterRole")
		case len(rule.APIGroups)+len(rule.Resources)+len(rule.ResourceNames) > 0:
			r.forbidden(urls, "not in the same rule as resources")
		}
	}
}

func (r *report) binding(role rbacv1.RoleRef, subjects []rbacv1.Subject, namespaced bool) {
	at := field.NewPath("roleRef")
	if role.APIGroup != "" { // left out: filled in
		r.oneOf(at.Child("apiGroup"), role.APIGroup, rbacv1.GroupName)
	}
	kinds := []string{"ClusterRole"}
	if namespaced {
		kinds = append(kinds, "Role")
	}
	if role.Kind == "" {
		r.required(at.Child("kind"), "")
	}
	r.oneOf(at.Child("kind"), role.Kind, kinds...)
	if role.Name == "" {
		r.required(at.Child("name"), "")
	}
	for i, subject := range subjects {
		at := field.NewPath("subjects").Index(i)
		if subject.Name == "" {
			r.required(at.Child("name"), "")
		}
		if subject.Kind == "" {
			r.required(at.Child("kind"), "")
		}
		r.oneOf(at.Child("kind"), subject.Kind, rbacv1.GroupKind, rbacv1.ServiceAccountKind, rbacv1.UserKind)
		if subject.Kind == rbacv1.ServiceAccountKind && subject.Namespace == "" && !namespaced {
			r.required(at.Child("namespace"), "")
		}
	}
}
