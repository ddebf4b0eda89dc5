package resource

import (
	"embed"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/abi/lattice"
	"github.com/latticenet/lattice-host/internal/kind"
	"github.com/latticenet/lattice-host/internal/yamldoc"
)

// What users write in the spec of the built-in kinds, generated from the types and comments of
// package lattice.
//
//go:embed kinds/*.json
var kindSchemas embed.FS

// Table is the kinds of document that an installation reads: those of the host, and those that
// plugins bring. It does not change, and is safe for concurrent use.
type Table struct{ rows []*row }

// row is one kind, and what the host does with its documents.
type row struct {
	*kind.Kind
	// model returns room for a document of a kind that is a Go type; nil for kinds that plugins
	// bring, of which the schema says everything.
	model func() model
	// complete merges the defaults that a document has for parts of itself; nil where a kind has
	// none.
	complete func(*yamldoc.Node) (*yamldoc.Node, completion)
	// hints say what to write instead of keys that newcomers try.
	hints map[string]string
	// namespace is that of documents which name none; empty means [defaultNamespace].
	namespace string
}

// home returns the namespace of documents that name none.
func (r *row) home() string {
	if r == nil || r.namespace == "" {
		return defaultNamespace
	}
	return r.namespace
}

// model is a document of a kind that is a Go type, with rules by hand.
type model interface {
	// value is what is decoded and encoded.
	value() interface{ AppendCBOR([]byte) []byte }
	metadata() *lattice.ObjectMeta
	// defaults completes the document. Where absence means something to a derivation, such as a
	// target port or a security setting, nothing is filled in.
	defaults()
	// validate checks the spec.
	validate(*validator)
	// features returns what the document uses, sorted by name and field, each once.
	features() []Feature
}

// read returns the row of a kind in exactly this version, or nil.
func (t *Table) read(apiVersion, name string) *row {
	for _, r := range t.rows {
		if r.Kind.Kind == name && r.APIVersion() == apiVersion {
			return r
		}
	}
	return nil
}

func (t *Table) knowsVersion(apiVersion string) bool {
	return slices.ContainsFunc(t.rows, func(r *row) bool { return r.APIVersion() == apiVersion })
}

// text lists the kinds for a message, such as "LatticeMeshMember, LatticeService and SecretProvider
// of lattice.dev/v1alpha1".
func (t *Table) text() string {
	var texts []string
	for i := 0; i < len(t.rows); {
		apiVersion := t.rows[i].APIVersion()
		var names []string
		for ; i < len(t.rows) && t.rows[i].APIVersion() == apiVersion; i++ {
			names = append(names, t.rows[i].Kind.Kind)
		}
		texts = append(texts, listed(names)+" of "+apiVersion)
	}
	return strings.Join(texts, ", ")
}

// listed joins names as people do.
func listed(names []string) string {
	last := len(names) - 1
	if last == 0 {
		return names[0]
	}
	return strings.Join(names[:last], ", ") + " and " + names[last]
}

// Builtin returns the table of the host's own kinds.
func Builtin() *Table { return builtinTable() }

// builtinTable reads the embedded schemas once.
var builtinTable = sync.OnceValue(func() *Table {
	t := &Table{}
	for _, build := range []func() (*row, error){serviceRow, memberRow, jobRow, providerRow} {
		r, err := build()
		if err != nil {
			// A fault of the program, not of anything it was given: every test would show it.
			panic("the schemas of the built-in kinds: " + err.Error())
		}
		t.rows = append(t.rows, r)
	}
	t.sort()
	return t
})

func (t *Table) sort() {
	slices.SortFunc(t.rows, func(a, b *row) int { return kind.Compare(a.Kind, b.Kind) })
}

// With returns a table with further kinds. The error names kinds that are there already, in this or
// another version.
func (t *Table) With(kinds ...*kind.Kind) (*Table, error) {
	more := &Table{rows: slices.Clone(t.rows)}
	for _, k := range kinds {
		if other := more.Find(k.GroupKind); other != nil {
			return nil, fmt.Errorf("the kind %s is a duplicate, as %s and as %s: %w", k.GroupKind, other.APIVersion(), k.APIVersion(), kind.ErrInvalid)
		}
		more.rows = append(more.rows, &row{Kind: k})
	}
	more.sort()
	return more, nil
}

// Kinds returns the kinds in the order of group and kind.
func (t *Table) Kinds() []*kind.Kind {
	kinds := make([]*kind.Kind, len(t.rows))
	for i, r := range t.rows {
		kinds[i] = r.Kind
	}
	return kinds
}

