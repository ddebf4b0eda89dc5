package resource

import (
	"strconv"

	"github.com/latticenet/lattice-host/abi/lattice"
)

// maxSetName is the longest name of a StatefulSet whose pods can run: a label of theirs has the
// name and a hash (kubernetes#64023).
const maxSetName = 52

// nodes checks what chooses nodes.
func (v *validator) nodes(r *lattice.Runtime) {
	v.labels(v.in.field("nodeSelector"), r.NodeSelector)
	for i := range r.Tolerations {
		t, field := &r.Tolerations[i], v.in.field("tolerations.")+strconv.Itoa(i)
		v.optional(field+".key", t.Key, isLabelKey, ruleLabelKey)
		v.optional(field+".value", t.Value, isLabelValue, ruleLabelValue)
		exists := t.Operator == "Exists"
		v.require(!exists || t.Value == "", field+".value", "does not go with the operator Exists, which takes every value; remove one of the two")
		v.require(exists || t.Key != "", field+".key", "is missing; name the taint, or set operator: Exists for every taint")
		v.require(t.TolerationSeconds == nil || t.Effect == "NoExecute", field+".tolerationSeconds", "needs effect: NoExecute; set it or remove this field")
	}
}

// statefulSet checks what a service may not have whose pods have names, or volumes, of their own.
func (v *validator) statefulSet(s *lattice.ServiceSpec) {
	why := perReplica(s)
	if why == "" {
		v.onePod(s)
		return
	}
	if metadata := v.root.Find("metadata"); metadata != nil && len(metadata.Value.TextOf("name")) > maxSetName {
		v.fail("metadata.name", "is longer than "+strconv.Itoa(maxSetName)+" characters, which is the most for a service with "+why+
			", because labels of its pods have the name and more; shorten it")
	}
	if d := s.Deploy; d != nil && (d.Strategy == strategyCanary || d.Strategy == strategyRecreate) {
		v.fail("spec.deploy.strategy", "must be rolling for a service with "+why+", whose pods are replaced one by one; remove one of the two")
	}
}

// perReplica says what makes a service a StatefulSet, or returns "".
func perReplica(s *lattice.ServiceSpec) string {
	if s.Workload == nil {
		return ""
	}
	for i := range s.Workload.Resources {
		if r := &s.Workload.Resources[i].Value; r.Type == typeVolume && r.Params != nil && isTrue(r.Params.PerReplica) {
			return "a volume for each replica"
		}
	}
	if p := s.Workload.Service; p != nil && p.StableNames {
		return "stable names"
	}
	return ""
}

// onePod checks that a volume that one pod mounts is not for several.
func (v *validator) onePod(s *lattice.ServiceSpec) {
	if s.Workload == nil || s.Autoscaling == nil && (s.Replicas == nil || *s.Replicas <= 1) {
		return
	}
	for i := range s.Workload.Resources {
		r := &s.Workload.Resources[i]
		if p := r.Value.Params; r.Value.Type == typeVolume && p != nil && p.Size != "" && p.AccessMode == accessModePod {
			v.fail(v.in.resources()+"."+r.Key+".params.accessMode", "one pod mounts such a volume, and the service has several; set perReplica: true for a volume for each, or run one replica")
		}
	}
}
