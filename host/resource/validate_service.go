package resource

import (
	"path"
	"strconv"
	"strings"

	"github.com/latticenet/lattice-host/abi/lattice"
	"github.com/latticenet/lattice-host/internal/problem"
)

// place is the path of what has a workload, and says how it runs.
type place string

// inSpec is the place of a service.
const inSpec place = "spec"

// fieldIngress is where a service is published.
const fieldIngress = "spec.ingress"

func (p place) field(name string) string { return string(p) + "." + name }
func (p place) containers() string       { return p.field("workload.containers") }
func (p place) resources() string        { return p.field("workload.resources") }
func (p place) service() string          { return p.field("workload.service") }
func (p place) sidecars() string         { return p.field("sidecars") }

const ruleCommand = "must be an absolute path, beginning with /"

func (v *validator) service(s *lattice.ServiceSpec) {
	v.runtime(&s.Runtime)
	if s.Workload != nil {
		v.workload(s.Workload, &s.Runtime)
		if s.Workload.Service != nil {
			v.ports(s.Workload.Service, s.Ingress != nil)
		}
	}
	v.scaling(s)
	v.deploy(s.Deploy)
	v.statefulSet(s)
	v.topology(s.Topology)
	v.backup(s)
	v.advertise("spec.advertise", s.Advertise)
	if s.Ingress != nil {
		v.ingress(s.Ingress, servicePorts(s.Workload), inSpec.service()+".ports")
	}
	if s.Observability != nil {
		v.metrics(s.Observability.Metrics, servicePorts(s.Workload))
	}
}

func servicePorts(w *lattice.Workload) []string {
	if w == nil || w.Service == nil {
		return nil
	}
	ports := make([]string, len(w.Service.Ports))
	for i, p := range w.Service.Ports {
		ports[i] = p.Key
	}
	return ports
}

func (v *validator) runtime(r *lattice.Runtime) {
	names(v, v.in.sidecars(), r.Sidecars, isName, ruleName)
	names(v, v.in.field("sysctls"), r.Sysctls, sysctlPattern.MatchString, "must be a kernel parameter such as net.core.somaxconn")
	for _, e := range r.Sysctls {
		// The API server refuses such a pod: the parameter belongs to the network namespace, which
		// is the node's.
		v.require(r.HostNetwork == nil || !*r.HostNetwork || !strings.HasPrefix(e.Key, "net."), v.in.field("sysctls.")+e.Key,
			"would change the node, because hostNetwork is true; remove one of the two")
	}
	v.nodes(r)
	v.items(v.in.field("imagePullSecrets"), r.ImagePullSecrets, isSubdomain, "names an ImageProvider and "+ruleSubdomain)
}

// workload checks the containers of one kind of pod, and what they use. Its ports are checked by
// themselves.
func (v *validator) workload(w *lattice.Workload, r *lattice.Runtime) {
	containers, sidecars, resources := v.in.containers(), v.in.sidecars(), v.in.resources()
	v.require(len(w.Containers) > 0, containers, "is empty; a workload needs at least one container")
	names(v, containers, w.Containers, isName, ruleName)
	names(v, resources, w.Resources, isName, ruleName)
	for i := range w.Containers {
		v.container(containers+"."+w.Containers[i].Key, &w.Containers[i].Value, w.Resources, true)
	}
	for i := range r.Sidecars {
		name := r.Sidecars[i].Key
		v.sidecar(sidecars+"."+name, &r.Sidecars[i].Value, w.Resources)
		v.require(w.Containers.Get(name) == nil, sidecars+"."+name, "a container has the name "+problem.Quote(name)+" too; rename one of them")
	}
	for i := range w.Resources {
		v.resource(resources+"."+w.Resources[i].Key, &w.Resources[i].Value)
	}
	v.order(r.Sidecars)
	v.sleeps(w, r)
}

func (v *validator) scaling(s *lattice.ServiceSpec) {
	a := s.Autoscaling
	if a == nil {
		return
	}
	if s.Replicas != nil && a.Max >= 1 && *s.Replicas > a.Max {
		v.fail("spec.replicas", "is "+strconv.FormatInt(*s.Replicas, 10)+", more than spec.autoscaling.max, which is "+strconv.FormatInt(a.Max, 10)+"; lower replicas or raise max")
	}
	seen := map[string]bool{}
	for i, m := range a.Metrics {
		field := "spec.autoscaling.metrics." + strconv.Itoa(i)
		v.metric(field, m)
		v.require(!seen[m.Metric], field+".metric", problem.Quote(m.Metric)+" is a duplicate; remove one")
		seen[m.Metric] = true
	}
}

