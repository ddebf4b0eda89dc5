package deployment

import (
	"strconv"
	"strings"

	"github.com/latticenet/lattice-host/abi/lattice"
	"github.com/latticenet/lattice-host/plugins/sdk/go/ascii"
	"github.com/latticenet/lattice-host/plugins/sdk/go/kube"
)

// applyGPU gives the first GPU resource to the first container. The scheduler shares GPUs by number, memory and cores.
func (d *derivation) applyGPU() {
	r := d.gpu()
	if r == nil || len(d.pod.Spec.Containers) == 0 {
		return
	}
	spec := &d.pod.Spec
	spec.SchedulerName = "volcano"
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
	if r.Tolerations == nil || *r.Tolerations {
		spec.Tolerations = append(spec.Tolerations, kube.Toleration{
			Key: "nvidia.com/gpu", Operator: "Exists", Effect: "NoSchedule",
		})
	}
	if r.Model != "" {
		spec.NodeSelector.Set("nvidia.com/gpu.product", product(r.Model))
	}
	// Frameworks pass tensors between processes through shared memory, of which a container has 64 MiB otherwise.
	d.addVolume("spec.workload.resources", kube.Volume{Name: "dshm", EmptyDir: &kube.EmptyDir{Medium: "Memory"}})
	c.VolumeMounts = append(c.VolumeMounts, kube.VolumeMount{Name: "dshm", MountPath: "/dev/shm"})
}

func (d *derivation) gpu() *lattice.ResourceParams {
	for i := range d.svc.Spec.Workload.Resources {
		r := &d.svc.Spec.Workload.Resources[i].Value
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
