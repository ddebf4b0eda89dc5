package kube

import "github.com/latticenet/lattice-host/abi/cbor"

// PodTemplate is a pod template.
type PodTemplate struct {
	Metadata ObjectMeta `json:"metadata"`
	Spec     PodSpec    `json:"spec"`
}

// PodSpec is the spec of a pod.
type PodSpec struct {
	ServiceAccountName            string                     `json:"serviceAccountName,omitempty"`
	AutomountServiceAccountToken  *bool                      `json:"automountServiceAccountToken,omitempty"`
	EnableServiceLinks            *bool                      `json:"enableServiceLinks,omitempty"`
	HostNetwork                   *bool                      `json:"hostNetwork,omitempty"`
	DNSPolicy                     string                     `json:"dnsPolicy,omitempty"`
	DNSConfig                     *DNSConfig                 `json:"dnsConfig,omitempty"`
	ShareProcessNamespace         *bool                      `json:"shareProcessNamespace,omitempty"`
	TerminationGracePeriodSeconds *int64                     `json:"terminationGracePeriodSeconds,omitempty"`
	RestartPolicy                 string                     `json:"restartPolicy,omitempty"`
	SchedulerName                 string                     `json:"schedulerName,omitempty"`
	RuntimeClassName              string                     `json:"runtimeClassName,omitempty"`
	SecurityContext               *PodSecurityContext        `json:"securityContext,omitempty"`
	InitContainers                []Container                `json:"initContainers,omitempty"`
	Containers                    []Container                `json:"containers"`
	Volumes                       []Volume                   `json:"volumes,omitempty"`
	NodeSelector                  cbor.Map[string]           `json:"nodeSelector,omitempty"`
	Tolerations                   []Toleration               `json:"tolerations,omitempty"`
	Affinity                      *Affinity                  `json:"affinity,omitempty"`
	TopologySpreadConstraints     []TopologySpreadConstraint `json:"topologySpreadConstraints,omitempty"`
}

// DNSConfig adds to a pod's resolv.conf.
type DNSConfig struct {
	Options []DNSOption `json:"options,omitempty"`
}

// DNSOption is one option of resolv.conf.
type DNSOption struct {
	Name  string `json:"name"`
	Value string `json:"value,omitempty"`
}

// PodSecurityContext is the security context of a pod.
type PodSecurityContext struct {
	RunAsNonRoot        *bool           `json:"runAsNonRoot,omitempty"`
	FSGroup             *int64          `json:"fsGroup,omitempty"`
	FSGroupChangePolicy string          `json:"fsGroupChangePolicy,omitempty"`
	SeccompProfile      *ProfileSetting `json:"seccompProfile,omitempty"`
	Sysctls             []Sysctl        `json:"sysctls,omitempty"`
}

// Sysctl is one kernel parameter.
type Sysctl struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// ProfileSetting is a seccomp or AppArmor profile.
type ProfileSetting struct {
	Type             string `json:"type"`
	LocalhostProfile string `json:"localhostProfile,omitempty"`
}

// Container is one container of a pod.
type Container struct {
	Name            string                `json:"name"`
	Image           string                `json:"image"`
	ImagePullPolicy string                `json:"imagePullPolicy,omitempty"`
	Command         []string              `json:"command,omitempty"`
	Args            []string              `json:"args,omitempty"`
	WorkingDir      string                `json:"workingDir,omitempty"`
	Ports           []ContainerPort       `json:"ports,omitempty"`
	EnvFrom         []EnvFromSource       `json:"envFrom,omitempty"`
	Env             []EnvVar              `json:"env,omitempty"`
	Resources       *ResourceRequirements `json:"resources,omitempty"`
	VolumeMounts    []VolumeMount         `json:"volumeMounts,omitempty"`
	LivenessProbe   *Probe                `json:"livenessProbe,omitempty"`
	ReadinessProbe  *Probe                `json:"readinessProbe,omitempty"`
	StartupProbe    *Probe                `json:"startupProbe,omitempty"`
	Lifecycle       *Lifecycle            `json:"lifecycle,omitempty"`
	SecurityContext *SecurityContext      `json:"securityContext,omitempty"`
}

