package lattice

import "github.com/latticenet/lattice-host/abi/cbor"

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
