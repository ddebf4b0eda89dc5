// Package binaries knows which programs the pods of a workload may start, and derives the policy
// that ends all others.
package binaries

import (
	"slices"
	"strconv"
	"strings"

	"github.com/latticenet/lattice-host/abi/lattice"
	sdk "github.com/latticenet/lattice-host/plugins/sdk/go"
	"github.com/latticenet/lattice-host/plugins/sdk/go/kube"
)

// every allows all programs.
const every = "*"

// Set is the programs that pods may start. Its zero value allows none.
type Set struct {
	programs []program
	// declared says that a container limits its programs; unknown that one may start anything: it
	// allows every program, or neither its programs nor its entry point are known.
	declared, unknown bool
}

// program is a program, and the field of the document that names it.
type program struct{ path, field string }

// Of returns what the pods of a workload may start: what containers and sidecars allow, what they
// are started with, and what their probes and hooks run. The field has the workload and the
// runtime.
func Of(field string, w *lattice.Workload, r *lattice.Runtime) *Set {
	s := &Set{}
	for i := range w.Containers {
		c := &w.Containers[i].Value
		at := field + ".workload.containers." + w.Containers[i].Key
		s.add(at, c.Command, c.Security)
		s.hooks(at, c.Lifecycle, c.LivenessProbe, c.ReadinessProbe, c.StartupProbe)
	}
	for i := range r.Sidecars {
		c := &r.Sidecars[i].Value
		at := field + ".sidecars." + r.Sidecars[i].Key
		s.add(at, c.Command, c.Security)
		s.hooks(at, c.Lifecycle, c.LivenessProbe, c.ReadinessProbe, c.StartupProbe)
	}
	return s
}

// Command adds the program of a command line, which a field names; a line without items adds
// nothing. A program that a reference names is not known.
func (s *Set) Command(field string, line []string) {
	if len(line) > 0 {
		s.programs = append(s.programs, program{line[0], field})
		s.unknown = s.unknown || strings.Contains(line[0], "${")
	}
}

// Limited reports whether the pods may start some programs only, and all of them are known.
func (s *Set) Limited() bool { return s.declared && !s.unknown }

func (s *Set) add(field string, command []string, security *lattice.Security) {
	var allowed []string
	if security != nil {
		allowed = security.AllowedBinaries
	}
	s.declared = s.declared || len(allowed) > 0
	s.unknown = s.unknown || slices.Contains(allowed, every) || len(allowed)+len(command) == 0
	for i, path := range allowed {
		s.programs = append(s.programs, program{path, field + ".security.allowedBinaries." + strconv.Itoa(i)})
	}
	s.Command(field+".command.0", command)
}

func (s *Set) hooks(field string, l *lattice.Lifecycle, liveness, readiness, startup *lattice.Probe) {
	for _, p := range []struct {
		name  string
		probe *lattice.Probe
	}{{"livenessProbe", liveness}, {"readinessProbe", readiness}, {"startupProbe", startup}} {
		if p.probe != nil && p.probe.Exec != nil {
			s.Command(field+"."+p.name+".exec.command.0", p.probe.Exec.Command)
		}
	}
	if l != nil && l.PreStop != nil && l.PreStop.Exec != nil {
		s.Command(field+".lifecycle.preStop.exec.command.0", l.PreStop.Exec.Command)
	}
}

// Check reports what the policy would end although the document wants it. The kernel names a
// program by the path of its file, with all links followed (cilium/tetragon#3583): one that is
// found by PATH has another name, and so has a link.
func (s *Set) Check(resp *sdk.Response) {
	for i, p := range s.programs {
		if !strings.HasPrefix(p.path, "/") {
			resp.Error(p.field, strconv.Quote(p.path)+" is looked for by PATH, but the policy knows programs by the path of their file and "+
				"would end it; write its absolute path")
			continue
		}
		files := files(p.path)
		first := !slices.ContainsFunc(s.programs[:i], func(o program) bool { return o.path == p.path })
		if first && len(files) > 0 && !slices.ContainsFunc(files, s.has) {
			resp.Warn(p.field, p.path+" is a link on most systems, but the policy knows programs by the path of their file and would end it there; "+
				"add that path to allowedBinaries: "+strings.Join(files, " or "))
		}
	}
}

// files returns what a path that is a link on most systems leads to; nothing for any other.
func files(path string) []string {
	switch {
	case path == "/bin/sh" || path == "/usr/bin/sh":
		// Debian, Red Hat, Alpine, Wolfi.
		return []string{"/usr/bin/dash", "/usr/bin/bash", "/bin/busybox", "/usr/bin/busybox"}
	case strings.HasPrefix(path, "/bin/") || strings.HasPrefix(path, "/sbin/") || strings.HasPrefix(path, "/lib/"):
		return []string{"/usr" + path}
	}
	return nil
}

func (s *Set) has(path string) bool {
	return slices.ContainsFunc(s.programs, func(p program) bool { return p.path == path })
}

// Policy returns the policy that ends every program that is not in the set, in the pods with the
// labels. The kernel calls security_bprm_check before it runs a program.
func (s *Set) Policy(meta kube.ObjectMeta, pods kube.Labels) *kube.TracingPolicyNamespaced {
	var paths []string
	for _, p := range s.programs {
		paths = append(paths, p.path)
	}
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