// ContainerPort is one port of a container.
type ContainerPort struct {
	Name          string `json:"name,omitempty"`
	ContainerPort int64  `json:"containerPort"`
	Protocol      string `json:"protocol,omitempty"`
}

// EnvFromSource takes environment variables from a whole object.
type EnvFromSource struct {
	ConfigMapRef *LocalReference `json:"configMapRef,omitempty"`
	SecretRef    *LocalReference `json:"secretRef,omitempty"`
}

// LocalReference names an object in the same namespace.
type LocalReference struct {
	Name string `json:"name"`
}

// EnvVar is one environment variable.
type EnvVar struct {
	Name      string        `json:"name"`
	Value     string        `json:"value,omitempty"`
	ValueFrom *EnvVarSource `json:"valueFrom,omitempty"`
}

// EnvVarSource is where the value of a variable comes from.
type EnvVarSource struct {
	FieldRef        *FieldSelector `json:"fieldRef,omitempty"`
	SecretKeyRef    *KeySelector   `json:"secretKeyRef,omitempty"`
	ConfigMapKeyRef *KeySelector   `json:"configMapKeyRef,omitempty"`
}

// FieldSelector names a field of the pod itself.
type FieldSelector struct {
	FieldPath string `json:"fieldPath"`
}

// KeySelector names one key of an object in the same namespace.
type KeySelector struct {
	Name string `json:"name"`
	Key  string `json:"key"`
}

// ResourceRequirements are requests and limits.
type ResourceRequirements struct {
	Requests cbor.Map[string] `json:"requests,omitempty"`
	Limits   cbor.Map[string] `json:"limits,omitempty"`
}

// VolumeMount mounts a volume.
type VolumeMount struct {
	Name      string `json:"name"`
	MountPath string `json:"mountPath"`
	SubPath   string `json:"subPath,omitempty"`
	ReadOnly  bool   `json:"readOnly,omitempty"`
}

// Probe is a health check.
type Probe struct {
	HTTPGet             *HTTPGetAction   `json:"httpGet,omitempty"`
	Exec                *ExecAction      `json:"exec,omitempty"`
	TCPSocket           *TCPSocketAction `json:"tcpSocket,omitempty"`
	GRPC                *GRPCAction      `json:"grpc,omitempty"`
	InitialDelaySeconds *int64           `json:"initialDelaySeconds,omitempty"`
	PeriodSeconds       *int64           `json:"periodSeconds,omitempty"`
	TimeoutSeconds      *int64           `json:"timeoutSeconds,omitempty"`
	FailureThreshold    *int64           `json:"failureThreshold,omitempty"`
	SuccessThreshold    *int64           `json:"successThreshold,omitempty"`
}

// HTTPGetAction probes with a GET request.
type HTTPGetAction struct {
	Path        string       `json:"path,omitempty"`
	Port        IntOrString  `json:"port"`
	Scheme      string       `json:"scheme,omitempty"`
	Host        string       `json:"host,omitempty"`
	HTTPHeaders []HTTPHeader `json:"httpHeaders,omitempty"`
}

// HTTPHeader is one header of a probe's request.
type HTTPHeader struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// ExecAction probes by running a command.
type ExecAction struct {
	Command []string `json:"command"`
}

// TCPSocketAction probes by opening a connection.
type TCPSocketAction struct {
	Port IntOrString `json:"port"`
	Host string      `json:"host,omitempty"`
}

// GRPCAction probes with the health service of gRPC.
type GRPCAction struct {
	Port    int64  `json:"port"`
	Service string `json:"service,omitempty"`
}

// Lifecycle is what a container does when its pod begins and ends.
type Lifecycle struct {
	PreStop *LifecycleHandler `json:"preStop,omitempty"`
}

// LifecycleHandler is one action of a [Lifecycle].
type LifecycleHandler struct {
	Exec    *ExecAction    `json:"exec,omitempty"`
	HTTPGet *HTTPGetAction `json:"httpGet,omitempty"`
	Sleep   *SleepAction   `json:"sleep,omitempty"`
}