func (v *validator) metric(field string, m lattice.Metric) {
	v.require(metricPattern.MatchString(m.Metric), field+".metric", "must be cpu, memory or the name of a metric made of letters, digits, underscores and colons, not "+problem.Quote(m.Metric))
	v.require(m.Target > 0, field+".target", "must be more than 0")
	percentage := m.Metric == "cpu" || m.Metric == "memory"
	v.require(!percentage || m.Target <= 100, field+".target", "is a percentage for "+m.Metric+" and must be at most 100")
}

func (v *validator) deploy(d *lattice.Deploy) {
	if d == nil {
		return
	}
	c := d.Canary
	if c == nil {
		return
	}
	const field = "spec.deploy.canary"
	v.require(d.Strategy == strategyCanary, field, "needs spec.deploy.strategy: canary; set it or remove the block")
	v.optional(field+".interval", c.Interval, durationPattern.MatchString, ruleDuration)
}

// strategyRecreate ends the old pods before new ones begin.
const strategyRecreate = "recreate"

// strategyCanary rolls out to a part of the traffic first.
const strategyCanary = "canary"

func (v *validator) topology(t *lattice.Topology) {
	if t == nil {
		return
	}
	const field = "spec.topology"
	v.require(t.Mode != "", field+".mode", "is empty; set Hard or Soft")
}

func (v *validator) metrics(m *lattice.Metrics, ports []string) {
	if m == nil {
		return
	}
	const field = "spec.observability.metrics"
	v.knownPort(field+".port", m.Port, ports, inSpec.service()+".ports")
	for _, e := range m.Mappings {
		v.require(e.Key != "", field+".mappings", "a mapping has an empty name; give it one")
		v.require(e.Value != "", field+".mappings."+e.Key, "is empty; name the service's own metric")
	}
}

func (v *validator) backup(s *lattice.ServiceSpec) {
	b := s.Backup
	if b == nil {
		return
	}
	const field = "spec.backup"
	v.optional(field+".schedule", b.Schedule, cronPattern.MatchString, "must be a cron expression of five parts such as 0 3 * * *")
	v.optional(field+".storeRef", b.StoreRef, isSubdomain, ruleSubdomain)
	if r := b.Retention; r != nil {
		v.optional(field+".retention.ttl", r.TTL, durationPattern.MatchString, ruleDuration)
	}
	if b.Hooks != nil {
		v.hooks(field+".hooks.pre", b.Hooks.Pre, s)
		v.hooks(field+".hooks.post", b.Hooks.Post, s)
	}
	if b.Volumes != nil {
		v.backupVolumes(field+".volumes.include", b.Volumes.Include, s.Workload)
		v.backupVolumes(field+".volumes.exclude", b.Volumes.Exclude, s.Workload)
	}
}

func (v *validator) backupVolumes(field string, volumes []string, w *lattice.Workload) {
	v.distinct(field, volumes)
	for i, name := range volumes {
		if w == nil || name == "" {
			continue
		}
		r := w.Resources.Get(name)
		v.require(r != nil && (r.Type == typeVolume || r.Type == ""), field+"."+strconv.Itoa(i), "names no volume in "+inSpec.resources()+": "+problem.Quote(name))
	}
}

func (v *validator) hooks(field string, hooks []lattice.BackupHook, s *lattice.ServiceSpec) {
	seen := map[string]bool{}
	for i, h := range hooks {
		at := field + "." + strconv.Itoa(i)
		v.require(isName(h.Name), at+".name", ruleName+", not "+problem.Quote(h.Name))
		v.require(!seen[h.Name], at+".name", problem.Quote(h.Name)+" is a duplicate; rename one")
		seen[h.Name] = true
		v.require(hasContainer(s, h.Container), at+".container", "names no container or sidecar that runs: "+problem.Quote(h.Container))
		v.require(len(h.Command) > 0, at+".command", "is empty; give the program to run")
		v.command(at+".command", h.Command)
		v.optional(at+".timeout", h.Timeout, durationPattern.MatchString, ruleDuration)
	}
}

func hasContainer(s *lattice.ServiceSpec, name string) bool {
	if s.Workload != nil && s.Workload.Containers.Get(name) != nil {
		return true
	}
	sidecar := s.Sidecars.Get(name)
	return sidecar != nil && !sidecar.Init
}

// command checks that the program of a command line is an absolute path.
func (v *validator) command(field string, command []string) {
	if len(command) > 0 {
		v.require(path.IsAbs(command[0]), field+".0", ruleCommand+", not "+problem.Quote(command[0]))
	}
}

func (v *validator) advertise(field string, a *lattice.Advertise) {
	if a != nil {
		v.items(field+".allowedServices", a.AllowedServices, func(s string) bool { return s == "*" || isNamespacedName(s) }, "must be namespace/name, or * for every service")
	}
}
