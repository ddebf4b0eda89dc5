package lattice

import "github.com/latticenet/lattice-host/abi/cbor"

// ServiceSpec is the spec of a [LatticeService].
type ServiceSpec struct {
	Runtime
	// Workload is what runs.
	Workload *Workload `json:"workload"`
	// Replicas is the number of pods, and the least number under autoscaling. Default 1.
	//
	//kind:minimum 0
	//kind:maximum 2147483647
	//kind:default 1
	Replicas *int64 `json:"replicas,omitempty"`
	// Autoscaling scales between Replicas and its Max.
	Autoscaling *Autoscaling `json:"autoscaling,omitempty"`
	// Backup configures volume backups.
	Backup *Backup `json:"backup,omitempty"`
	// Deploy is the roll-out strategy.
	Deploy *Deploy `json:"deploy,omitempty"`
	// Ingress publishes routes to the service.
	Ingress *Ingress `json:"ingress,omitempty"`
	// Advertise makes the service known to other clusters.
	Advertise *Advertise `json:"advertise,omitempty"`
	// Topology constrains where pods run in the network.
	Topology *Topology `json:"topology,omitempty"`
	// Observability says how the service is observed.
	Observability *Observability `json:"observability,omitempty"`
}

// Runtime is how pods run, apart from their main containers. Its fields are inlined in a spec.
type Runtime struct {
	// Sidecars are containers that help the main ones.
	//
	//kind:maxProperties 64
	Sidecars cbor.Map[Sidecar] `json:"sidecars,omitempty"`
	// Sysctls are kernel parameters of the pod.
	//
	//kind:maxProperties 64
	Sysctls cbor.Map[string] `json:"sysctls,omitempty"`
	// HostNetwork runs pods in the node's network namespace.
	HostNetwork *bool `json:"hostNetwork,omitempty"`
	// ShareProcessNamespace lets a pod's containers see each other's processes.
	ShareProcessNamespace *bool `json:"shareProcessNamespace,omitempty"`
	// AutomountServiceAccountToken mounts the service account's token. Default false.
	AutomountServiceAccountToken *bool `json:"automountServiceAccountToken,omitempty"`
	// ImagePullSecrets names ImageProviders.
	//
	//kind:maxItems 64
	//kind:items.maxLength 253
	ImagePullSecrets []string `json:"imagePullSecrets,omitempty"`
	// TerminationGracePeriodSeconds is how long a pod may take to end, with what its containers do
	// before they stop. Kubernetes gives 30 when it is not set.
	//
	//kind:minimum 0
	//kind:maximum 2147483647
	TerminationGracePeriodSeconds *int64 `json:"terminationGracePeriodSeconds,omitempty"`
	// FSGroup is the group that owns the files of volumes. Default 65534, or 0 when a container
	// runs as user 0.
	//
	//kind:minimum 0
	//kind:maximum 2147483647
	FSGroup *int64 `json:"fsGroup,omitempty"`
	// FSGroupChangePolicy says when the files of a volume get the group: OnRootMismatch (default)
	// if its top folder has another one, or Always.
	//
	//kind:enum OnRootMismatch Always
	FSGroupChangePolicy string `json:"fsGroupChangePolicy,omitempty"`
	// NodeSelector are labels of the nodes that pods run on.
	//
	//kind:maxProperties 64
	//kind:values.maxLength 63
	NodeSelector cbor.Map[string] `json:"nodeSelector,omitempty"`
	// Tolerations let pods run on nodes that keep others away. Gates ask about keys that reserve
	// nodes.
	//
	//kind:maxItems 64
	Tolerations []Toleration `json:"tolerations,omitempty"`
}

