package abi

import "github.com/latticenet/lattice-host/abi/cbor"

// ManifestSchema is the value of [Manifest.Schema].
const ManifestSchema = "lattice.manifest.v1"

// Manifest says what a plugin is and what it asks for. It lives in the custom section [ManifestSection] of the module
// as JSON, can be read without running the module, and must equal the signed statement of the release.
type Manifest struct {
	// Schema is [ManifestSchema].
	Schema string `json:"schema"`
	// Publisher and Name are lower-case letters, digits and single hyphens, at most 40 characters.
	Publisher string `json:"publisher"`
	Name      string `json:"name"`
	// Version is a semantic version without a leading v.
	Version string `json:"version"`
	// ABI is [Version].
	ABI int64 `json:"abi"`
	// Encoding is the encoding of every message.
	Encoding Encoding `json:"encoding"`
	// Transport is extism for a module made with an Extism PDK, and absent for any other.
	Transport Transport `json:"transport,omitempty"`
	// Summary is one line for people.
	Summary string `json:"summary,omitempty"`
	// Derives names the kinds of resource that the plugin derives from, and which of their features it covers.
	Derives []Derives `json:"derives"`
	// Outputs are the kinds that the plugin may emit. Any other kind is refused.
	Outputs []GroupKind `json:"outputs,omitempty"`
	// Contributes are the kinds of other steps' outputs that the plugin may contribute to.
	Contributes []GroupKind `json:"contributes,omitempty"`
	// Reads are the kinds of earlier steps' outputs that the plugin is shown.
	Reads []GroupKind `json:"reads,omitempty"`
	// Requires are the kinds of resource that the plugin's requirements may ask for.
	Requires []GroupKind `json:"requires,omitempty"`
	// ContextProduced and ContextConsumed are the context keys that the plugin leaves and is shown.
	ContextProduced []string `json:"contextProduced,omitempty"`
	ContextConsumed []string `json:"contextConsumed,omitempty"`
	// Capabilities are what the plugin needs beyond its request. None is had without an operator's grant.
	Capabilities []Capability `json:"capabilities,omitempty"`
	// Limits are the plugin's own bounds, within those of the contract.
	Limits Limits `json:"limits"`
	// SettingsSchema is a JSON Schema (draft 2020-12) of the settings. A plugin without one takes no settings.
	SettingsSchema cbor.Raw `json:"settingsSchema,omitempty"`
	// Providers name what must run in the cluster for the outputs to work.
	Providers []Provider `json:"providers,omitempty"`
}

// Derives names a kind of resource that a plugin derives from.
type Derives struct {
	// Group is the API group; empty for the core group.
	Group string `json:"group"`
	// Kind is the kind in CamelCase.
	Kind string `json:"kind"`
	// Covers names the features of the kind that the plugin handles. A document that uses a feature which no step of
	// its pipeline covers is refused, so that nothing it asks for is dropped.
	Covers []string `json:"covers,omitempty"`
}

// GroupKind names a kind whatever its version.
type GroupKind struct {
	// Group is the API group; empty for the core group.
	Group string `json:"group"`
	// Kind is the kind in CamelCase.
	Kind string `json:"kind"`
}

// Capability is something that a plugin needs beyond its request.
type Capability struct {
	// Name is one of the Capability constants.
	Name string `json:"name"`
	// Reason tells the operator what it is for.
	Reason string `json:"reason"`
	// Hosts are what http.get may reach: exact DNS names, each with a port behind a colon when it is not 443.
	Hosts []string `json:"hosts,omitempty"`
	// Kinds are the kinds that resources.read may read.
	Kinds []GroupKind `json:"kinds,omitempty"`
}

// The names of capabilities.
const (
	// CapabilityHTTPGet allows GET requests to the hosts it names.
	CapabilityHTTPGet = "http.get"
	// CapabilityKV allows a small store of the plugin's own.
	CapabilityKV = "kv"
	// CapabilityResourcesRead allows reading other resources of the kinds it names, while the derivation runs.
	CapabilityResourcesRead = "resources.read"
)

// Limits bound one call. Zero means the contract's default.
type Limits struct {
	// MemoryBytes is the most linear memory, at most [MaxMemoryBytes].
	MemoryBytes int64 `json:"memoryBytes,omitempty"`
	// RequestBytes is the largest request, at most [MaxRequestBytes].
	RequestBytes int64 `json:"requestBytes,omitempty"`
	// TimeoutMillis is the wall-clock bound of a call in milliseconds, at most [MaxTimeoutMillis].
	TimeoutMillis int64 `json:"timeoutMillis,omitempty"`
	// Fuel is what a call may spend, about one unit an instruction, at most [MaxFuel].
	Fuel int64 `json:"fuel,omitempty"`
}

// Provider names software in the cluster that outputs need.
type Provider struct {
	// Name is the product, such as KEDA.
	Name string `json:"name"`
	// Version is a range, such as ">= 2".
	Version string `json:"version,omitempty"`
	// Kinds are the kinds that it serves.
	Kinds []GroupKind `json:"kinds,omitempty"`
}
