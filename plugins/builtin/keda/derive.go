// Package keda derives the KEDA ScaledObject of a service that scales by metrics.
package keda

import (
	"strconv"

	"github.com/latticenet/lattice-host/abi/lattice"
	"github.com/latticenet/lattice-host/plugins/builtin/internal/naming"
	sdk "github.com/latticenet/lattice-host/plugins/sdk/go"
	"github.com/latticenet/lattice-host/plugins/sdk/go/kube"
)

// Where the platform's metrics store answers PromQL: the single server, and the clustered one.
const (
	singleServer  = "http://vmsingle-lattice-metrics.monitoring.svc:8428/prometheus"
	clusterServer = "http://vmselect-lattice-metrics.monitoring.svc:8481/select/0/prometheus"
)

// defaultMetrics is what a service scales by that names no metric.
func defaultMetrics() []lattice.Metric { return []lattice.Metric{{Metric: "cpu", Target: 80}} }

// Plugin returns the plugin.
func Plugin() *sdk.Plugin { return &sdk.Plugin{Derive: derive} }

func derive(req *sdk.Request, resp *sdk.Response) error {
	svc, err := req.ServiceOutline()
	if err != nil {
		return err
	}
	scaling := svc.Spec.Autoscaling
	if scaling == nil {
		return nil
	}
	name := svc.Metadata.Name
	object := kube.ScaledObject{
		Object: kube.NewObject("keda.sh/v1alpha1", "ScaledObject", naming.Meta(&svc.Metadata, name)),
		Spec: kube.ScaledObjectSpec{
			ScaleTargetRef:  kube.ScaleTarget{APIVersion: "apps/v1", Kind: "Deployment", Name: name},
			MinReplicaCount: minReplicas(svc),
			MaxReplicaCount: &scaling.Max,
		},
	}
	metrics := scaling.Metrics
	if len(metrics) == 0 {
		metrics = defaultMetrics()
	}
	for i := range metrics {
		object.Spec.Triggers = append(object.Spec.Triggers, trigger(req, resp, svc, i, &metrics[i]))
	}
	if !resp.Failed() {
		resp.Emit(&object)
	}
	return nil
}

func minReplicas(svc *lattice.LatticeService) *int64 {
	if svc.Spec.Replicas != nil {
		return svc.Spec.Replicas
	}
	one := int64(1)
	return &one
}

func trigger(req *sdk.Request, resp *sdk.Response, svc *lattice.LatticeService, i int, m *lattice.Metric) kube.ScaleTrigger {
	target := strconv.FormatFloat(m.Target, 'f', -1, 64)
	if m.Metric == "cpu" || m.Metric == "memory" {
		return kube.ScaleTrigger{
			Type: m.Metric, MetricType: "Utilization", Metadata: kube.Labels{{Key: "value", Value: target}},
		}
	}
	field := "spec.autoscaling.metrics." + strconv.Itoa(i) + ".metric"
	if !validMetricName(m.Metric) {
		// The name becomes part of a query, so nothing but a plain name may pass.
		resp.Error(field, "the metric name "+strconv.Quote(m.Metric)+
			" is not a Prometheus name; use letters, digits, underscores and colons, not beginning with a digit")
	}
	if !req.Platform.Monitoring.Enabled {
		resp.Error(field, "the custom metric "+strconv.Quote(m.Metric)+
			" needs monitoring, which is off on this platform; scale by cpu or memory, or enable monitoring in the settings")
	}
	server := singleServer
	if req.Platform.Monitoring.HighlyAvailable {
		server = clusterServer
	}
	query := "avg(" + m.Metric + `{namespace="` + svc.Metadata.Namespace + `",pod=~"` + svc.Metadata.Name + `-.*"})`
	return kube.ScaleTrigger{Type: "prometheus", Metadata: kube.Labels{
		{Key: "query", Value: query}, {Key: "serverAddress", Value: server}, {Key: "threshold", Value: target},
	}}
}

// validMetricName reports whether s matches [a-zA-Z_:][a-zA-Z0-9_:]*.
func validMetricName(s string) bool {
	for i := range len(s) {
		c := s[i]
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' || c == ':'
		if !letter && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return s != ""
}
