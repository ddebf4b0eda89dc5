package lattice

import "github.com/latticenet/lattice-host/abi/cbor"

// ServiceSpec is the spec of a [LatticeService].
type ServiceSpec struct {
	Runtime
	// Workload is what runs.
	Workload *Workload `json:"workload"`
	// Replicas is the number of pods, and the least number under autoscaling. Default 1.
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

// Runtime is how pods run, beside their containers. Its fields stand directly in a spec.
type Runtime struct {
	// Sidecars are containers that help the main ones.
	Sidecars cbor.Map[Sidecar] `json:"sidecars,omitempty"`
	// Sysctls are kernel parameters of the pod.
	Sysctls cbor.Map[string] `json:"sysctls,omitempty"`
	// HostNetwork runs pods in the node's network namespace.
	HostNetwork *bool `json:"hostNetwork,omitempty"`
	// ShareProcessNamespace lets a pod's containers see each other's processes.
	ShareProcessNamespace *bool `json:"shareProcessNamespace,omitempty"`
	// AutomountServiceAccountToken mounts the service account's token. Default false.
	AutomountServiceAccountToken *bool `json:"automountServiceAccountToken,omitempty"`
	// ImagePullSecrets names ImageProviders.
	ImagePullSecrets []string `json:"imagePullSecrets,omitempty"`
}

// Workload is a set of containers, what they use, and the ports they serve.
type Workload struct {
	// Containers by name; at least one.
	Containers cbor.Map[Container] `json:"containers"`
	// Resources by name: services, volumes, secrets and others that the workload uses or offers.
	Resources cbor.Map[Resource] `json:"resources,omitempty"`
	// Service names the ports that the workload serves.
	Service *Ports `json:"service,omitempty"`
}

// Container is one container of a workload.
type Container struct {
	// Image is the image reference with its digest, or "." for the image that the platform's configuration names.
	Image string `json:"image"`
	// Command replaces the image's entry point; its first item is an absolute path.
	Command []string `json:"command,omitempty"`
	// Args are the arguments of the entry point.
	Args []string `json:"args,omitempty"`
	// WorkingDir is the working directory.
	WorkingDir string `json:"workingDir,omitempty"`
	// Variables are environment variables; values are templates.
	Variables cbor.Map[string] `json:"variables,omitempty"`
	// Resources are the requests and limits.
	Resources *ResourceRequirements `json:"resources,omitempty"`
	// Files by absolute path.
	Files cbor.Map[File] `json:"files,omitempty"`
	// Volumes by absolute mount path.
	Volumes cbor.Map[VolumeMount] `json:"volumes,omitempty"`
	// LivenessProbe restarts the container when it fails.
	LivenessProbe *Probe `json:"livenessProbe,omitempty"`
	// ReadinessProbe takes the pod out of service while it fails.
	ReadinessProbe *Probe `json:"readinessProbe,omitempty"`
	// StartupProbe holds the other probes back until it succeeds.
	StartupProbe *Probe `json:"startupProbe,omitempty"`
	// EnvFrom names secret resources whose keys become environment variables.
	EnvFrom []string `json:"envFrom,omitempty"`
	// Security relaxes or tightens the container's security context.
	Security *Security `json:"security,omitempty"`
}

// Sidecar is a container that helps the main ones.
type Sidecar struct {
	// Image is the image reference with its digest.
	Image string `json:"image"`
	// Command replaces the image's entry point; required for an init container.
	Command []string `json:"command,omitempty"`
	// Args are the arguments of the entry point.
	Args []string `json:"args,omitempty"`
	// WorkingDir is the working directory.
	WorkingDir string `json:"workingDir,omitempty"`
	// Variables are environment variables; values are templates.
	Variables cbor.Map[string] `json:"variables,omitempty"`
	// Resources are the requests and limits.
	Resources *ResourceRequirements `json:"resources,omitempty"`
	// Files by absolute path.
	Files cbor.Map[File] `json:"files,omitempty"`
	// Volumes by absolute mount path.
	Volumes cbor.Map[VolumeMount] `json:"volumes,omitempty"`
	// LivenessProbe restarts the container when it fails.
	LivenessProbe *Probe `json:"livenessProbe,omitempty"`
	// ReadinessProbe takes the pod out of service while it fails.
	ReadinessProbe *Probe `json:"readinessProbe,omitempty"`
	// StartupProbe holds the other probes back until it succeeds.
	StartupProbe *Probe `json:"startupProbe,omitempty"`
	// Security relaxes or tightens the container's security context.
	Security *Security `json:"security,omitempty"`
	// Init runs the container to its end before the others start.
	Init bool `json:"init,omitempty"`
}

// ResourceRequirements are a container's requests and limits.
type ResourceRequirements struct {
	Requests *Quantities `json:"requests,omitempty"`
	Limits   *Quantities `json:"limits,omitempty"`
}

// Quantities are amounts in the notation of Kubernetes.
type Quantities struct {
	// CPU is in cores or, with the suffix m, in thousandths of a core.
	CPU string `json:"cpu,omitempty"`
	// Memory is in bytes, or with one of the suffixes Ki Mi Gi Ti Pi Ei k M G T P E.
	Memory string `json:"memory,omitempty"`
}

// File is a file in a container: one of Content, BinaryContent and Source.
type File struct {
	// Content is text, a template unless NoExpand is set.
	Content string `json:"content,omitempty"`
	// BinaryContent is base64.
	BinaryContent string `json:"binaryContent,omitempty"`
	// Source names where the content comes from.
	Source string `json:"source,omitempty"`
	// Mode is three or four octal digits.
	Mode string `json:"mode,omitempty"`
	// NoExpand keeps ${…} as it is.
	NoExpand bool `json:"noExpand,omitempty"`
	// ReverseExpand keeps ${…} as it is and expands $${…}.
	ReverseExpand bool `json:"reverseExpand,omitempty"`
}

// VolumeMount mounts a volume resource, or an empty directory when it has no source.
type VolumeMount struct {
	// Source is ${resources.<name>} for a volume resource.
	Source string `json:"source,omitempty"`
	// Path is a path inside the volume.
	Path string `json:"path,omitempty"`
	// ReadOnly mounts read-only.
	ReadOnly bool `json:"readOnly,omitempty"`
	// Medium of an empty directory: empty or Memory.
	Medium string `json:"medium,omitempty"`
	// SizeLimit of an empty directory.
	SizeLimit string `json:"sizeLimit,omitempty"`
}

// Probe is a health check with exactly one handler.
type Probe struct {
	HTTPGet             *HTTPGet `json:"httpGet,omitempty"`
	Exec                *Exec    `json:"exec,omitempty"`
	InitialDelaySeconds *int64   `json:"initialDelaySeconds,omitempty"`
	PeriodSeconds       *int64   `json:"periodSeconds,omitempty"`
	TimeoutSeconds      *int64   `json:"timeoutSeconds,omitempty"`
	FailureThreshold    *int64   `json:"failureThreshold,omitempty"`
	SuccessThreshold    *int64   `json:"successThreshold,omitempty"`
}

// HTTPGet probes with a GET request.
type HTTPGet struct {
	Path        string       `json:"path"`
	Port        int64        `json:"port"`
	Scheme      string       `json:"scheme,omitempty"`
	Host        string       `json:"host,omitempty"`
	HTTPHeaders []HTTPHeader `json:"httpHeaders,omitempty"`
}

// HTTPHeader is one header of a probe's request.
type HTTPHeader struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Exec probes by running a command.
type Exec struct {
	Command []string `json:"command"`
}

// Security is a container's security context, and the binaries it may run.
type Security struct {
	// Capabilities are added.
	Capabilities []string `json:"capabilities,omitempty"`
	// DropCapabilities replaces the default of dropping ALL.
	DropCapabilities []string `json:"dropCapabilities,omitempty"`
	Privileged       *bool    `json:"privileged,omitempty"`
	// ReadOnlyRootFilesystem defaults to true.
	ReadOnlyRootFilesystem *bool `json:"readOnlyRootFilesystem,omitempty"`
	// RunAsNonRoot defaults to true, or false when RunAsUser is 0.
	RunAsNonRoot *bool  `json:"runAsNonRoot,omitempty"`
	RunAsUser    *int64 `json:"runAsUser,omitempty"`
	RunAsGroup   *int64 `json:"runAsGroup,omitempty"`
	// AllowPrivilegeEscalation defaults to false, or true when Privileged is set.
	AllowPrivilegeEscalation *bool `json:"allowPrivilegeEscalation,omitempty"`
	// SeccompProfile is RuntimeDefault (default), Localhost or Unconfined.
	SeccompProfile          string `json:"seccompProfile,omitempty"`
	SeccompLocalhostProfile string `json:"seccompLocalhostProfile,omitempty"`
	// ApparmorProfile is RuntimeDefault (default), Localhost or Unconfined.
	ApparmorProfile          string `json:"apparmorProfile,omitempty"`
	ApparmorLocalhostProfile string `json:"apparmorLocalhostProfile,omitempty"`
	// AllowedBinaries are the only programs that may run.
	AllowedBinaries []string `json:"allowedBinaries,omitempty"`
}

// Ports are what a workload serves.
type Ports struct {
	// Ports by name.
	Ports cbor.Map[Port] `json:"ports"`
	// ServiceType is ClusterIP (default), NodePort or LoadBalancer.
	ServiceType string `json:"serviceType,omitempty"`
	// Hostnames are the public names of an external service.
	Hostnames []string `json:"hostnames,omitempty"`
	// PublishDNS publishes the host names.
	PublishDNS bool `json:"publishDns,omitempty"`
	// TLS gives the service a certificate.
	TLS *TLS `json:"tls,omitempty"`
}

// Port is one port of a service.
type Port struct {
	// Port is the service's port.
	Port int64 `json:"port"`
	// TargetPort is the container's port; default Port.
	TargetPort *int64 `json:"targetPort,omitempty"`
	// Protocol is TCP (default), UDP or SCTP.
	Protocol string `json:"protocol,omitempty"`
}

// TLS names a certificate or who issues one.
type TLS struct {
	SecretName string     `json:"secretName,omitempty"`
	IssuerRef  *IssuerRef `json:"issuerRef,omitempty"`
}

// IssuerRef names a certificate issuer.
type IssuerRef struct {
	Name string `json:"name"`
	Kind string `json:"kind,omitempty"`
}

// Resource is something that a workload uses or offers.
type Resource struct {
	// Type is service, external-service, volume, secret, gpu or a custom type.
	Type string `json:"type"`
	// Class selects a variant of the type.
	Class string `json:"class,omitempty"`
	// ID names the resource outside this document.
	ID string `json:"id,omitempty"`
	// Metadata carries annotations for provisioners.
	Metadata *ResourceMetadata `json:"metadata,omitempty"`
	// Params depend on the type.
	Params *ResourceParams `json:"params,omitempty"`
	// Direction of a service resource: outbound (default), inbound or both.
	Direction string `json:"direction,omitempty"`
	// Namespace of a service resource; default the document's own.
	Namespace string `json:"namespace,omitempty"`
}

// ResourceMetadata carries annotations for provisioners.
type ResourceMetadata struct {
	Annotations cbor.Map[string] `json:"annotations,omitempty"`
}

// ResourceParams are the parameters of a resource; which ones apply depends on its type. Custom holds those of custom
// types, as they were written.
type ResourceParams struct {
	// Provider, Keys, RefreshInterval and SecretType belong to secrets.
	Provider        string   `json:"provider,omitempty"`
	Keys            []string `json:"keys,omitempty"`
	RefreshInterval string   `json:"refreshInterval,omitempty"`
	SecretType      string   `json:"secretType,omitempty"`
	// Size, StorageClass, AccessMode and AllowedConsumers belong to volumes. A volume with a size is owned.
	Size             string   `json:"size,omitempty"`
	StorageClass     string   `json:"storageClass,omitempty"`
	AccessMode       string   `json:"accessMode,omitempty"`
	AllowedConsumers []string `json:"allowedConsumers,omitempty"`
	// Endpoints and Resolution belong to external services.
	Endpoints  cbor.Map[string] `json:"endpoints,omitempty"`
	Resolution string           `json:"resolution,omitempty"`
	// Count, Memory, Compute, Model and Tolerations belong to GPUs. Memory is "20Gi", "512Mi" or a number of MiB.
	Count       *int64 `json:"count,omitempty"`
	Memory      string `json:"memory,omitempty"`
	Compute     *int64 `json:"compute,omitempty"`
	Model       string `json:"model,omitempty"`
	Tolerations *bool  `json:"tolerations,omitempty"`
	// Custom holds the parameters of a resource of a custom type.
	Custom cbor.Map[cbor.Raw] `json:"custom,omitempty"`
}

// Autoscaling scales a service by metrics.
type Autoscaling struct {
	// Max is the most replicas.
	Max int64 `json:"max"`
	// Metrics default to cpu 80.
	Metrics []Metric `json:"metrics,omitempty"`
}

// Metric is one reason to scale.
type Metric struct {
	// Metric is cpu, memory or the name of a Prometheus metric.
	Metric string `json:"metric"`
	// Target is a percentage for cpu and memory, else an average value.
	Target float64 `json:"target"`
}

// Backup configures volume backups.
type Backup struct {
	Schedule  string         `json:"schedule,omitempty"`
	StoreRef  string         `json:"storeRef,omitempty"`
	Retention *Retention     `json:"retention,omitempty"`
	Hooks     *BackupHooks   `json:"hooks,omitempty"`
	Volumes   *BackupVolumes `json:"volumes,omitempty"`
}

// Retention says how many backups are kept.
type Retention struct {
	Daily   *int64 `json:"daily,omitempty"`
	Weekly  *int64 `json:"weekly,omitempty"`
	Monthly *int64 `json:"monthly,omitempty"`
	// TTL is a duration such as 720h.
	TTL string `json:"ttl,omitempty"`
}

// BackupHooks run before and after a backup.
type BackupHooks struct {
	Pre  []BackupHook `json:"pre,omitempty"`
	Post []BackupHook `json:"post,omitempty"`
}

// BackupHook is one command.
type BackupHook struct {
	Name      string   `json:"name"`
	Container string   `json:"container"`
	Command   []string `json:"command"`
	Timeout   string   `json:"timeout,omitempty"`
	// OnError is Continue or Fail.
	OnError string `json:"onError,omitempty"`
}

// BackupVolumes selects volumes.
type BackupVolumes struct {
	Include []string `json:"include,omitempty"`
	Exclude []string `json:"exclude,omitempty"`
	// DefaultPolicy is opt-out (default) or opt-in.
	DefaultPolicy string `json:"defaultPolicy,omitempty"`
}

// Deploy is the roll-out strategy.
type Deploy struct {
	// Strategy is rolling (default) or canary.
	Strategy string  `json:"strategy,omitempty"`
	Canary   *Canary `json:"canary,omitempty"`
}

// Canary tunes a canary roll-out.
type Canary struct {
	Interval   string `json:"interval,omitempty"`
	Threshold  *int64 `json:"threshold,omitempty"`
	MaxWeight  *int64 `json:"maxWeight,omitempty"`
	StepWeight *int64 `json:"stepWeight,omitempty"`
}

// Ingress publishes routes to a service.
type Ingress struct {
	GatewayClass string          `json:"gatewayClass,omitempty"`
	Routes       cbor.Map[Route] `json:"routes"`
}

// Route is one published route.
type Route struct {
	// Kind is HTTPRoute (default), GRPCRoute or TCPRoute.
	Kind       string      `json:"kind,omitempty"`
	Hosts      []string    `json:"hosts,omitempty"`
	Port       string      `json:"port,omitempty"`
	ListenPort *int64      `json:"listenPort,omitempty"`
	Rules      []RouteRule `json:"rules,omitempty"`
	TLS        *TLS        `json:"tls,omitempty"`
}

// RouteRule is one set of matches.
type RouteRule struct {
	Matches []RouteMatch `json:"matches,omitempty"`
}

// RouteMatch selects requests.
type RouteMatch struct {
	Path       *PathMatch    `json:"path,omitempty"`
	Headers    []HeaderMatch `json:"headers,omitempty"`
	Method     string        `json:"method,omitempty"`
	GRPCMethod *GRPCMethod   `json:"grpcMethod,omitempty"`
}

// PathMatch matches a path.
type PathMatch struct {
	// Type is PathPrefix (default) or Exact.
	Type  string `json:"type,omitempty"`
	Value string `json:"value"`
}

// HeaderMatch matches a header.
type HeaderMatch struct {
	Name  string `json:"name"`
	Value string `json:"value"`
	// Type is Exact (default) or RegularExpression.
	Type string `json:"type,omitempty"`
}

// GRPCMethod matches a gRPC method.
type GRPCMethod struct {
	Service string `json:"service,omitempty"`
	Method  string `json:"method,omitempty"`
}

// Advertise makes a service known to other clusters.
type Advertise struct {
	// AllowedServices are namespace/name, or * for all.
	AllowedServices []string `json:"allowedServices,omitempty"`
}

// Topology constrains where pods run in the network.
type Topology struct {
	// Mode is Hard or Soft.
	Mode    string `json:"mode"`
	MaxTier *int64 `json:"maxTier,omitempty"`
}

// Observability says how a service is observed.
type Observability struct {
	Metrics *Metrics `json:"metrics,omitempty"`
}

// Metrics says where metrics are served and how they are named.
type Metrics struct {
	// Mappings from platform names to the service's own.
	Mappings cbor.Map[string] `json:"mappings,omitempty"`
	// Port is the name of a service port.
	Port string `json:"port,omitempty"`
}