// Toleration lets pods run on nodes with a taint.
type Toleration struct {
	// Key is the key of the taint; none, with the operator Exists, means every taint.
	//
	//kind:maxLength 317
	Key string `json:"key,omitempty"`
	// Operator is Equal (default), or Exists for every value.
	//
	//kind:enum Equal Exists
	Operator string `json:"operator,omitempty"`
	// Value of the taint, for the operator Equal.
	//
	//kind:maxLength 63
	Value string `json:"value,omitempty"`
	// Effect of the taint; none means every effect.
	//
	//kind:enum NoSchedule PreferNoSchedule NoExecute
	Effect string `json:"effect,omitempty"`
	// TolerationSeconds is how long a running pod stays after a taint with the effect NoExecute is
	// set.
	//
	//kind:minimum 0
	//kind:maximum 2147483647
	TolerationSeconds *int64 `json:"tolerationSeconds,omitempty"`
}

// Workload is a set of containers, what they use, and the ports they serve.
type Workload struct {
	// Containers by name; at least one.
	//
	//kind:minProperties 1
	//kind:maxProperties 64
	Containers cbor.Map[Container] `json:"containers"`
	// Resources by name: services, volumes, secrets and others that the workload uses or offers.
	//
	//kind:maxProperties 256
	Resources cbor.Map[Resource] `json:"resources,omitempty"`
	// Service names the ports that the workload serves.
	Service *Ports `json:"service,omitempty"`
}

// Container is one container of a workload.
type Container struct {
	// Image is the image reference with its digest, or "." for the image that the platform's
	// configuration names.
	//
	//kind:maxLength 1024
	Image string `json:"image"`
	// Command replaces the image's entry point; its first item is an absolute path.
	//
	//kind:items.maxLength 131072
	Command []string `json:"command,omitempty"`
	// Args are the arguments of the entry point.
	//
	//kind:items.maxLength 131072
	Args []string `json:"args,omitempty"`
	// WorkingDir is the working directory.
	WorkingDir string `json:"workingDir,omitempty"`
	// Variables are environment variables; values are templates.
	//
	//kind:values.maxLength 131072
	Variables cbor.Map[string] `json:"variables,omitempty"`
	// Resources are the requests and limits.
	Resources *ResourceRequirements `json:"resources,omitempty"`
	// Files by absolute path.
	//
	//kind:maxProperties 256
	Files cbor.Map[File] `json:"files,omitempty"`
	// Volumes by absolute mount path.
	//
	//kind:maxProperties 256
	Volumes cbor.Map[VolumeMount] `json:"volumes,omitempty"`
	// LivenessProbe restarts the container when it fails.
	LivenessProbe *Probe `json:"livenessProbe,omitempty"`
	// ReadinessProbe takes the pod out of service while it fails.
	ReadinessProbe *Probe `json:"readinessProbe,omitempty"`
	// StartupProbe holds the other probes back until it succeeds.
	StartupProbe *Probe `json:"startupProbe,omitempty"`
	// Lifecycle is what the container does before it stops.
	Lifecycle *Lifecycle `json:"lifecycle,omitempty"`
	// EnvFrom names secret, existing-secret and existing-configmap resources whose keys become
	// environment variables.
	//
	//kind:maxItems 256
	//kind:items.maxLength 63
	EnvFrom []string `json:"envFrom,omitempty"`
	// Security relaxes or tightens the container's security context.
	Security *Security `json:"security,omitempty"`
}

