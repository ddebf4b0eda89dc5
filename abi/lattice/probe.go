package lattice

// Probe is a health check with exactly one handler.
type Probe struct {
	// HTTPGet probes with a GET request.
	HTTPGet *HTTPGet `json:"httpGet,omitempty"`
	// Exec probes by running a command.
	Exec *Exec `json:"exec,omitempty"`
	// TCPSocket probes by opening a connection.
	TCPSocket *TCPSocket `json:"tcpSocket,omitempty"`
	// GRPC probes with the health service of gRPC.
	GRPC *GRPC `json:"grpc,omitempty"`
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
	// Port is the port of the container, or the name of a port of the service, which means the port
	// that it leads to.
	//
	//kind:x-kubernetes-int-or-string true
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

// TCPSocket probes by opening a connection.
type TCPSocket struct {
	// Port is the port of the container, or the name of a port of the service, which means the port
	// that it leads to.
	//
	//kind:x-kubernetes-int-or-string true
	Port int64 `json:"port"`
	// Host is a host name or an address, instead of the pod's.
	//
	//kind:maxLength 253
	Host string `json:"host,omitempty"`
}

// GRPC probes with the health service of gRPC.
type GRPC struct {
	// Port is the port of the container, or the name of a port of the service, which means the port
	// that it leads to.
	//
	//kind:x-kubernetes-int-or-string true
	Port int64 `json:"port"`
	// Service is the service whose health is asked for; by default the server's as a whole.
	Service string `json:"service,omitempty"`
}

// Lifecycle is what a container does when its pod ends.
type Lifecycle struct {
	// PreStop runs before the container is told to stop. Its time is part of the grace period.
	PreStop *PreStop `json:"preStop,omitempty"`
}

// PreStop is what a container does before it stops, with exactly one handler.
type PreStop struct {
	// Exec runs a command in the container.
	Exec *Exec `json:"exec,omitempty"`
	// HTTPGet sends a GET request to the container.
	HTTPGet *HTTPGet `json:"httpGet,omitempty"`
	// Sleep waits, while the container still answers.
	Sleep *Sleep `json:"sleep,omitempty"`
}

// Sleep waits.
type Sleep struct {
	// Seconds is how long; at most the grace period of the pod.
	//
	//kind:minimum 1
	//kind:maximum 2147483647
	Seconds int64 `json:"seconds"`
}
