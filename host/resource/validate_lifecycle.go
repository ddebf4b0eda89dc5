package resource

import (
	"strconv"
	"strings"

	"github.com/latticenet/lattice-host/abi/cbor"
	"github.com/latticenet/lattice-host/abi/lattice"
	"github.com/latticenet/lattice-host/internal/problem"
)

// defaultGrace is how many seconds Kubernetes gives a pod to end when it names no grace period.
const defaultGrace = 30

// probe checks a health check. Only a readiness probe may need more than one success.
func (v *validator) probe(field string, p *lattice.Probe, manySuccesses bool) {
	if p == nil {
		return
	}
	v.oneHandler(field, "httpGet, exec, tcpSocket and grpc", p.HTTPGet != nil, p.Exec != nil, p.TCPSocket != nil, p.GRPC != nil)
	v.handlers(field, p.HTTPGet, p.Exec)
	if p.TCPSocket != nil {
		v.port(field+".tcpSocket.port", p.TCPSocket.Port)
		v.optional(field+".tcpSocket.host", p.TCPSocket.Host, isHostOrAddress, "must be a host name or an address")
	}
	if p.GRPC != nil {
		v.port(field+".grpc.port", p.GRPC.Port)
	}
	if s := p.SuccessThreshold; s != nil && *s > 1 && !manySuccesses {
		v.fail(field+".successThreshold", "must be 1; only a readiness probe may need more successes")
	}
}

// oneHandler checks that exactly one of several handlers is given.
func (v *validator) oneHandler(field, names string, given ...bool) {
	count := 0
	for _, is := range given {
		if is {
			count++
		}
	}
	v.requireOf(count == 1, field, "must have exactly one of "+names)
}

// handlers checks what probes and lifecycles have in common.
func (v *validator) handlers(field string, get *lattice.HTTPGet, exec *lattice.Exec) {
	if get != nil {
		v.httpGet(field+".httpGet", get)
	}
	if exec != nil {
		v.require(len(exec.Command) > 0 && exec.Command[0] != "", field+".exec.command", "is empty; give the program to run")
	}
}

func (v *validator) httpGet(field string, g *lattice.HTTPGet) {
	v.port(field+".port", g.Port)
	v.require(strings.HasPrefix(g.Path, "/"), field+".path", "must begin with /, not "+problem.Quote(g.Path))
	v.optional(field+".host", g.Host, isHostOrAddress, "must be a host name or an address")
	for i, h := range g.HTTPHeaders {
		at := field + ".httpHeaders." + strconv.Itoa(i)
		v.headerName(at+".name", h.Name)
		v.require(!strings.ContainsAny(h.Value, "\r\n"), at+".value", "cannot hold a line break; remove it")
	}
}

func (v *validator) lifecycle(field string, l *lattice.Lifecycle) {
	if l == nil {
		return
	}
	stop := l.PreStop
	v.requireOf(stop != nil, field, "is empty; give preStop or remove it")
	if stop == nil {
		return
	}
	v.oneHandler(field+".preStop", "exec, httpGet and sleep", stop.Exec != nil, stop.HTTPGet != nil, stop.Sleep != nil)
	v.handlers(field+".preStop", stop.HTTPGet, stop.Exec)
}

// sleeps checks that no container sleeps longer than its pod has to end. The API server refuses
// such a pod.
func (v *validator) sleeps(w *lattice.Workload, r *lattice.Runtime) {
	field := v.in.field("terminationGracePeriodSeconds")
	grace, given := int64(defaultGrace), "the 30 seconds that a pod has without "+field
	if r.TerminationGracePeriodSeconds != nil {
		grace = *r.TerminationGracePeriodSeconds
		given = field + ", which is " + strconv.FormatInt(grace, 10)
	}
	check := func(field string, l *lattice.Lifecycle) {
		if l != nil && l.PreStop != nil && l.PreStop.Sleep != nil && l.PreStop.Sleep.Seconds > grace {
			v.fail(field+".lifecycle.preStop.sleep.seconds", "is more than "+given+"; lower it or raise the grace period")
		}
	}
	for i := range w.Containers {
		check(v.in.containers()+"."+w.Containers[i].Key, w.Containers[i].Value.Lifecycle)
	}
	for i := range r.Sidecars {
		check(v.in.sidecars()+"."+r.Sidecars[i].Key, r.Sidecars[i].Value.Lifecycle)
	}
}

// order checks that init containers can run in an order in which each comes after those that it
// names.
func (v *validator) order(sidecars cbor.Map[lattice.Sidecar]) {
	for i := range sidecars {
		field := v.in.sidecars() + "." + sidecars[i].Key + ".after"
		v.distinct(field, sidecars[i].Value.After)
		for j, name := range sidecars[i].Value.After {
			other := sidecars.Get(name)
			v.require(name == "" || other != nil && other.Init, field+"."+strconv.Itoa(j), "names no init container in "+v.in.sidecars()+": "+problem.Quote(name))
		}
	}
	for i := range sidecars {
		if cycle := cycleFrom(sidecars, sidecars[i].Key); cycle != nil {
			v.fail(v.in.sidecars()+"."+sidecars[i].Key+".after", "the init containers wait for each other: "+strings.Join(cycle, " after ")+"; remove one of these names")
			return
		}
	}
}

// cycleFrom returns the names from one init container back to itself along what it comes after, or
// nil.
func cycleFrom(sidecars cbor.Map[lattice.Sidecar], start string) []string {
	visited := map[string]bool{}
	var follow func(name string) []string
	follow = func(name string) []string {
		s := sidecars.Get(name)
		if s == nil || visited[name] {
			return nil
		}
		visited[name] = true
		for _, next := range s.After {
			if next == start {
				return []string{name, next}
			}
			if cycle := follow(next); cycle != nil {
				return append([]string{name}, cycle...)
			}
		}
		return nil
	}
	return follow(start)
}