// Sidecar is a container that helps the main ones.
type Sidecar struct {
	// Image is the image reference with its digest.
	//
	//kind:maxLength 1024
	Image string `json:"image"`
	// Command replaces the image's entry point; required for an init container.
	//
	//kind:items.maxLength 131072
	Command []string `json:"command,omitempty"`
	// Args are the arguments of the entry point.
	//
	//kind:items.maxLength 131072
	Args []string `json:"args,omitempty"`
	// WorkingDir is the working directory.
	WorkingDir string `json:"workingDir,omitempty"`
	// Variables are environment variables; values are templates.
	//
	//kind:values.maxLength 131072
	Variables cbor.Map[string] `json:"variables,omitempty"`
	// Resources are the requests and limits; they may be left out.
	Resources *ResourceRequirements `json:"resources,omitempty"`
	// Files by absolute path.
	//
	//kind:maxProperties 256
	Files cbor.Map[File] `json:"files,omitempty"`
	// Volumes by absolute mount path.
	//
	//kind:maxProperties 256
	Volumes cbor.Map[VolumeMount] `json:"volumes,omitempty"`
	// LivenessProbe restarts the container when it fails.
	LivenessProbe *Probe `json:"livenessProbe,omitempty"`
	// ReadinessProbe takes the pod out of service while it fails.
	ReadinessProbe *Probe `json:"readinessProbe,omitempty"`
	// StartupProbe holds the other probes back until it succeeds.
	StartupProbe *Probe `json:"startupProbe,omitempty"`
	// Lifecycle is what the container does before it stops.
	Lifecycle *Lifecycle `json:"lifecycle,omitempty"`
	// Security relaxes or tightens the container's security context.
	Security *Security `json:"security,omitempty"`
	// Init runs the container to its end before the others start.
	Init bool `json:"init,omitempty"`
	// After names the init containers that run to their end before this one, which is an init
	// container too. Those that are not ordered run by name.
	//
	//kind:maxItems 64
	//kind:items.maxLength 63
	After []string `json:"after,omitempty"`
}

// ResourceRequirements are a container's requests and limits.
type ResourceRequirements struct {
	// Requests are what a container is sure to get.
	Requests *Quantities `json:"requests,omitempty"`
	// Limits are what a container gets at most.
	Limits *Quantities `json:"limits,omitempty"`
}

// Quantities are amounts in the notation of Kubernetes.
type Quantities struct {
	// CPU is in cores or, with the suffix m, in thousandths of a core.
	//
	//kind:maxLength 32
	CPU string `json:"cpu,omitempty"`
	// Memory is in bytes, or with one of the suffixes Ki Mi Gi Ti Pi Ei k M G T P E.
	//
	//kind:maxLength 32
	Memory string `json:"memory,omitempty"`
	// EphemeralStorage is what a container writes to its node, to empty directories and as output,
	// in the notation of memory.
	//
	//kind:maxLength 32
	EphemeralStorage string `json:"ephemeral-storage,omitempty"`
}

// File is a file in a container: one of Content, BinaryContent and Source, or empty.
type File struct {
	// Content is text, a template unless NoExpand is set.
	//
	//kind:maxLength 1048576
	Content string `json:"content,omitempty"`
	// BinaryContent is base64.
	//
	//kind:maxLength 1398104
	BinaryContent string `json:"binaryContent,omitempty"`
	// Source is ${resources.<name>.<key>} for a key of an existing Secret or ConfigMap. A change of
	// it reaches new pods only.
	Source string `json:"source,omitempty"`
	// Mode is three or four octal digits.
	//
	//kind:maxLength 5
	Mode string `json:"mode,omitempty"`
	// NoExpand keeps ${…} as it is.
	NoExpand bool `json:"noExpand,omitempty"`
	// ReverseExpand keeps ${…} as it is and expands $${…}.
	ReverseExpand bool `json:"reverseExpand,omitempty"`
}

// VolumeMount mounts a volume, or the keys of an existing Secret or ConfigMap; an empty directory
// when it has no source.
type VolumeMount struct {
	// Source is ${resources.<name>} for a resource of type volume, existing-secret or
	// existing-configmap.
	Source string `json:"source,omitempty"`
	// Path is a path inside the volume.
	Path string `json:"path,omitempty"`
	// ReadOnly mounts read-only.
	ReadOnly bool `json:"readOnly,omitempty"`
	// Medium of an empty directory: empty or Memory.
	//
	//kind:enum Memory
	Medium string `json:"medium,omitempty"`
	// SizeLimit of an empty directory.
	//
	//kind:maxLength 32
	SizeLimit string `json:"sizeLimit,omitempty"`
}