// Find returns the kind of a group, in whatever version the table has it, or nil.
func (t *Table) Find(k abi.GroupKind) *kind.Kind {
	for _, r := range t.rows {
		if r.GroupKind == k {
			return r.Kind
		}
	}
	return nil
}

// Named returns the kinds that a name means: the kind or its plural, in any case, with or without
// the group after a dot.
func (t *Table) Named(name string) []*kind.Kind {
	var found []*kind.Kind
	for _, r := range t.rows {
		for _, own := range []string{r.Kind.Kind, r.Plural, r.Kind.Kind + "." + r.Group, r.Plural + "." + r.Group} {
			if strings.EqualFold(own, name) {
				found = append(found, r.Kind)
				break
			}
		}
	}
	return found
}

func builtinKind(name, plural, description string) (*kind.Kind, error) {
	text, err := kindSchemas.ReadFile("kinds/" + strings.ToLower(name) + ".json")
	if err != nil {
		return nil, err
	}
	spec, err := kind.ParseSchema(text)
	if err != nil {
		return nil, err
	}
	return &kind.Kind{
		GroupKind: abi.GroupKind{Group: lattice.Group, Kind: name}, Version: strings.TrimPrefix(lattice.APIVersion, lattice.Group+"/"),
		Plural: plural, Scope: kind.ScopeNamespaced, Description: description, Spec: spec,
	}, nil
}

func serviceRow() (*row, error) {
	k, err := builtinKind(lattice.KindService, "latticeservices",
		"One long-running workload: its containers, what they use, the ports they serve, and who may call whom.")
	if err != nil {
		return nil, err
	}
	k.Columns = []kind.Column{
		{Name: "Replicas", Path: "spec.replicas"}, {Name: "Max", Path: "spec.autoscaling.max"}, {Name: "Type", Path: "spec.workload.service.serviceType"},
	}
	containers, sidecars, resources, service := inSpec.containers()+".*", inSpec.sidecars()+".*", inSpec.resources()+".*", inSpec.service()
	k.Features = []kind.Feature{
		{Name: FeatureAdvertise, Paths: []string{"spec.advertise"}},
		{Name: FeatureAllowedBinaries, Paths: []string{containers + ".security.allowedBinaries", sidecars + ".security.allowedBinaries"}},
		{Name: FeatureAutoscaling, Paths: []string{"spec.autoscaling"}},
		{Name: FeatureBackup, Paths: []string{"spec.backup"}},
		{Name: FeatureCanary, Paths: []string{"spec.deploy.canary"}},
		{Name: FeatureCustomResources, Paths: []string{resources}},
		{Name: FeatureExistingObjects, Paths: []string{resources}},
		{Name: FeatureExternalServices, Paths: []string{resources}},
		{Name: FeatureGPU, Paths: []string{resources}},
		{Name: FeatureImagePullSecrets, Paths: []string{"spec.imagePullSecrets"}},
		{Name: FeatureIngress, Paths: []string{fieldIngress}},
		{Name: FeatureMesh, Paths: []string{resources}},
		{Name: FeatureMetrics, Paths: []string{"spec.observability.metrics"}},
		{Name: FeaturePublicDNS, Paths: []string{service + ".publishDns"}},
		{Name: FeatureSecrets, Paths: []string{resources, containers + ".envFrom", containers + ".variables", containers + ".files", sidecars + ".variables", sidecars + ".files"}},
		{Name: FeatureServicePorts, Paths: []string{service}},
		{Name: FeatureTLS, Paths: []string{service + ".tls"}},
		{Name: FeatureTopology, Paths: []string{"spec.topology"}},
		{Name: FeatureVolumes, Paths: []string{resources}},
		{Name: FeatureWorkload},
	}
	k.Workload = true
	return &row{Kind: k, model: func() model { return new(latticeService) }, hints: serviceHints()}, nil
}

// latticeService is the model of a LatticeService.
type latticeService struct{ lattice.LatticeService }

func (s *latticeService) value() interface{ AppendCBOR([]byte) []byte } { return &s.LatticeService }
func (s *latticeService) metadata() *lattice.ObjectMeta                 { return &s.Metadata }
func (s *latticeService) defaults()                                     { serviceDefaults(&s.Spec) }
func (s *latticeService) validate(v *validator)                         { v.service(&s.Spec) }

func (s *latticeService) features() []Feature {
	var f features
	f.service(&s.Spec)
	return f.sorted()
}

