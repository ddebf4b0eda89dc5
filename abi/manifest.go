package abi

import "github.com/latticenet/lattice-host/abi/cbor"

// ManifestSchema is the value of [Manifest.Schema].
const ManifestSchema = "lattice.manifest.v1"

// Manifest says what a plugin is and what it asks for. It lives in the custom section
// [ManifestSection] of the module as JSON, can be read without running the module, and must equal
// the signed statement of the release.
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
	// Derives names the kinds of resource that the plugin derives from, and which of their features
	// it covers.
	Derives []Derives `json:"derives"`
	// Outputs are the kinds that the plugin may emit. Any other kind is refused.
	Outputs []GroupKind `json:"outputs,omitempty"`
	// Contributes are the kinds of other steps' outputs that the plugin may contribute to.
	Contributes []GroupKind `json:"contributes,omitempty"`
	// Reads are the kinds of earlier steps' outputs that the plugin is shown.
	Reads []GroupKind `json:"reads,omitempty"`
	// Platform are the facts of the platform that the plugin is told: names of [PlatformFacts].
	Platform []string `json:"platform,omitempty"`
	// Requires are the kinds of resource that the plugin's requirements may ask for.
	Requires []GroupKind `json:"requires,omitempty"`
	// ContextProduced and ContextConsumed are the context keys that the plugin leaves and is shown.
	ContextProduced []string `json:"contextProduced,omitempty"`
	ContextConsumed []string `json:"contextConsumed,omitempty"`
	// Capabilities are what the plugin needs beyond its request. None is had without an operator's
	// grant.
	Capabilities []Capability `json:"capabilities,omitempty"`
	// Limits are the plugin's own bounds, within those of the contract.
	Limits Limits `json:"limits"`
	// SettingsSchema is a JSON Schema (draft 2020-12) of the settings. A plugin without one takes
	// no settings.
	SettingsSchema cbor.Raw `json:"settingsSchema,omitempty"`
	// Providers name what must run in the cluster for the outputs to work.
	Providers []Provider `json:"providers,omitempty"`
	// Kinds are kinds of document that the plugin brings: what users may write once it is
	// installed.
	Kinds []KindDefinition `json:"kinds,omitempty"`
}

// KindDefinition is a kind of document that a plugin brings.
type KindDefinition struct {
	// Group is the API group: a DNS name of the publisher's, never lattice.dev nor one of
	// Kubernetes.
	Group string `json:"group"`
	// Version is v1, v1beta1, v1alpha1 and so on.
	Version string `json:"version"`
	// Kind is the kind in CamelCase.
	Kind string `json:"kind"`
	// Plural is the plural of the kind in lower case.
	Plural string `json:"plural"`
	// Scope is Namespaced (default) or Cluster.
	Scope string `json:"scope,omitempty"`
	// Description says in a sentence what documents of the kind are for.
	Description string `json:"description,omitempty"`
	// Schema is the JSON Schema (draft 2020-12) of the spec, in the subset that is a structural
	// schema of Kubernetes. In the source of a manifest it is the name of a file next to it.
	Schema cbor.Raw `json:"schema"`
	// Features are what a document can use; the steps of its pipeline must cover what it uses.
	Features []KindFeature `json:"features,omitempty"`
	// Rules are conditions across fields that a document must meet.
	Rules []KindRule `json:"rules,omitempty"`
	// Columns are what lists of documents show, next to name and age.
	Columns []KindColumn `json:"columns,omitempty"`
}

// KindFeature is something that a document of a kind can use.
type KindFeature struct {
	// Name is lower-case letters, digits and single hyphens, as derives.covers has it.
	Name string `json:"name"`
	// Paths are the fields that use it, such as spec.backup or spec.users.*.grants. Without one,
	// every document does.
	Paths []string `json:"paths,omitempty"`
}

// KindRule is a condition across fields.
type KindRule struct {
	// Field is where a document that breaks the rule is at fault, such as spec.backup.schedule.
	Field string `json:"field"`
	// Message says what is wrong and what to do.
	Message string `json:"message"`
	// Condition is what the spec must meet: a JSON Schema of properties, required, enum, const,
	// bounds, pattern, anyOf, allOf and not.
	Condition cbor.Raw `json:"condition"`
}

// KindColumn is a column in lists of documents.
type KindColumn struct {
	// Name is the title of the column.
	Name string `json:"name"`
	// Path is the field that it shows, such as spec.engine.
	Path string `json:"path"`
}

// GroupKind returns group and kind of what the definition defines.
func (k *KindDefinition) GroupKind() GroupKind { return GroupKind{Group: k.Group, Kind: k.Kind} }

// Derives names a kind of resource that a plugin derives from.
type Derives struct {
	// Group is the API group; empty for the core group.
	Group string `json:"group"`
	// Kind is the kind in CamelCase.
	Kind string `json:"kind"`
	// Covers names the features of the kind that the plugin handles. A document that uses a feature
	// which no step of its pipeline covers is refused, so that nothing it asks for is dropped.
	Covers []string `json:"covers,omitempty"`
	// When names the features without which the plugin has nothing to say: for a document that uses
	// none of them it is not called. Empty means that it is called for every document.
	When []string `json:"when,omitempty"`
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
	// Hosts are what http.get may reach: exact DNS names, each with a port after a colon when it is
	// not 443.
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
	// CapabilityResourcesRead allows reading other resources of the kinds it names, while the
	// derivation runs.
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
