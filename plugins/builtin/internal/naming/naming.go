// Package naming holds the labels, names and hashes that the derived objects of all built-in
// plugins share.
package naming

import (
	"strings"

	"github.com/latticenet/lattice-host/abi/lattice"
	"github.com/latticenet/lattice-host/plugins/sdk/go/ascii"
	"github.com/latticenet/lattice-host/plugins/sdk/go/kube"
	"github.com/latticenet/lattice-host/plugins/sdk/go/sha256"
)

// Labels and annotations of derived objects.
const (
	LabelName      = "app.kubernetes.io/name"
	LabelManagedBy = "app.kubernetes.io/managed-by"
	LabelPartOf    = "app.kubernetes.io/part-of"
	ManagedBy      = "lattice"
	// AnnotationConfigHash on a pod template rolls the pods when their configuration changes.
	AnnotationConfigHash = "lattice.dev/config-hash"
)

// Hash returns the first eight bytes of the SHA-256 of s in hexadecimal.
func Hash(s string) string { return short(s, 8) }

// Derived returns prefix and the first four bytes of the SHA-256 of the parts, joined with slashes,
// in hexadecimal.
func Derived(prefix string, parts ...string) string {
	return prefix + short(strings.Join(parts, "/"), 4)
}

func short(s string, n int) string {
	sum := sha256.Sum([]byte(s))
	return sha256.Hex(sum[:n])
}

// DNSLabel turns s into a DNS label: lower case, every other character a hyphen, beginning with a
// letter, no hyphen at the end, at most 63 characters. It returns "" when nothing is left.
func DNSLabel(s string) string {
	b := make([]byte, 0, len(s))
	for i := range len(s) {
		c := s[i]
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		letter := c >= 'a' && c <= 'z'
		if len(b) == 0 && !letter {
			continue
		}
		if !letter && (c < '0' || c > '9') {
			c = '-'
		}
		b = append(b, c)
	}
	return ascii.Trim(string(b[:min(len(b), 63)]), '-')
}

// Label returns a DNS label that begins with prefix and is unique to s. Where sanitised is all of
// s, it follows the prefix as it is; elsewhere the hash of s follows after two hyphens, which
// sanitised is not to have in a row where it is all of s.
func Label(prefix, sanitised, s string, whole bool) string {
	if name := prefix + sanitised; whole && len(name) <= maxLabel {
		return name
	}
	kept := ascii.Trim((prefix + sanitised)[:min(len(prefix+sanitised), maxLabel-hashLen-2)], '-')
	return kept + "--" + Hash(s)
}

// maxLabel is the longest DNS label (RFC 1035, section 2.3.4), and hashLen the length of a [Hash].
const (
	maxLabel = 63
	hashLen  = 16
)

// The kinds of the object that runs a service's pods.
const (
	KindDeployment  = "Deployment"
	KindStatefulSet = "StatefulSet"
)

// WorkloadKind returns the kind of apps/v1 that runs a service's pods: a StatefulSet when they have
// names or volumes of their own.
func WorkloadKind(spec *lattice.ServiceSpec) string {
	if s := spec.Workload.Service; s != nil && s.StableNames {
		return KindStatefulSet
	}
	for i := range spec.Workload.Resources {
		if PerReplica(&spec.Workload.Resources[i].Value) {
			return KindStatefulSet
		}
	}
	return KindDeployment
}

// PodsService returns the headless Service below which the pods of a StatefulSet have names: the
// service's own where it is headless, and else a second one.
func PodsService(name string, spec *lattice.ServiceSpec) string {
	if s := spec.Workload.Service; s != nil && s.ServiceType == "Headless" {
		return name
	}
	return name + "-pods"
}

// PerReplica reports whether a resource is a volume of which each replica has its own.
func PerReplica(r *lattice.Resource) bool {
	return r.Type == "volume" && r.Params != nil && r.Params.PerReplica != nil && *r.Params.PerReplica
}

// VolcanoBatch is the version of what runs a job, KindJob or KindCronJob.
const (
	VolcanoBatch = "batch.volcano.sh/v1alpha1"
	KindJob      = "Job"
	KindCronJob  = "CronJob"
)

// JobKind returns the kind of Volcano's object that runs a job: a CronJob when it has a schedule.
func JobKind(spec *lattice.JobSpec) string {
	if spec.Schedule != "" {
		return KindCronJob
	}
	return KindJob
}

// Task names a task of a job, as its pods, its account and its policies are called.
func Task(job, task string) string { return job + "-" + task }

// Training is the labels that select the pods of all tasks of a training.
func Training(job string) kube.Labels {
	return kube.Labels{{Key: "lattice.dev/training-job", Value: job}}
}

// Selector returns the labels that select a workload's pods.
func Selector(name string) kube.Labels { return kube.Labels{{Key: LabelName, Value: name}} }

// Labels returns the labels of every object derived for a workload.
func Labels(name string) kube.Labels {
	return kube.Labels{{Key: LabelManagedBy, Value: ManagedBy}, {Key: LabelName, Value: name}}
}

// Meta returns the metadata of an object derived from a resource.
func Meta(owner *lattice.ObjectMeta, name string) kube.ObjectMeta {
	return ObjectMeta(owner, name, owner.Name)
}

// ObjectMeta returns the metadata of an object derived for a workload, which is a part of a
// resource.
func ObjectMeta(owner *lattice.ObjectMeta, name, workload string) kube.ObjectMeta {
	return kube.ObjectMeta{Name: name, Namespace: owner.Namespace, Labels: Labels(workload)}
}
