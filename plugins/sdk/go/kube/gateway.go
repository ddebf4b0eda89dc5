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
	Name     string `json:"name"`
	Port     int64  `json:"port"`
	Protocol string `json:"protocol"`
}
