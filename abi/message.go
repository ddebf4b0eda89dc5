package abi

import "github.com/latticenet/lattice-host/abi/cbor"

// Request is what [OpDerive] is called with: all that a step may see.
type Request struct {
	// ABI is [Version].
	ABI int64 `json:"abi"`
	// Step is the name of the step in its pipeline.
	Step string `json:"step"`
	// Round counts from 1; the second and later rounds carry the answers to the requirements of the
	// one before.
	Round int64 `json:"round"`
	// Resource is the document to derive from, complete with defaults.
	Resource cbor.Raw `json:"resource"`
	// Settings are the step's settings, valid under the plugin's settings schema; absent if none
	// exist.
	Settings cbor.Raw `json:"settings,omitempty"`
	// Platform says where the outputs will run.
	Platform Platform `json:"platform"`
	// Outputs are those outputs of earlier steps that the manifest declares to read, sorted by Ref.
	Outputs []Output `json:"outputs,omitempty"`
	// Context holds what earlier steps left for this one, sorted by key.
	Context []ContextEntry `json:"context,omitempty"`
	// Answers are the answers to the requirements of the round before, sorted by name.
	Answers []Answer `json:"answers,omitempty"`
}

// Response is what [OpDerive] answers.
type Response struct {
	// Outputs are the documents that this step owns.
	Outputs []Output `json:"outputs,omitempty"`
	// Contributions are fields of outputs that other steps own.
	Contributions []Contribution `json:"contributions,omitempty"`
	// Results are messages to the person who wrote the resource. One error ends the derivation.
	Results []Result `json:"results,omitempty"`
	// Context is left for later steps.
	Context []ContextEntry `json:"context,omitempty"`
	// Requirements are other resources that the step needs: all of them in every round. While they
	// differ from the round before, the rest of the response is ignored and the step is called
	// again with the answers; when they are the same, they have settled.
	Requirements []Requirement `json:"requirements,omitempty"`
}

// Ref names one document.
type Ref struct {
	// APIVersion is group/version, or version alone for the core group.
	APIVersion string `json:"apiVersion"`
	// Kind is the kind in CamelCase.
	Kind string `json:"kind"`
	// Namespace is empty for cluster-scoped objects.
	Namespace string `json:"namespace,omitempty"`
	// Name is metadata.name.
	Name string `json:"name"`
}

// Output is one derived document.
type Output struct {
	// Ref must equal what the document says of itself.
	Ref Ref `json:"ref"`
	// Document is the whole object.
	Document cbor.Raw `json:"document"`
}

// Contribution adds fields to an output that another step owns. Setting a field that its owner set
// to another value is a conflict.
type Contribution struct {
	// Ref names the output.
	Ref Ref `json:"ref"`
	// Fields is an object that holds just the contributed fields, at their place.
	Fields cbor.Raw `json:"fields"`
}

// Severity grades a [Result].
type Severity string

// The severities.
const (
	SeverityError   Severity = "error"
	SeverityWarning Severity = "warning"
	SeverityInfo    Severity = "info"
)

// Result is one message about the resource.
type Result struct {
	// Severity is error, warning or info.
	Severity Severity `json:"severity"`
	// Field is the path of the field that the message is about, such as
	// spec.workload.containers.main.image.
	Field string `json:"field,omitempty"`
	// Message says what is wrong and what to do.
	Message string `json:"message"`
}

// ContextEntry is a value that one step leaves for later ones.
type ContextEntry struct {
	// Key is declared in the manifests of both steps.
	Key string `json:"key"`
	// Value is any value.
	Value cbor.Raw `json:"value"`
}

// Requirement asks for other resources. With neither MatchName nor MatchLabels it asks for every
// resource of the kind.
type Requirement struct {
	// Name is the step's own name for the requirement; the answer carries it.
	Name string `json:"name"`
	// APIVersion and Kind must be declared in the manifest.
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	// Namespace limits the search; empty means every namespace.
	Namespace string `json:"namespace,omitempty"`
	// MatchName asks for one resource.
	MatchName string `json:"matchName,omitempty"`
	// MatchLabels asks for resources that carry all these labels. The label lattice.io/vol-ID=true
	// is also that of the document which owns the volume ID, and lattice.dev/task=JOB-TASK that of
	// the job.
	MatchLabels cbor.Map[string] `json:"matchLabels,omitempty"`
}

// Answer holds the resources that a requirement asked for.
type Answer struct {
	// Name is the requirement's name.
	Name string `json:"name"`
	// Resources are sorted by namespace and name; empty when nothing matched.
	Resources []cbor.Raw `json:"resources,omitempty"`
}

// ValidateRequest is what [OpValidate] is called with.
type ValidateRequest struct {
	// ABI is [Version].
	ABI int64 `json:"abi"`
	// Settings are the step's settings; absent if none exist.
	Settings cbor.Raw `json:"settings,omitempty"`
}

// ValidateResponse is what [OpValidate] answers.
type ValidateResponse struct {
	// Results hold what is wrong with the settings; no error means that they are valid.
	Results []Result `json:"results,omitempty"`
}

// Platform says where outputs will run: facts that an operator sets once. A step is told those that
// its plugin's manifest names; the others are absent.
type Platform struct {
	// ClusterName is the name of the cluster.
	ClusterName string `json:"clusterName,omitempty"`
	// Provider is the infrastructure: docker, proxmox, basis, aws, gcp or azure.
	Provider string `json:"provider,omitempty"`
	// TrustDomain is the SPIFFE trust domain of the mesh.
	TrustDomain string `json:"trustDomain,omitempty"`
	// Monitoring says whether and how metrics are kept.
	Monitoring Monitoring `json:"monitoring"`
	// AppArmor is the AppArmor profile of containers that name none, RuntimeDefault; empty where
	// not every node has AppArmor.
	AppArmor string `json:"appArmor,omitempty"`
	// ImageProviders are the registries whose credentials documents may name, sorted by name.
	ImageProviders []ImageProvider `json:"imageProviders,omitempty"`
	// Queues are the queues of Volcano in which jobs may wait, sorted; empty where that is not
	// known.
	Queues []string `json:"queues,omitempty"`
}

// ImageProvider says where the credentials of a registry are, as the content of a Docker
// configuration.
type ImageProvider struct {
	// Name is what documents call it.
	Name string `json:"name"`
	// Provider is the SecretProvider that has them.
	Provider string `json:"provider"`
	// ID is their name in the store.
	ID string `json:"id"`
	// Key is the key under which they are, where the store keeps several values under one name.
	Key string `json:"key,omitempty"`
	// RefreshInterval is how often they are fetched, such as 1h30m; empty means the default.
	RefreshInterval string `json:"refreshInterval,omitempty"`
}

// Monitoring says whether and how metrics are kept on the platform.
type Monitoring struct {
	// Enabled is true where a metrics store runs.
	Enabled bool `json:"enabled"`
	// HighlyAvailable is true for the clustered store.
	HighlyAvailable bool `json:"highlyAvailable"`
}
