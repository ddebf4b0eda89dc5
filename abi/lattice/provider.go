package lattice

import "github.com/latticenet/lattice-host/abi/cbor"

// SystemNamespace is where the platform keeps its own documents, such as every [SecretProvider].
const SystemNamespace = "lattice-system"

// ProviderSpec is the spec of a [SecretProvider].
type ProviderSpec struct {
	// Provider is the store: exactly one key, such as vault, aws or webhook, with what External
	// Secrets needs to reach a store of that kind. It holds references to credentials, never the
	// credentials themselves.
	//
	//kind:minProperties 1
	//kind:maxProperties 1
	Provider cbor.Map[cbor.Raw] `json:"provider"`
	// KeyMapping is the name that the store has for a secret, by the id that documents use. Ids
	// without an entry are names of the store.
	//
	//kind:maxProperties 1024
	//kind:values.minLength 1
	//kind:values.maxLength 2048
	KeyMapping cbor.Map[string] `json:"keyMapping,omitempty"`
	// Namespaces may read the store; needed unless All is set.
	//
	//kind:maxItems 1024
	//kind:items.maxLength 63
	Namespaces []string `json:"namespaces,omitempty"`
	// All lets every namespace read the store, also by an ExternalSecret that was written by hand.
	All bool `json:"all,omitempty"`
}
