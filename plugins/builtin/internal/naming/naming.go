// Package naming holds the labels, names and hashes that the derived objects of all built-in plugins share.
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
	ManagedBy      = "lattice"
	// LabelVolumePrefix is followed by a volume's id on the pods of its owner.
	LabelVolumePrefix = "lattice.io/vol-"
	// AnnotationConfigHash on a pod template rolls the pods when their configuration changes.
	AnnotationConfigHash = "lattice.dev/config-hash"
)

// Hash returns the first eight bytes of the SHA-256 of s in hexadecimal.
func Hash(s string) string { return short(s, 8) }

// Derived returns prefix and the first four bytes of the SHA-256 of the parts, joined with slashes, in hexadecimal.
func Derived(prefix string, parts ...string) string {
	return prefix + short(strings.Join(parts, "/"), 4)
}

func short(s string, n int) string {
	sum := sha256.Sum([]byte(s))
	return sha256.Hex(sum[:n])
}

// DNSLabel turns s into a DNS label: lower case, every other character a hyphen, beginning with a letter, no hyphen at
// the end, at most 63 characters. It returns "" when nothing is left.
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

// Selector returns the labels that select a workload's pods.
func Selector(name string) kube.Labels { return kube.Labels{{Key: LabelName, Value: name}} }

// Labels returns the labels of every object derived for a workload.
func Labels(name string) kube.Labels {
	return kube.Labels{{Key: LabelManagedBy, Value: ManagedBy}, {Key: LabelName, Value: name}}
}

// Meta returns the metadata of an object derived from a resource.
func Meta(owner *lattice.ObjectMeta, name string) kube.ObjectMeta {
	return kube.ObjectMeta{Name: name, Namespace: owner.Namespace, Labels: Labels(owner.Name)}
}