// SleepAction waits.
type SleepAction struct {
	Seconds int64 `json:"seconds"`
}

// SecurityContext is the security context of a container.
type SecurityContext struct {
	Capabilities             *Capabilities   `json:"capabilities,omitempty"`
	Privileged               *bool           `json:"privileged,omitempty"`
	ReadOnlyRootFilesystem   *bool           `json:"readOnlyRootFilesystem,omitempty"`
	RunAsNonRoot             *bool           `json:"runAsNonRoot,omitempty"`
	RunAsUser                *int64          `json:"runAsUser,omitempty"`
	RunAsGroup               *int64          `json:"runAsGroup,omitempty"`
	AllowPrivilegeEscalation *bool           `json:"allowPrivilegeEscalation,omitempty"`
	SeccompProfile           *ProfileSetting `json:"seccompProfile,omitempty"`
	AppArmorProfile          *ProfileSetting `json:"appArmorProfile,omitempty"`
}

// Capabilities are Linux capabilities to add and drop.
type Capabilities struct {
	Add  []string `json:"add,omitempty"`
	Drop []string `json:"drop,omitempty"`
}

// Volume is one volume of a pod.
type Volume struct {
	Name                  string           `json:"name"`
	EmptyDir              *EmptyDir        `json:"emptyDir,omitempty"`
	ConfigMap             *ConfigMapVolume `json:"configMap,omitempty"`
	Secret                *SecretVolume    `json:"secret,omitempty"`
	PersistentVolumeClaim *ClaimVolume     `json:"persistentVolumeClaim,omitempty"`
}

// EmptyDir is a volume that lives as long as its pod.
type EmptyDir struct {
	Medium    string `json:"medium,omitempty"`
	SizeLimit string `json:"sizeLimit,omitempty"`
}

// ConfigMapVolume holds the keys of a ConfigMap as files.
type ConfigMapVolume struct {
	Name        string      `json:"name"`
	DefaultMode *int64      `json:"defaultMode,omitempty"`
	Items       []KeyToPath `json:"items,omitempty"`
}

// SecretVolume holds the keys of a Secret as files.
type SecretVolume struct {
	SecretName  string      `json:"secretName"`
	DefaultMode *int64      `json:"defaultMode,omitempty"`
	Items       []KeyToPath `json:"items,omitempty"`
}

// KeyToPath places one key.
type KeyToPath struct {
	Key  string `json:"key"`
	Path string `json:"path"`
	Mode *int64 `json:"mode,omitempty"`
}

// ClaimVolume is a volume of a PersistentVolumeClaim.
type ClaimVolume struct {
	ClaimName string `json:"claimName"`
	ReadOnly  bool   `json:"readOnly,omitempty"`
}

// Toleration lets pods run on tainted nodes.
type Toleration struct {
	Key               string `json:"key,omitempty"`
	Operator          string `json:"operator,omitempty"`
	Value             string `json:"value,omitempty"`
	Effect            string `json:"effect,omitempty"`
	TolerationSeconds *int64 `json:"tolerationSeconds,omitempty"`
}

// Affinity places pods near others.
type Affinity struct {
	PodAffinity *PodAffinity `json:"podAffinity,omitempty"`
}

// PodAffinity places pods near other pods.
type PodAffinity struct {
	Required []PodAffinityTerm `json:"requiredDuringSchedulingIgnoredDuringExecution,omitempty"`
}

// PodAffinityTerm selects pods to be near to.
type PodAffinityTerm struct {
	LabelSelector LabelSelector `json:"labelSelector"`
	TopologyKey   string        `json:"topologyKey"`
}

// TopologySpreadConstraint spreads pods.
type TopologySpreadConstraint struct {
	MaxSkew           int64         `json:"maxSkew"`
	TopologyKey       string        `json:"topologyKey"`
	WhenUnsatisfiable string        `json:"whenUnsatisfiable"`
	LabelSelector     LabelSelector `json:"labelSelector"`
}
