package deployment

import (
	"slices"
	"strings"

	"github.com/latticenet/lattice-host/abi/lattice"
	"github.com/latticenet/lattice-host/plugins/builtin/internal/naming"
	sdk "github.com/latticenet/lattice-host/plugins/sdk/go"
	"github.com/latticenet/lattice-host/plugins/sdk/go/kube"
)

// volumeSet holds the pod's volumes in the order of their first use.
type volumeSet []kube.Volume

// addVolume adds a volume that no other field of the document may use the name of.
func (d *derivation) addVolume(field string, v kube.Volume) {
	if slices.ContainsFunc(d.volumes, func(o kube.Volume) bool { return o.Name == v.Name }) {
		d.resp.Error(field, "the pod already has a volume named "+v.Name+"; rename the volume resource of that name")
		return
	}
	d.volumes = append(d.volumes, v)
}

// volumeName keeps a name within the 63 characters of a DNS label.
func volumeName(name string) string {
	if len(name) <= 63 {
		return name
	}
	return naming.Derived(naming.DNSLabel(name[:54])+"-", name)
}

// mounts mounts a container's volumes: volume resources, and empty directories where no source is named.
func (d *derivation) mounts(c *container, out *kube.Container) {
	for i := range c.Volumes {
		path, m := c.Volumes[i].Key, &c.Volumes[i].Value
		field := c.field + ".volumes." + path
		mount := kube.VolumeMount{MountPath: path, SubPath: m.Path, ReadOnly: m.ReadOnly}
		if m.Source == "" {
			mount.Name = volumeName("emptydir-" + naming.DNSLabel(path))
			d.emptyDir(field, mount.Name, m)
		} else {
			mount.Name = d.resourceVolume(field, m.Source)
		}
		out.VolumeMounts = append(out.VolumeMounts, mount)
	}
}

// emptyDir adds an empty directory; containers that mount the same path share it.
func (d *derivation) emptyDir(field, name string, m *lattice.VolumeMount) {
	for i := range d.volumes {
		dir := d.volumes[i].EmptyDir
		if d.volumes[i].Name != name || dir == nil {
			continue
		}
		if dir.Medium != m.Medium || dir.SizeLimit != m.SizeLimit {
			d.resp.Error(field, "another container mounts this empty directory with another medium or sizeLimit; "+
				"make them equal or use another path")
		}
		return
	}
	d.addVolume(field, kube.Volume{Name: name, EmptyDir: &kube.EmptyDir{Medium: m.Medium, SizeLimit: m.SizeLimit}})
}

// resourceVolume adds the volume of a resource once, however often it is mounted, and returns its name.
func (d *derivation) resourceVolume(field, source string) string {
	name := strings.TrimSuffix(strings.TrimPrefix(source, "${resources."), "}")
	r := d.svc.Spec.Workload.Resources.Get(name)
	if r == nil || r.Type != "volume" {
		d.resp.Error(field+".source", source+" names no volume resource of this document; declare it under resources")
		return ""
	}
	claim := d.claimName(name, r)
	for i := range d.volumes {
		if pvc := d.volumes[i].PersistentVolumeClaim; pvc != nil && d.volumes[i].Name == name {
			return name
		}
	}
	d.addVolume(field, kube.Volume{Name: name, PersistentVolumeClaim: &kube.ClaimVolume{ClaimName: claim}})
	return name
}

// applySharedVolumes labels the pods that own shared volumes, and places those that use another service's volume on the
// owner's node, because most volumes can be mounted on one node only.
func (d *derivation) applySharedVolumes() {
	var terms []kube.PodAffinityTerm
	for i := range d.svc.Spec.Workload.Resources {
		r := &d.svc.Spec.Workload.Resources[i].Value
		if r.Type != "volume" || r.ID == "" {
			continue
		}
		label := naming.LabelVolumePrefix + r.ID
		if ownsVolume(r) {
			d.pod.Metadata.Labels.Set(label, "true")
			continue
		}
		if d.otherOwner(r.ID) {
			terms = append(terms, kube.PodAffinityTerm{
				LabelSelector: kube.LabelSelector{MatchLabels: kube.Labels{{Key: label, Value: "true"}}},
				TopologyKey:   "kubernetes.io/hostname",
			})
		}
	}
	if len(terms) > 0 {
		d.pod.Spec.Affinity = &kube.Affinity{PodAffinity: &kube.PodAffinity{Required: terms}}
	}
}

func ownsVolume(r *lattice.Resource) bool {
	return r.Type == "volume" && r.Params != nil && r.Params.Size != ""
}

// otherOwner reports whether a peer in the namespace owns the volume.
func (d *derivation) otherOwner(id string) bool {
	peers, _ := d.req.Answer(requireNamespace)
	for _, raw := range peers {
		peer, err := sdk.DecodeService(raw)
		if err != nil || peer.Metadata.Name == d.name {
			continue
		}
		for i := range peer.Spec.Workload.Resources {
			if r := &peer.Spec.Workload.Resources[i].Value; r.ID == id && ownsVolume(r) {
				return true
			}
		}
	}
	return false
}