// serviceHints returns what to write instead of what other tools call it.
func serviceHints() map[string]string {
	return map[string]string{
		"env":                           "write variables, a mapping of names to values",
		"environment":                   "write variables, a mapping of names to values",
		"ports":                         "write the ports under spec.workload.service.ports, a mapping of names to ports",
		"port":                          "write the ports under spec.workload.service.ports, a mapping of names to ports",
		"initContainers":                "write them under spec.sidecars, with init: true",
		"volumeMounts":                  "write volumes, a mapping of mount paths to volumes",
		"configMap":                     "write the files of a container under files",
		"min":                           "the least number is spec.replicas",
		"minReplicas":                   "the least number is spec.replicas",
		"maxReplicas":                   "write max",
		"image":                         "write it under spec.workload.containers.NAME",
		"containers":                    "write them under spec.workload",
		"dependencies":                  "write a resource of type service under spec.workload.resources",
		"secrets":                       "write a resource of type secret under spec.workload.resources",
		"valueFrom":                     "write ${pod.ip} and such for facts of the pod, and ${resources.NAME.KEY} for a key of a Secret or ConfigMap",
		"secretRef":                     "write a resource of type existing-secret under spec.workload.resources, and its name under envFrom",
		"configMapRef":                  "write a resource of type existing-configmap under spec.workload.resources, and its name under envFrom",
		"existingSecret":                "write a resource of type existing-secret under spec.workload.resources",
		"volumeClaimTemplates":          "write a resource of type volume with params.perReplica: true",
		"clusterIP":                     "write serviceType: Headless for a service without an address of its own",
		"headless":                      "write serviceType: Headless",
		"hostPath":                      "a service has no access to its node; a kind brought by a plugin may have it",
		"annotations":                   "annotations of pods pass by the gates; a kind or a type of resource brought by a plugin is the way for what needs one",
		"nodeSelector":                  "write it under spec",
		"affinity":                      "where pods run is the platform's decision; spec.nodeSelector chooses nodes by their labels, and spec.topology keeps pods near each other",
		"tolerations":                   "write them under spec; a resource of type gpu tolerates its nodes",
		"serviceAccountName":            "the identity is that of the service, by its name",
		"restartPolicy":                 "the pods of a service are always started again",
		"fsGroup":                       "write it under spec",
		"securityContext":               "write security under a container, and fsGroup and sysctls under spec",
		"podSecurityContext":            "write fsGroup and sysctls under spec, and security under a container",
		"ephemeralStorage":              "write ephemeral-storage",
		"emptyDir":                      "a volume without source is an empty directory; one that several paths share is a resource of type volume with params.scratch: true",
		"terminationGracePeriodSeconds": "write it under spec",
		"topologySpreadConstraints":     "pods spread over the zones or nodes of the platform by themselves",
		"podDisruptionBudget":           "two replicas or more have one by themselves",
		"nvidia.com/gpu":                "write a resource of type gpu under spec.workload.resources",
		"hostAliases":                   "another name for a host would pass by policies; write a resource of type external-service",
		"gracePeriod":                   "write spec.terminationGracePeriodSeconds",
		"postStart":                     "it cannot be set; use an init container, or do it in the program",
	}
}

