// Package binaries knows which programs the pods of a workload may start, and derives the policy
// that ends all others.
package binaries

import (
	"slices"
	"strings"

	"github.com/latticenet/lattice-host/abi/lattice"
	"github.com/latticenet/lattice-host/plugins/sdk/go/kube"
)

// every allows all programs.
const every = "*"

// Set is the programs that pods may start. Its zero value allows none.
type Set struct {
	paths []string
	// declared says that a container limits its programs; unknown that one may start anything: it
	// allows every program, or neither its programs nor its entry point are known.
	declared, unknown bool
}

// Of returns what the pods of a workload may start: what containers and sidecars allow, what they
// are started with, and what their probes and hooks run.
func Of(w *lattice.Workload, r *lattice.Runtime) *Set {
	s := &Set{}
	for i := range w.Containers {
		s.Container(&w.Containers[i].Value)
	}
	for i := range r.Sidecars {
		s.Sidecar(&r.Sidecars[i].Value)
	}
	return s
}

// Container adds what a container may start.
func (s *Set) Container(c *lattice.Container) {
	s.add(c.Command, c.Security)
	s.probes(c.LivenessProbe, c.ReadinessProbe, c.StartupProbe)
	s.preStop(c.Lifecycle)
}

// Sidecar adds what a sidecar may start.
func (s *Set) Sidecar(c *lattice.Sidecar) {
	s.add(c.Command, c.Security)
	s.probes(c.LivenessProbe, c.ReadinessProbe, c.StartupProbe)
	s.preStop(c.Lifecycle)
}

// Command adds the program of a command line; one without items adds nothing. A program that a
// reference names is not known.
func (s *Set) Command(line []string) {
	if len(line) > 0 {
		s.paths = append(s.paths, line[0])
		s.unknown = s.unknown || strings.Contains(line[0], "${")
	}
}

// Limited reports whether the pods may start some programs only, and all of them are known.
func (s *Set) Limited() bool { return s.declared && !s.unknown }

func (s *Set) add(command []string, security *lattice.Security) {
	var allowed []string
	if security != nil {
		allowed = security.AllowedBinaries
	}
	s.declared = s.declared || len(allowed) > 0
	s.unknown = s.unknown || slices.Contains(allowed, every) || len(allowed)+len(command) == 0
	s.paths = append(s.paths, allowed...)
	s.Command(command)
}

func (s *Set) probes(probes ...*lattice.Probe) {
	for _, p := range probes {
		if p != nil && p.Exec != nil {
			s.Command(p.Exec.Command)
		}
	}
}

func (s *Set) preStop(l *lattice.Lifecycle) {
	if l != nil && l.PreStop != nil && l.PreStop.Exec != nil {
		s.Command(l.PreStop.Exec.Command)
	}
}

// Policy returns the policy that ends every program that is not in the set, in the pods with the
// labels. The kernel calls security_bprm_check before it runs a program.
func (s *Set) Policy(meta kube.ObjectMeta, pods kube.Labels) *kube.TracingPolicyNamespaced {
	paths := slices.Clone(s.paths)
	slices.Sort(paths)
	return &kube.TracingPolicyNamespaced{
		Object: kube.NewObject("cilium.io/v1alpha1", "TracingPolicyNamespaced", meta),
		Spec: kube.TracingPolicySpec{
			PodSelector: kube.LabelSelector{MatchLabels: pods},
			KProbes: []kube.KProbe{{
				Call: "security_bprm_check",
				Args: []kube.KProbeArg{{Type: "linux_binprm", Label: "filename"}},
				Selectors: []kube.KProbeSelector{{
					MatchArgs:    []kube.KProbeMatch{{Operator: "NotEqual", Values: slices.Compact(paths)}},
					MatchActions: []kube.KProbeAction{{Action: "Sigkill"}},
				}},
			}},
		},
	}
}
