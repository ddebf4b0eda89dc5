package workload

import (
	"strconv"

	"github.com/latticenet/lattice-host/abi/lattice"
	"github.com/latticenet/lattice-host/plugins/sdk/go/kube"
)

func (b *Builder) probe(c *container, name string, p *lattice.Probe) *kube.Probe {
	if p == nil {
		return nil
	}
	field := c.field + "." + name
	out := &kube.Probe{
		InitialDelaySeconds: p.InitialDelaySeconds, PeriodSeconds: p.PeriodSeconds, TimeoutSeconds: p.TimeoutSeconds,
		FailureThreshold: p.FailureThreshold, SuccessThreshold: p.SuccessThreshold,
		Exec: b.execAction(c, field, p.Exec), HTTPGet: b.httpGet(c, field, p.HTTPGet),
	}
	if s := p.TCPSocket; s != nil {
		out.TCPSocket = &kube.TCPSocketAction{
			Port: kube.IntOrString{Number: s.Port}, Host: b.line(c, field+".tcpSocket.host", s.Host, probed),
		}
	}
	if p.GRPC != nil {
		out.GRPC = &kube.GRPCAction{Port: p.GRPC.Port, Service: b.line(c, field+".grpc.service", p.GRPC.Service, probed)}
	}
	return out
}

func (b *Builder) execAction(c *container, field string, e *lattice.Exec) *kube.ExecAction {
	if e == nil {
		return nil
	}
	return &kube.ExecAction{Command: b.commandLine(c, field+".exec.command", e.Command, probed)}
}

func (b *Builder) httpGet(c *container, field string, get *lattice.HTTPGet) *kube.HTTPGetAction {
	if get == nil {
		return nil
	}
	field += ".httpGet"
	out := &kube.HTTPGetAction{
		Path: b.line(c, field+".path", get.Path, probed), Port: kube.IntOrString{Number: get.Port}, Scheme: get.Scheme,
		Host: b.line(c, field+".host", get.Host, probed),
	}
	for i, h := range get.HTTPHeaders {
		out.HTTPHeaders = append(out.HTTPHeaders, kube.HTTPHeader{
			Name: h.Name, Value: b.line(c, field+".httpHeaders."+strconv.Itoa(i)+".value", h.Value, probed),
		})
	}
	return out
}

func (b *Builder) lifecycle(c *container) *kube.Lifecycle {
	if c.Lifecycle == nil || c.Lifecycle.PreStop == nil {
		return nil
	}
	stop, field := c.Lifecycle.PreStop, c.field+".lifecycle.preStop"
	out := &kube.LifecycleHandler{Exec: b.execAction(c, field, stop.Exec), HTTPGet: b.httpGet(c, field, stop.HTTPGet)}
	if stop.Sleep != nil {
		out.Sleep = &kube.SleepAction{Seconds: stop.Sleep.Seconds}
	}
	return &kube.Lifecycle{PreStop: out}
}
