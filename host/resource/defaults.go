package resource

import (
	"github.com/latticenet/lattice-host/abi/cbor"
	"github.com/latticenet/lattice-host/abi/lattice"
)

// The values that the kinds give to fields which a user leaves out.
const (
	defaultNamespace     = "default"
	defaultReplicas      = 1
	defaultMetric        = "cpu"
	defaultMetricTarget  = 80
	defaultServiceType   = serviceClusterIP
	defaultProtocol      = "TCP"
	defaultDirection     = "outbound"
	defaultAccessMode    = "ReadWriteOnce"
	defaultBackupPolicy  = "opt-out"
	defaultStrategy      = "rolling"
	defaultRouteKind     = routeHTTP
	defaultPathMatch     = "PathPrefix"
	defaultHeaderMatch   = "Exact"
	defaultPeerAuth      = "Strict"
	defaultGPUTolerances = true
	defaultScheduler     = "volcano"
	defaultRestart       = "Never"
	defaultFramework     = "PyTorch"
	defaultCoordinator   = "master"
	defaultNCCLDebug     = "WARN"
)

func set(field *string, value string) {
	if *field == "" {
		*field = value
	}
}

// each calls fill with every value of m.
func each[T any](m cbor.Map[T], fill func(*T)) {
	for i := range m {
		fill(&m[i].Value)
	}
}

func serviceDefaults(s *lattice.ServiceSpec) {
	if s.Replicas == nil {
		s.Replicas = new(int64(defaultReplicas))
	}
	if s.Workload != nil {
		each(s.Workload.Resources, resourceDefaults)
		portDefaults(s.Workload.Service)
	}
	if a := s.Autoscaling; a != nil && len(a.Metrics) == 0 {
		a.Metrics = []lattice.Metric{{Metric: defaultMetric, Target: defaultMetricTarget}}
	}
	if s.Backup != nil && s.Backup.Volumes != nil {
		set(&s.Backup.Volumes.DefaultPolicy, defaultBackupPolicy)
	}
	if s.Deploy != nil {
		set(&s.Deploy.Strategy, defaultStrategy)
	}
	ingressDefaults(s.Ingress)
}

func jobDefaults(s *lattice.JobSpec) {
	set(&s.SchedulerName, defaultScheduler)
	each(s.Tasks, func(t *lattice.JobTask) {
		if t.Replicas == nil {
			t.Replicas = new(int64(defaultReplicas))
		}
		set(&t.RestartPolicy, defaultRestart)
		if t.Workload != nil {
			each(t.Workload.Resources, resourceDefaults)
			portDefaults(t.Workload.Service)
		}
	})
	if t := s.Training; t != nil {
		set(&t.Framework, defaultFramework)
		set(&t.CoordinatorTask, defaultCoordinator)
		if t.NCCL != nil {
			set(&t.NCCL.Debug, defaultNCCLDebug)
		}
	}
}

func resourceDefaults(r *lattice.Resource) {
	set(&r.Direction, defaultDirection)
	switch {
	case r.Params == nil:
	case r.Type == typeVolume && r.Params.Size != "" && !isTrue(r.Params.Scratch):
		set(&r.Params.AccessMode, defaultAccessMode)
	case r.Type == typeGPU && r.Params.Tolerations == nil:
		r.Params.Tolerations = new(defaultGPUTolerances)
	}
}

func portDefaults(p *lattice.Ports) {
	if p == nil {
		return
	}
	set(&p.ServiceType, defaultServiceType)
	each(p.Ports, func(port *lattice.Port) { set(&port.Protocol, defaultProtocol) })
}

func ingressDefaults(in *lattice.Ingress) {
	if in == nil {
		return
	}
	each(in.Routes, func(r *lattice.Route) {
		set(&r.Kind, defaultRouteKind)
		for i := range r.Rules {
			for j := range r.Rules[i].Matches {
				matchDefaults(&r.Rules[i].Matches[j])
			}
		}
	})
}

func matchDefaults(m *lattice.RouteMatch) {
	if m.Path != nil {
		set(&m.Path.Type, defaultPathMatch)
	}
	for i := range m.Headers {
		set(&m.Headers[i].Type, defaultHeaderMatch)
	}
}

func memberDefaults(s *lattice.MemberSpec) {
	for i := range s.Ports {
		set(&s.Ports[i].PeerAuth, defaultPeerAuth)
		set(&s.Ports[i].Protocol, defaultProtocol)
	}
	for i := range s.Egress {
		set(&s.Egress[i].Protocol, defaultProtocol)
	}
	ingressDefaults(s.Ingress)
}
