package workload

import (
	"slices"
	"strconv"
	"strings"

	"github.com/latticenet/lattice-host/abi/lattice"
	"github.com/latticenet/lattice-host/plugins/sdk/go/ascii"
	"github.com/latticenet/lattice-host/plugins/sdk/go/kube"
)

// Volcano is the name of the scheduler that knows shares of GPUs and the topology of the network.
const Volcano = "volcano"

// NetworkTopology returns how far apart in the network pods may run, as Volcano writes it.
func NetworkTopology(t *lattice.Topology) *kube.NetworkTopology {
	return &kube.NetworkTopology{Mode: ascii.Lower(t.Mode), HighestTierAllowed: t.MaxTier}
}

// sharedMemory is where POSIX shared memory is mounted. A volume that the document mounts there is
// used as it is.
const sharedMemory = "/dev/shm"

// applyGPU gives the first GPU resource to the first container. The scheduler shares GPUs by
// number, memory and cores.
func (b *Builder) applyGPU() {
	r := b.gpu()
	if r == nil || len(b.pod.Spec.Containers) == 0 {
		return
	}
	spec := &b.pod.Spec
	spec.SchedulerName = Volcano
	spec.RuntimeClassName = "nvidia"
	c := &spec.Containers[0]
	if c.Resources == nil {
		c.Resources = &kube.ResourceRequirements{}
	}
	limits := &c.Resources.Limits
	limits.Set("volcano.sh/vgpu-number", strconv.FormatInt(*r.Count, 10))
	if r.Memory != "" {
		limits.Set("volcano.sh/vgpu-memory", strconv.FormatInt(mebibytes(r.Memory), 10))
	}
	if r.Compute != nil {
		limits.Set("volcano.sh/vgpu-cores", strconv.FormatInt(*r.Compute, 10))
	}
	const taint = "nvidia.com/gpu"
	own := slices.ContainsFunc(spec.Tolerations, func(t kube.Toleration) bool {
		return t.Key == taint && t.Operator == "Exists" && t.Effect == "NoSchedule"
	})
	if !own && (r.Tolerations == nil || *r.Tolerations) {
		spec.Tolerations = append(spec.Tolerations, kube.Toleration{
			Key: taint, Operator: "Exists", Effect: "NoSchedule",
		})
	}
	if r.Model != "" {
		const label = "nvidia.com/gpu.product"
		if other := spec.NodeSelector.Get(label); other != nil && *other != product(r.Model) {
			b.resp.Error(b.subject.Field+".nodeSelector."+label, "is "+product(r.Model)+" for the model "+r.Model+" of the GPU resource; remove one of the two")
		}
		spec.NodeSelector.Set(label, product(r.Model))
	}
	if slices.ContainsFunc(c.VolumeMounts, func(m kube.VolumeMount) bool { return strings.TrimSuffix(m.MountPath, "/") == sharedMemory }) {
		return
	}
	// Frameworks pass tensors between processes through shared memory, of which a container has 64
	// MiB otherwise.
	b.AddVolume(b.subject.Field+".workload.resources", kube.Volume{Name: "dshm", EmptyDir: &kube.EmptyDir{Medium: "Memory"}})
	c.VolumeMounts = append(c.VolumeMounts, kube.VolumeMount{Name: "dshm", MountPath: sharedMemory})
}

func (b *Builder) gpu() *lattice.ResourceParams { return GPU(b.subject.Workload) }

// GPU returns what a workload says of the GPUs of each of its pods, or nil.
func GPU(w *lattice.Workload) *lattice.ResourceParams {
	for i := range w.Resources {
		r := &w.Resources[i].Value
		if r.Type == "gpu" && r.Params != nil && r.Params.Count != nil {
			return r.Params
		}
	}
	return nil
}

// mebibytes reads 20Gi, 512Mi or a number of MiB.
func mebibytes(s string) int64 {
	factor := int64(1)
	if number, ok := strings.CutSuffix(s, "Gi"); ok {
		s, factor = number, 1024
	} else if number, ok := strings.CutSuffix(s, "Mi"); ok {
		s = number
	}
	// Validated before.
	n, _ := ascii.ParseInt(s, 10)
	return n * factor
}

// product returns the label that NVIDIA's device discovery gives a model.
func product(model string) string {
	switch model {
	case "H100", "H100SXM":
		return "NVIDIA-H100-80GB-HBM3"
	case "H100PCIE":
		return "NVIDIA-H100-PCIe"
	case "A100", "A100-80G":
		return "NVIDIA-A100-SXM4-80GB"
	case "A100-40G":
		return "NVIDIA-A100-SXM4-40GB"
	case "A10G", "L40S", "L40", "L4":
		return "NVIDIA-" + model
	case "T4":
		return "NVIDIA-Tesla-T4"
	case "V100":
		return "NVIDIA-Tesla-V100-SXM2-16GB"
	}
	return model
}