// Security is a container's security context, and the binaries it may run.
type Security struct {
	// Capabilities are added.
	//
	//kind:maxItems 64
	//kind:items.maxLength 64
	Capabilities []string `json:"capabilities,omitempty"`
	// DropCapabilities replaces the default of dropping ALL.
	//
	//kind:maxItems 64
	//kind:items.maxLength 64
	DropCapabilities []string `json:"dropCapabilities,omitempty"`
	// Privileged gives the container the rights of the node.
	Privileged *bool `json:"privileged,omitempty"`
	// ReadOnlyRootFilesystem defaults to true.
	ReadOnlyRootFilesystem *bool `json:"readOnlyRootFilesystem,omitempty"`
	// RunAsNonRoot defaults to true, or false when RunAsUser is 0.
	RunAsNonRoot *bool `json:"runAsNonRoot,omitempty"`
	// RunAsUser is the id of the user that runs the program.
	//
	//kind:minimum 0
	//kind:maximum 2147483647
	RunAsUser *int64 `json:"runAsUser,omitempty"`
	// RunAsGroup is the id of the group that runs the program.
	//
	//kind:minimum 0
	//kind:maximum 2147483647
	RunAsGroup *int64 `json:"runAsGroup,omitempty"`
	// AllowPrivilegeEscalation defaults to false, or true when Privileged is set.
	AllowPrivilegeEscalation *bool `json:"allowPrivilegeEscalation,omitempty"`
	// SeccompProfile is RuntimeDefault (default), Localhost or Unconfined.
	//
	//kind:enum RuntimeDefault Localhost Unconfined
	SeccompProfile string `json:"seccompProfile,omitempty"`
	// SeccompLocalhostProfile is the file of a Localhost profile, below the node's folder of
	// profiles.
	SeccompLocalhostProfile string `json:"seccompLocalhostProfile,omitempty"`
	// ApparmorProfile is RuntimeDefault, Localhost or Unconfined; by default the platform's
	// setting.
	//
	//kind:enum RuntimeDefault Localhost Unconfined
	ApparmorProfile string `json:"apparmorProfile,omitempty"`
	// ApparmorLocalhostProfile is the name of a Localhost profile on the node.
	ApparmorLocalhostProfile string `json:"apparmorLocalhostProfile,omitempty"`
	// AllowedBinaries are the only programs that may run.
	//
	//kind:maxItems 256
	AllowedBinaries []string `json:"allowedBinaries,omitempty"`
}

// Ports are what a workload serves.
type Ports struct {
	// Ports by name.
	Ports cbor.Map[Port] `json:"ports"`
	// ServiceType is ClusterIP (default), NodePort, LoadBalancer, or Headless: the name resolves to
	// the addresses of the pods.
	//
	//kind:enum ClusterIP NodePort LoadBalancer Headless
	//kind:default "ClusterIP"
	ServiceType string `json:"serviceType,omitempty"`
	// StableNames gives each pod a name that it keeps, from SERVICE-0 on, and makes the service a
	// StatefulSet. A pod is found at POD.SERVICE-pods.NAMESPACE.svc.cluster.local, or without -pods
	// where the service is Headless.
	StableNames bool `json:"stableNames,omitempty"`
	// Hostnames are the public names of an external service.
	//
	//kind:maxItems 64
	//kind:items.maxLength 255
	Hostnames []string `json:"hostnames,omitempty"`
	// PublishDNS publishes the host names.
	PublishDNS bool `json:"publishDns,omitempty"`
	// TLS gives the service a certificate.
	TLS *TLS `json:"tls,omitempty"`
}

