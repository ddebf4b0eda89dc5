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

// maxName is the length of the longest name that KEDA scales: it calls the autoscaler
// keda-hpa-NAME, and refuses more than 63 characters.
const maxName = 63 - len("keda-hpa-")

// derivation is the work on one service.
type derivation struct {
	req  *sdk.Request
	resp *sdk.Response
	svc  *lattice.LatticeService
}

func derive(req *sdk.Request, resp *sdk.Response) error {
	svc, err := req.ServiceOutline()
	if err != nil {
		return err
	}
	if svc.Spec.Autoscaling == nil {
		return nil
	}
	d := &derivation{req, resp, svc}
	object := d.scaledObject()
	if !resp.Failed() {
		resp.Emit(object)
	}
	return nil
}

func (d *derivation) scaledObject() *kube.ScaledObject {
	scaling, name := d.svc.Spec.Autoscaling, d.svc.Metadata.Name
	if len(name) > maxName {
		d.resp.Error("metadata.name", "the name has "+strconv.Itoa(len(name))+" characters; KEDA scales nothing whose name has more than "+
			strconv.Itoa(maxName)+"; use a shorter one, or leave autoscaling out")
	}
	object := &kube.ScaledObject{
		Object: kube.NewObject("keda.sh/v1alpha1", "ScaledObject", naming.Meta(&d.svc.Metadata, name)),
		Spec: kube.ScaledObjectSpec{
			ScaleTargetRef:  kube.ScaleTarget{APIVersion: "apps/v1", Kind: naming.WorkloadKind(&d.svc.Spec), Name: name},
			MinReplicaCount: minReplicas(d.svc),
			MaxReplicaCount: &scaling.Max,
		},
	}
	metrics := scaling.Metrics
	if len(metrics) == 0 {
		metrics = defaultMetrics()
	}
	for i := range metrics {
		object.Spec.Triggers = append(object.Spec.Triggers, d.trigger(i, &metrics[i]))
	}
	d.checkZero(metrics)
	return object
}

func minReplicas(svc *lattice.LatticeService) *int64 {
	if svc.Spec.Replicas != nil {
		return svc.Spec.Replicas
	}
	one := int64(1)
	return &one
}

// ofResource reports whether a metric is one of the two that the autoscaler measures itself, in
// percent of what is requested.
func ofResource(m *lattice.Metric) bool { return m.Metric == "cpu" || m.Metric == "memory" }

// checkZero refuses a service without pods that nothing would ever start: KEDA's webhook refuses
// one that scales by cpu or memory only. A metric of the service's own pods has no value without
// pods either, but somebody else may write it.
func (d *derivation) checkZero(metrics []lattice.Metric) {
	if *minReplicas(d.svc) > 0 {
		return
	}
	for i := range metrics {
		if !ofResource(&metrics[i]) {
			d.resp.Warn("spec.replicas", "with no pod, the metric "+strconv.Quote(metrics[i].Metric)+
				" has a value only if something else writes it for this service's pods; KEDA starts none before")
			return
		}
	}
	d.resp.Error("spec.replicas", "is 0, but pods that do not run use neither cpu nor memory, so KEDA refuses to scale from zero by them; "+
		"write at least 1, or scale by a metric of the service")
}

func (d *derivation) trigger(i int, m *lattice.Metric) kube.ScaleTrigger {
	target := strconv.FormatFloat(m.Target, 'f', -1, 64)
	field := "spec.autoscaling.metrics." + strconv.Itoa(i)
	if ofResource(m) {
		if m.Target != float64(int64(m.Target)) {
			d.resp.Error(field+".target", "is "+target+", but KEDA takes "+m.Metric+" in whole percent of what is requested; write a whole number from 1 to 100")
		}
		return kube.ScaleTrigger{
			Type: m.Metric, MetricType: "Utilization", Metadata: kube.Labels{{Key: "value", Value: target}},
		}
	}
	if !validMetricName(m.Metric) {
		// The name becomes part of a query, so nothing but a plain name may pass.
		d.resp.Error(field+".metric", "the metric name "+strconv.Quote(m.Metric)+
			" is not a Prometheus name; use letters, digits, underscores and colons, not beginning with a digit")
	}
	if !d.req.Platform.Monitoring.Enabled {
		d.resp.Error(field+".metric", "the custom metric "+strconv.Quote(m.Metric)+
			" needs monitoring, which is off on this platform; scale by cpu or memory, or enable monitoring of the platform")
	}
	server := singleServer
	if d.req.Platform.Monitoring.HighlyAvailable {
		server = clusterServer
	}
	query := "avg(" + m.Metric + `{namespace="` + d.svc.Metadata.Namespace + `",pod=~"` + d.podNames() + `"})`
	// The query is an average over the pods already. KEDA's default, AverageValue, would divide it
	// by their number again.
	return kube.ScaleTrigger{Type: "prometheus", MetricType: "Value", Metadata: kube.Labels{
		{Key: "query", Value: query}, {Key: "serverAddress", Value: server}, {Key: "threshold", Value: target},
	}}
}

// The generated parts of a pod's name: Kubernetes writes a hash of the template with up to 10 of
// these characters, and 5 of them at random (k8s.io/apimachinery/pkg/util/rand).
const generated = "[bcdfghjklmnpqrstvwxz2456789]"

// maxUncut is the length of the longest name of a Deployment that leaves room for the hash and its
// dash in the 58 characters that come before the random part (k8s.io/apiserver/pkg/storage/names).
const maxUncut = 58 - len("-") - 10 - len("-")

// podNames returns a regular expression that matches the names of the service's pods and of no
// other.
func (d *derivation) podNames() string {
	if naming.WorkloadKind(&d.svc.Spec) == naming.KindStatefulSet {
		return d.svc.Metadata.Name + "-[0-9]+"
	}
	return podPattern(d.svc.Metadata.Name)
}

// podPattern returns a regular expression that matches the names of the pods of a Deployment and of
// no other: orders-.* would match those of orders-worker, too. Prometheus anchors it at both ends.
// Names of services need no escape.
func podPattern(name string) string {
	dash := "-"
	if len(name) > maxUncut {
		dash = "-?"
	}
	return name + "-" + generated + "{1,10}" + dash + generated + "{5}"
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
