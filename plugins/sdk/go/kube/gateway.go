package kube

// Gateway is gateway.networking.k8s.io/v1 Gateway.
type Gateway struct {
	Object
	Spec GatewaySpec `json:"spec"`
}

// GatewaySpec is the spec of a [Gateway].
type GatewaySpec struct {
	GatewayClassName string     `json:"gatewayClassName"`
	Listeners        []Listener `json:"listeners"`
}

// Listener is one listener of a [Gateway].
type Listener struct {
	Name     string       `json:"name"`
	Hostname string       `json:"hostname,omitempty"`
	Port     int64        `json:"port"`
	Protocol string       `json:"protocol"`
	TLS      *ListenerTLS `json:"tls,omitempty"`
}

// ListenerTLS says how a [Listener] ends TLS.
type ListenerTLS struct {
	Mode            string           `json:"mode"`
	CertificateRefs []CertificateRef `json:"certificateRefs,omitempty"`
}

// CertificateRef names the Secret that has a certificate.
type CertificateRef struct {
	Kind string `json:"kind"`
	Name string `json:"name"`
}

// HTTPRoute is gateway.networking.k8s.io/v1 HTTPRoute.
type HTTPRoute struct {
	Object
	Spec HTTPRouteSpec `json:"spec"`
}

// HTTPRouteSpec is the spec of an [HTTPRoute].
type HTTPRouteSpec struct {
	ParentRefs []ParentRef `json:"parentRefs"`
	Hostnames  []string    `json:"hostnames,omitempty"`
	Rules      []HTTPRule  `json:"rules"`
}

// ParentRef names a listener of a Gateway of the same namespace.
type ParentRef struct {
	Name        string `json:"name"`
	SectionName string `json:"sectionName,omitempty"`
}

// HTTPRule is one rule of an [HTTPRoute].
type HTTPRule struct {
	Matches     []HTTPMatch  `json:"matches,omitempty"`
	Filters     []HTTPFilter `json:"filters,omitempty"`
	BackendRefs []BackendRef `json:"backendRefs,omitempty"`
}

// HTTPMatch selects requests.
type HTTPMatch struct {
	Path    *ValueMatch   `json:"path,omitempty"`
	Headers []HeaderMatch `json:"headers,omitempty"`
	Method  string        `json:"method,omitempty"`
}

// ValueMatch matches a text.
type ValueMatch struct {
	Type  string `json:"type"`
	Value string `json:"value"`
}

// HeaderMatch matches a header.
type HeaderMatch struct {
	Type  string `json:"type"`
	Name  string `json:"name"`
	Value string `json:"value"`
}

// HTTPFilter changes or answers a request.
type HTTPFilter struct {
	Type            string        `json:"type"`
	RequestRedirect *HTTPRedirect `json:"requestRedirect,omitempty"`
}

// HTTPRedirect sends the client elsewhere.
type HTTPRedirect struct {
	Scheme     string `json:"scheme"`
	StatusCode int64  `json:"statusCode"`
}

// BackendRef names a port of a Service of the same namespace.
type BackendRef struct {
	Name string `json:"name"`
	Port int64  `json:"port"`
}

// GRPCRoute is gateway.networking.k8s.io/v1 GRPCRoute.
type GRPCRoute struct {
	Object
	Spec GRPCRouteSpec `json:"spec"`
}

// GRPCRouteSpec is the spec of a [GRPCRoute].
type GRPCRouteSpec struct {
	ParentRefs []ParentRef `json:"parentRefs"`
	Hostnames  []string    `json:"hostnames,omitempty"`
	Rules      []GRPCRule  `json:"rules"`
}

// GRPCRule is one rule of a [GRPCRoute].
type GRPCRule struct {
	Matches     []GRPCMatch  `json:"matches,omitempty"`
	BackendRefs []BackendRef `json:"backendRefs"`
}

// GRPCMatch selects calls.
type GRPCMatch struct {
	Method  *GRPCMethod   `json:"method,omitempty"`
	Headers []HeaderMatch `json:"headers,omitempty"`
}

// GRPCMethod is a gRPC service, a method of one, or both.
type GRPCMethod struct {
	Type    string `json:"type"`
	Service string `json:"service,omitempty"`
	Method  string `json:"method,omitempty"`
}

// TCPRoute is gateway.networking.k8s.io/v1 TCPRoute.
type TCPRoute struct {
	Object
	Spec TCPRouteSpec `json:"spec"`
}

// TCPRouteSpec is the spec of a [TCPRoute].
type TCPRouteSpec struct {
	ParentRefs []ParentRef `json:"parentRefs"`
	Rules      []TCPRule   `json:"rules"`
}

// TCPRule is one rule of a [TCPRoute].
type TCPRule struct {
	BackendRefs []BackendRef `json:"backendRefs"`
}

// Certificate is cert-manager.io/v1 Certificate.
type Certificate struct {
	Object
	Spec CertificateSpec `json:"spec"`
}

// CertificateSpec is the spec of a [Certificate].
type CertificateSpec struct {
	SecretName string    `json:"secretName"`
	DNSNames   []string  `json:"dnsNames"`
	IssuerRef  IssuerRef `json:"issuerRef"`
}

// IssuerRef names who issues a [Certificate].
type IssuerRef struct {
	Name  string `json:"name"`
	Kind  string `json:"kind"`
	Group string `json:"group"`
}