// Port is one port of a service.
type Port struct {
	// Port is the service's port.
	//
	//kind:minimum 1
	//kind:maximum 65535
	Port int64 `json:"port"`
	// TargetPort is the container's port; default Port.
	//
	//kind:minimum 1
	//kind:maximum 65535
	TargetPort *int64 `json:"targetPort,omitempty"`
	// Protocol is TCP (default), UDP or SCTP.
	//
	//kind:enum TCP UDP SCTP
	//kind:default "TCP"
	Protocol string `json:"protocol,omitempty"`
}

// TLS names a certificate or who issues one.
type TLS struct {
	// SecretName is the Secret that has the certificate.
	//
	//kind:maxLength 253
	SecretName string `json:"secretName,omitempty"`
	// IssuerRef is who issues the certificate.
	IssuerRef *IssuerRef `json:"issuerRef,omitempty"`
}

// IssuerRef names a certificate issuer.
type IssuerRef struct {
	// Name is the name of the issuer.
	//
	//kind:maxLength 253
	Name string `json:"name"`
	// Kind is ClusterIssuer or Issuer.
	//
	//kind:enum ClusterIssuer Issuer
	Kind string `json:"kind,omitempty"`
}

// Autoscaling scales a service by metrics.
type Autoscaling struct {
	// Max is the most replicas.
	//
	//kind:minimum 1
	//kind:maximum 2147483647
	Max int64 `json:"max"`
	// Metrics default to cpu 80.
	//
	//kind:maxItems 32
	//kind:default [{"metric": "cpu", "target": 80}]
	Metrics []Metric `json:"metrics,omitempty"`
}

// Metric is one reason to scale.
type Metric struct {
	// Metric is cpu, memory or the name of a Prometheus metric.
	//
	//kind:maxLength 256
	Metric string `json:"metric"`
	// Target is a percentage for cpu and memory, else an average value.
	Target float64 `json:"target"`
}

// Deploy is the roll-out strategy.
type Deploy struct {
	// Strategy is rolling (default), canary, or recreate, which ends the old pods before new ones
	// begin.
	//
	//kind:enum rolling canary recreate
	//kind:default "rolling"
	Strategy string `json:"strategy,omitempty"`
	// Canary tunes a canary roll-out; it needs the strategy canary.
	Canary *Canary `json:"canary,omitempty"`
}

// Canary tunes a canary roll-out.
type Canary struct {
	// Interval is the time between two steps, such as 1m.
	//
	//kind:maxLength 64
	Interval string `json:"interval,omitempty"`
	// Threshold is how many failed checks end the roll-out.
	//
	//kind:minimum 0
	//kind:maximum 2147483647
	Threshold *int64 `json:"threshold,omitempty"`
	// MaxWeight is the share of the traffic at most, in percent.
	//
	//kind:minimum 1
	//kind:maximum 100
	MaxWeight *int64 `json:"maxWeight,omitempty"`
	// StepWeight is the share that each step adds, in percent.
	//
	//kind:minimum 1
	//kind:maximum 100
	StepWeight *int64 `json:"stepWeight,omitempty"`
}

// Advertise makes a service known to other clusters.
type Advertise struct {
	// AllowedServices are namespace/name, or * for all.
	//
	//kind:items.maxLength 127
	AllowedServices []string `json:"allowedServices,omitempty"`
}

// Topology constrains where pods run in the network.
type Topology struct {
	// Mode is Hard or Soft.
	//
	//kind:enum Hard Soft
	Mode string `json:"mode"`
	// MaxTier is the most tiers of the network between two pods.
	//
	//kind:minimum 1
	//kind:maximum 2147483647
	MaxTier *int64 `json:"maxTier,omitempty"`
}

// Observability says how a service is observed.
type Observability struct {
	// Metrics says where metrics are served.
	Metrics *Metrics `json:"metrics,omitempty"`
}

// Metrics says where metrics are served and how they are named.
type Metrics struct {
	// Mappings from platform names to the service's own.
	Mappings cbor.Map[string] `json:"mappings,omitempty"`
	// Port is the name of a service port.
	//
	//kind:maxLength 63
	Port string `json:"port,omitempty"`
}
