// Package observability derives what has the platform's monitoring scrape a service.
package observability

import (
	"strconv"

	"github.com/latticenet/lattice-host/abi/lattice"
	"github.com/latticenet/lattice-host/plugins/builtin/internal/mesh"
	"github.com/latticenet/lattice-host/plugins/builtin/internal/naming"
	sdk "github.com/latticenet/lattice-host/plugins/sdk/go"
	"github.com/latticenet/lattice-host/plugins/sdk/go/kube"
)

// Where and how often metrics are read.
const (
	metricsPath = "/metrics"
	interval    = "30s"
)

// fieldMetrics is what a service says of its metrics.
const fieldMetrics = "spec.observability.metrics"

// Plugin returns the plugin.
func Plugin() *sdk.Plugin { return &sdk.Plugin{Derive: derive} }

func derive(req *sdk.Request, resp *sdk.Response) error {
	svc, err := req.ServiceOutline()
	if err != nil {
		return err
	}
	port := choosePort(resp, svc)
	if port == "" || resp.Failed() {
		return nil
	}
	if !req.Platform.Monitoring.Enabled {
		if metrics(svc) != nil {
			resp.Warn(fieldMetrics, "nothing reads the metrics: monitoring is off on this platform")
		}
		return nil
	}
	if port != mesh.MetricsPort {
		resp.Warn(fieldMetrics+".port", "the mesh lets monitoring call ports named "+mesh.MetricsPort+" only; name the port "+
			strconv.Quote(port)+" so, or let monitoring/vmagent call the service")
	}
	resp.Emit(scrape(svc, port))
	return nil
}

func metrics(svc *lattice.LatticeService) *lattice.Metrics {
	if svc.Spec.Observability == nil {
		return nil
	}
	return svc.Spec.Observability.Metrics
}

// choosePort returns the name of the port that serves metrics, or "" when none does: the one that
// the service names, else one called metrics. Mappings of metrics that no one can read are an
// error.
func choosePort(resp *sdk.Response, svc *lattice.LatticeService) string {
	m := metrics(svc)
	if m != nil && m.Port != "" {
		if !hasPort(svc, m.Port) {
			resp.Error(fieldMetrics+".port", "the service has no TCP port "+strconv.Quote(m.Port)+"; name one of spec.workload.service.ports")
		}
		return m.Port
	}
	if hasPort(svc, mesh.MetricsPort) {
		return mesh.MetricsPort
	}
	if m != nil && len(m.Mappings) > 0 {
		resp.Error(fieldMetrics+".mappings", "nothing serves the metrics that are mapped; write their port under "+fieldMetrics+
			".port, or call a port of the service "+mesh.MetricsPort)
	}
	return ""
}

func hasPort(svc *lattice.LatticeService, name string) bool {
	if svc.Spec.Workload == nil || svc.Spec.Workload.Service == nil {
		return false
	}
	port := svc.Spec.Workload.Service.Ports.Get(name)
	// Metrics are read by HTTP.
	return port != nil && (port.Protocol == "" || port.Protocol == "TCP")
}

func scrape(svc *lattice.LatticeService, port string) *kube.VMServiceScrape {
	name := svc.Metadata.Name
	return &kube.VMServiceScrape{
		Object: kube.NewObject("operator.victoriametrics.com/v1beta1", "VMServiceScrape", naming.Meta(&svc.Metadata, name+"-scrape")),
		Spec: kube.VMServiceScrapeSpec{
			Selector:  kube.LabelSelector{MatchLabels: naming.Selector(name)},
			Endpoints: []kube.ScrapeEndpoint{{Port: port, Path: metricsPath, Interval: interval}},
		},
	}
}
