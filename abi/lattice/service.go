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

// Runtime is how pods run, beside their containers. Its fields stand directly in a spec.
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
	// Image is the image reference with its digest, or "." for the image that the platform's configuration names.
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
	// EnvFrom names secret resources whose keys become environment variables.
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
	// Security relaxes or tightens the container's security context.
	Security *Security `json:"security,omitempty"`
	// Init runs the container to its end before the others start.
	Init bool `json:"init,omitempty"`
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
}

// File is a file in a container: one of Content, BinaryContent and Source.
type File struct {
	// Content is text, a template unless NoExpand is set.
	//
	//kind:maxLength 1048576
	Content string `json:"content,omitempty"`
	// BinaryContent is base64.
	//
	//kind:maxLength 1398104
	BinaryContent string `json:"binaryContent,omitempty"`
	// Source names where the content comes from.
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

// VolumeMount mounts a volume resource, or an empty directory when it has no source.
type VolumeMount struct {
	// Source is ${resources.<name>} for a volume resource.
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

// Probe is a health check with exactly one handler.
type Probe struct {
	// HTTPGet probes with a GET request.
	HTTPGet *HTTPGet `json:"httpGet,omitempty"`
	// Exec probes by running a command.
	Exec *Exec `json:"exec,omitempty"`
	// InitialDelaySeconds is how long after its start a container is first probed.
	//
	//kind:minimum 0
	//kind:maximum 2147483647
	InitialDelaySeconds *int64 `json:"initialDelaySeconds,omitempty"`
	// PeriodSeconds is the time between two probes.
	//
	//kind:minimum 1
	//kind:maximum 2147483647
	PeriodSeconds *int64 `json:"periodSeconds,omitempty"`
	// TimeoutSeconds is how long a probe may take.
	//
	//kind:minimum 1
	//kind:maximum 2147483647
	TimeoutSeconds *int64 `json:"timeoutSeconds,omitempty"`
	// FailureThreshold is how many failures in a row count as one.
	//
	//kind:minimum 1
	//kind:maximum 2147483647
	FailureThreshold *int64 `json:"failureThreshold,omitempty"`
	// SuccessThreshold is how many successes in a row count as one; more than 1 for readiness only.
	//
	//kind:minimum 1
	//kind:maximum 2147483647
	SuccessThreshold *int64 `json:"successThreshold,omitempty"`
}

// HTTPGet probes with a GET request.
type HTTPGet struct {
	// Path is the path of the request; it begins with a slash.
	Path string `json:"path"`
	// Port is the port of the container.
	//
	//kind:minimum 1
	//kind:maximum 65535
	Port int64 `json:"port"`
	// Scheme is HTTP or HTTPS.
	//
	//kind:enum HTTP HTTPS
	Scheme string `json:"scheme,omitempty"`
	// Host is a host name or an address, instead of the pod's.
	//
	//kind:maxLength 253
	Host string `json:"host,omitempty"`
	// HTTPHeaders are headers of the request.
	//
	//kind:maxItems 64
	HTTPHeaders []HTTPHeader `json:"httpHeaders,omitempty"`
}

// HTTPHeader is one header of a probe's request.
type HTTPHeader struct {
	// Name is the name of the header.
	//
	//kind:maxLength 256
	Name string `json:"name"`
	// Value is the value of the header.
	Value string `json:"value"`
}

// Exec probes by running a command.
type Exec struct {
	// Command is the program and its arguments.
	//
	//kind:minItems 1
	//kind:items.maxLength 131072
	Command []string `json:"command"`
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
	// SeccompLocalhostProfile is the file of a Localhost profile on the node.
	SeccompLocalhostProfile string `json:"seccompLocalhostProfile,omitempty"`
	// ApparmorProfile is RuntimeDefault (default), Localhost or Unconfined.
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
	// ServiceType is ClusterIP (default), NodePort or LoadBalancer.
	//
	//kind:enum ClusterIP NodePort LoadBalancer
	//kind:default "ClusterIP"
	ServiceType string `json:"serviceType,omitempty"`
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

// Resource is something that a workload uses or offers.
type Resource struct {
	// Type is service, external-service, volume, secret, gpu or a custom type.
	//
	//kind:maxLength 63
	Type string `json:"type"`
	// Class selects a variant of the type.
	Class string `json:"class,omitempty"`
	// ID names the resource outside this document.
	//
	//kind:maxLength 253
	ID string `json:"id,omitempty"`
	// Metadata carries annotations for provisioners.
	Metadata *ResourceMetadata `json:"metadata,omitempty"`
	// Params depend on the type.
	Params *ResourceParams `json:"params,omitempty"`
	// Direction of a service resource: outbound (default), inbound or both.
	//
	//kind:enum outbound inbound both
	//kind:default "outbound"
	Direction string `json:"direction,omitempty"`
	// Namespace of a service resource; default the document's own.
	//
	//kind:maxLength 63
	Namespace string `json:"namespace,omitempty"`
}

// ResourceMetadata carries annotations for provisioners.
type ResourceMetadata struct {
	// Annotations are what the provisioner reads.
	//
	//kind:values.maxLength 262144
	Annotations cbor.Map[string] `json:"annotations,omitempty"`
}

// ResourceParams are the parameters of a resource; which ones apply depends on its type. Custom holds those of custom
// types, as they were written.
//
//kind:free
type ResourceParams struct {
	// Provider of a secret: the store that has it.
	Provider string `json:"provider,omitempty"`
	// Keys of a secret: those that the workload needs.
	Keys []string `json:"keys,omitempty"`
	// RefreshInterval of a secret: how often it is fetched, such as 1h.
	RefreshInterval string `json:"refreshInterval,omitempty"`
	// SecretType of a secret: the type of the Secret that is made.
	SecretType string `json:"secretType,omitempty"`
	// Size of a volume, such as 10Gi. A volume with a size is owned by this document.
	Size string `json:"size,omitempty"`
	// StorageClass of a volume.
	StorageClass string `json:"storageClass,omitempty"`
	// AccessMode of a volume: ReadWriteOnce (default), ReadWriteMany or ReadOnlyMany.
	AccessMode string `json:"accessMode,omitempty"`
	// AllowedConsumers of a volume: the services that may use it, as namespace/name or *.
	AllowedConsumers []string `json:"allowedConsumers,omitempty"`
	// Endpoints of an external service: URLs by name.
	Endpoints cbor.Map[string] `json:"endpoints,omitempty"`
	// Resolution of an external service: dns or static.
	Resolution string `json:"resolution,omitempty"`
	// Count of GPUs that a pod gets.
	Count *int64 `json:"count,omitempty"`
	// Memory of a GPU share: 20Gi, 512Mi or a number of MiB.
	Memory string `json:"memory,omitempty"`
	// Compute of a GPU share, in percent.
	Compute *int64 `json:"compute,omitempty"`
	// Model of the GPU.
	Model string `json:"model,omitempty"`
	// Tolerations of the taints of GPU nodes. Default true.
	Tolerations *bool `json:"tolerations,omitempty"`
	// Custom holds the parameters of a resource of a custom type.
	Custom cbor.Map[cbor.Raw] `json:"custom,omitempty"`
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

// Backup configures volume backups.
type Backup struct {
	// Schedule is a cron expression of five parts such as 0 3 * * *.
	//
	//kind:maxLength 256
	Schedule string `json:"schedule,omitempty"`
	// StoreRef names the backup store.
	//
	//kind:maxLength 253
	StoreRef string `json:"storeRef,omitempty"`
	// Retention says how many backups are kept.
	Retention *Retention `json:"retention,omitempty"`
	// Hooks run before and after a backup.
	Hooks *BackupHooks `json:"hooks,omitempty"`
	// Volumes selects what is backed up.
	Volumes *BackupVolumes `json:"volumes,omitempty"`
}

// Retention says how many backups are kept.
type Retention struct {
	// Daily is how many daily backups are kept.
	//
	//kind:minimum 0
	//kind:maximum 2147483647
	Daily *int64 `json:"daily,omitempty"`
	// Weekly is how many weekly backups are kept.
	//
	//kind:minimum 0
	//kind:maximum 2147483647
	Weekly *int64 `json:"weekly,omitempty"`
	// Monthly is how many monthly backups are kept.
	//
	//kind:minimum 0
	//kind:maximum 2147483647
	Monthly *int64 `json:"monthly,omitempty"`
	// TTL is a duration such as 720h.
	//
	//kind:maxLength 64
	TTL string `json:"ttl,omitempty"`
}

// BackupHooks run before and after a backup.
type BackupHooks struct {
	// Pre run before a backup.
	//
	//kind:maxItems 32
	Pre []BackupHook `json:"pre,omitempty"`
	// Post run after a backup.
	//
	//kind:maxItems 32
	Post []BackupHook `json:"post,omitempty"`
}

// BackupHook is one command.
type BackupHook struct {
	// Name is the name of the hook.
	//
	//kind:maxLength 63
	Name string `json:"name"`
	// Container is the container or sidecar in which the command runs.
	//
	//kind:maxLength 63
	Container string `json:"container"`
	// Command is the program, an absolute path, and its arguments.
	//
	//kind:minItems 1
	//kind:items.maxLength 131072
	Command []string `json:"command"`
	// Timeout is a duration such as 10m.
	//
	//kind:maxLength 64
	Timeout string `json:"timeout,omitempty"`
	// OnError is Continue or Fail.
	//
	//kind:enum Continue Fail
	OnError string `json:"onError,omitempty"`
}

// BackupVolumes selects volumes.
type BackupVolumes struct {
	// Include are volumes that are backed up.
	//
	//kind:maxItems 256
	//kind:items.maxLength 63
	Include []string `json:"include,omitempty"`
	// Exclude are volumes that are not backed up.
	//
	//kind:maxItems 256
	//kind:items.maxLength 63
	Exclude []string `json:"exclude,omitempty"`
	// DefaultPolicy is opt-out (default) or opt-in.
	//
	//kind:enum opt-out opt-in
	//kind:default "opt-out"
	DefaultPolicy string `json:"defaultPolicy,omitempty"`
}

// Deploy is the roll-out strategy.
type Deploy struct {
	// Strategy is rolling (default) or canary.
	//
	//kind:enum rolling canary
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

// Ingress publishes routes to a service.
type Ingress struct {
	// GatewayClass is the class of the Gateway.
	//
	//kind:maxLength 253
	GatewayClass string `json:"gatewayClass,omitempty"`
	// Routes by name; at least one.
	//
	//kind:minProperties 1
	//kind:maxProperties 256
	Routes cbor.Map[Route] `json:"routes"`
}

// Route is one published route.
type Route struct {
	// Kind is HTTPRoute (default), GRPCRoute or TCPRoute.
	//
	//kind:enum HTTPRoute GRPCRoute TCPRoute
	//kind:default "HTTPRoute"
	Kind string `json:"kind,omitempty"`
	// Hosts are the host names of an HTTPRoute or GRPCRoute.
	//
	//kind:maxItems 64
	//kind:items.maxLength 255
	Hosts []string `json:"hosts,omitempty"`
	// Port is the name of a port of the service; needed where there are several.
	//
	//kind:maxLength 63
	Port string `json:"port,omitempty"`
	// ListenPort is the port of the gateway for a TCPRoute.
	//
	//kind:minimum 1
	//kind:maximum 65535
	ListenPort *int64 `json:"listenPort,omitempty"`
	// Rules select requests; none selects all.
	//
	//kind:maxItems 64
	Rules []RouteRule `json:"rules,omitempty"`
	// TLS gives the route a certificate.
	TLS *TLS `json:"tls,omitempty"`
}

// RouteRule is one set of matches.
type RouteRule struct {
	// Matches are alternatives.
	//
	//kind:maxItems 64
	Matches []RouteMatch `json:"matches,omitempty"`
}

// RouteMatch selects requests.
type RouteMatch struct {
	// Path matches the path of an HTTP request.
	Path *PathMatch `json:"path,omitempty"`
	// Headers match headers, all of them.
	//
	//kind:maxItems 64
	Headers []HeaderMatch `json:"headers,omitempty"`
	// Method is the method of an HTTP request.
	//
	//kind:enum GET HEAD POST PUT DELETE CONNECT OPTIONS TRACE PATCH
	Method string `json:"method,omitempty"`
	// GRPCMethod matches a gRPC call.
	GRPCMethod *GRPCMethod `json:"grpcMethod,omitempty"`
}

// PathMatch matches a path.
type PathMatch struct {
	// Type is PathPrefix (default) or Exact.
	//
	//kind:enum PathPrefix Exact
	//kind:default "PathPrefix"
	Type string `json:"type,omitempty"`
	// Value is the path; it begins with a slash.
	Value string `json:"value"`
}

// HeaderMatch matches a header.
type HeaderMatch struct {
	// Name is the name of the header.
	//
	//kind:maxLength 256
	Name string `json:"name"`
	// Value is what the header must be.
	Value string `json:"value"`
	// Type is Exact (default) or RegularExpression.
	//
	//kind:enum Exact RegularExpression
	//kind:default "Exact"
	Type string `json:"type,omitempty"`
}

// GRPCMethod matches a gRPC method.
type GRPCMethod struct {
	// Service is the gRPC service.
	Service string `json:"service,omitempty"`
	// Method is the method of the service.
	Method string `json:"method,omitempty"`
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