func jobRow() (*row, error) {
	k, err := builtinKind(lattice.KindJob, "latticejobs",
		"Work that ends: tasks of pods that are scheduled together, once or at times.")
	if err != nil {
		return nil, err
	}
	k.Columns = []kind.Column{{Name: "Queue", Path: "spec.queue"}, {Name: "Min", Path: "spec.minAvailable"}, {Name: "Schedule", Path: "spec.schedule"}}
	const task place = fieldTasks + ".*"
	containers, sidecars, resources := task.containers()+".*", task.sidecars()+".*", task.resources()+".*"
	k.Features = []kind.Feature{
		{Name: FeatureAllowedBinaries, Paths: []string{containers + ".security.allowedBinaries", sidecars + ".security.allowedBinaries"}},
		{Name: FeatureCustomResources, Paths: []string{resources}},
		{Name: FeatureExistingObjects, Paths: []string{resources}},
		{Name: FeatureExternalServices, Paths: []string{resources}},
		{Name: FeatureGPU, Paths: []string{resources}},
		{Name: FeatureImagePullSecrets, Paths: []string{task.field("imagePullSecrets")}},
		{Name: FeatureMesh, Paths: []string{resources}},
		{Name: FeatureSchedule, Paths: []string{"spec.schedule"}},
		{Name: FeatureSecrets, Paths: []string{resources, containers + ".envFrom", containers + ".variables", containers + ".files", sidecars + ".variables", sidecars + ".files"}},
		{Name: FeatureServicePorts, Paths: []string{task.service()}},
		{Name: FeatureTopology, Paths: []string{"spec.topology"}},
		{Name: FeatureTraining, Paths: []string{"spec.training"}},
		{Name: FeatureVolumes, Paths: []string{resources}},
		{Name: FeatureWorkload},
	}
	k.Workload = true
	hints := serviceHints()
	for _, key := range []string{"podDisruptionBudget", "restartPolicy", "volumeClaimTemplates", "min", "minReplicas", "maxReplicas"} {
		delete(hints, key)
	}
	maps.Copy(hints, map[string]string{
		"parallelism": "write replicas under a task", "completions": "write replicas under a task", "backoffLimit": "write spec.maxRetry",
		"ttlSecondsAfterFinished": "it cannot be set; successfulJobsHistoryLimit and failedJobsHistoryLimit say what a schedule keeps",
		"jobTemplate":             "write the job itself, and spec.schedule",
		"observability":           "a job has no Service that metrics could be read from; have the program push them",
		"autoscaling":             "a job has as many pods as its tasks say",
		"ingress":                 "a job serves nothing; write a LatticeService",
	})
	return &row{Kind: k, model: func() model { return new(job) }, complete: completeJob, hints: hints}, nil
}

// job is the model of a LatticeJob.
type job struct{ lattice.LatticeJob }

func (j *job) value() interface{ AppendCBOR([]byte) []byte } { return &j.LatticeJob }
func (j *job) metadata() *lattice.ObjectMeta                 { return &j.Metadata }
func (j *job) defaults()                                     { jobDefaults(&j.Spec) }
func (j *job) validate(v *validator)                         { v.job(&j.LatticeJob) }

func (j *job) features() []Feature {
	var f features
	f.job(&j.Spec)
	return f.sorted()
}

func memberRow() (*row, error) {
	k, err := builtinKind(lattice.KindMeshMember, "latticemeshmembers",
		"One participant of the service mesh: its ports, who may call it, and what it calls.")
	if err != nil {
		return nil, err
	}
	k.Columns = []kind.Column{{Name: "Service-Account", Path: "spec.serviceAccount"}, {Name: "Ambient", Path: "spec.ambient"}}
	k.Features = []kind.Feature{
		{Name: FeatureAdvertise, Paths: []string{"spec.advertise"}},
		{Name: FeatureEgress, Paths: []string{"spec.egress"}},
		{Name: FeatureIngress, Paths: []string{fieldIngress}},
		{Name: FeatureMesh},
	}
	k.Mesh = true
	return &row{Kind: k, model: func() model { return new(meshMember) }}, nil
}

// meshMember is the model of a LatticeMeshMember.
type meshMember struct{ lattice.LatticeMeshMember }

func (m *meshMember) value() interface{ AppendCBOR([]byte) []byte } { return &m.LatticeMeshMember }
func (m *meshMember) metadata() *lattice.ObjectMeta                 { return &m.Metadata }
func (m *meshMember) defaults()                                     { memberDefaults(&m.Spec) }
func (m *meshMember) validate(v *validator)                         { v.member(&m.Spec) }

func (m *meshMember) features() []Feature {
	var f features
	f.member(&m.Spec)
	return f.sorted()
}

func providerRow() (*row, error) {
	k, err := builtinKind(lattice.KindSecretProvider, "secretproviders",
		"One store of secrets: where it is, how it is reached, and which namespaces may read it.")
	if err != nil {
		return nil, err
	}
	k.Columns = []kind.Column{{Name: "All", Path: "spec.all"}}
	k.Features = []kind.Feature{{Name: FeatureSecretStore}}
	return &row{Kind: k, model: func() model { return new(provider) }, namespace: lattice.SystemNamespace}, nil
}

// provider is the model of a SecretProvider.
type provider struct{ lattice.SecretProvider }

func (p *provider) value() interface{ AppendCBOR([]byte) []byte } { return &p.SecretProvider }
func (p *provider) metadata() *lattice.ObjectMeta                 { return &p.Metadata }
func (p *provider) defaults()                                     {}
func (p *provider) validate(v *validator)                         { v.provider(&p.SecretProvider) }
func (p *provider) features() []Feature                           { return []Feature{{FeatureSecretStore, keySpec}} }
