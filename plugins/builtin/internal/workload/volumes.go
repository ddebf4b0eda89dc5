package workload

import (
	"slices"
	"strings"

	"github.com/latticenet/lattice-host/abi/lattice"
	"github.com/latticenet/lattice-host/plugins/builtin/internal/naming"
	"github.com/latticenet/lattice-host/plugins/sdk/go/ascii"
	"github.com/latticenet/lattice-host/plugins/sdk/go/kube"
)

// volumeSet holds the pod's volumes in the order of their first use.
type volumeSet []kube.Volume

// AddVolume adds a volume to the pods. A second one of its name is an error at field.
func (b *Builder) AddVolume(field string, v kube.Volume) {
	if b.HasVolume(v.Name) {
		b.resp.Error(field, "the pod already has a volume named "+v.Name+"; rename the volume resource of that name")
		return
	}
	b.volumes = append(b.volumes, v)
	b.pod.Spec.Volumes = b.volumes
}

// HasVolume reports whether the pods have a volume, be it one of each replica's own.
func (b *Builder) HasVolume(name string) bool {
	return slices.Contains(b.perReplica, name) || slices.ContainsFunc(b.volumes, func(v kube.Volume) bool { return v.Name == name })
}

// emptyDirName names the empty directory of a path. A path of lower-case letters, digits and
// slashes keeps its words; what else it may have is lost in a DNS label, so a hash makes up for it.
func emptyDirName(path string) string {
	label := naming.DNSLabel(path)
	plain := strings.IndexByte(path, '-') < 0 && label == ascii.Swap(strings.TrimPrefix(path, "/"), '/', '-')
	return naming.Label("emptydir-", label, path, plain)
}

// mounts mounts a container's volumes: volume resources, and empty directories where no source is
// named.
func (b *Builder) mounts(c *container, out *kube.Container) {
	for i := range c.Volumes {
		path, m := c.Volumes[i].Key, &c.Volumes[i].Value
		field := c.field + ".volumes." + path
		mount := kube.VolumeMount{MountPath: path, SubPath: m.Path, ReadOnly: m.ReadOnly}
		if m.Source == "" {
			mount.Name = emptyDirName(path)
			b.emptyDir(field, mount.Name, m)
		} else {
			mount.Name = b.resourceVolume(field, m.Source, &mount)
		}
		out.VolumeMounts = append(out.VolumeMounts, mount)
	}
}

// emptyDir adds an empty directory; containers that mount the same path share it.
func (b *Builder) emptyDir(field, name string, m *lattice.VolumeMount) {
	for i := range b.volumes {
		dir := b.volumes[i].EmptyDir
		if b.volumes[i].Name != name || dir == nil {
			continue
		}
		if dir.Medium != m.Medium || dir.SizeLimit != m.SizeLimit {
			b.resp.Error(field, "another container mounts this empty directory with another medium or sizeLimit; "+
				"make them equal or use another path")
		}
		return
	}
	b.AddVolume(field, kube.Volume{Name: name, EmptyDir: &kube.EmptyDir{Medium: m.Medium, SizeLimit: m.SizeLimit}})
}

// resourceVolume adds the volume of a resource once, however often it is mounted, and returns its
// name.
func (b *Builder) resourceVolume(field, source string, mount *kube.VolumeMount) string {
	name := strings.TrimSuffix(strings.TrimPrefix(source, "${resources."), "}")
	r := b.subject.Workload.Resources.Get(name)
	if e := existingOf(name, r); e != nil {
		mount.ReadOnly = true
		if !slices.ContainsFunc(b.volumes, func(v kube.Volume) bool { return v.Name == name && (v.Secret != nil || v.ConfigMap != nil) }) {
			b.AddVolume(field, e.volume(name, nil))
		}
		return name
	}
	if r == nil || r.Type != "volume" {
		b.resp.Error(field+".source", source+" names no volume resource of this document; declare it under resources")
		return ""
	}
	if naming.PerReplica(r) {
		if !slices.Contains(b.perReplica, name) {
			if b.HasVolume(name) {
				b.AddVolume(field, kube.Volume{Name: name})
			}
			b.perReplica = append(b.perReplica, name)
		}
		return name
	}
	if isScratch(r) {
		b.scratch(field, name, r)
		return name
	}
	claim := b.claimName(name, r)
	for i := range b.volumes {
		if pvc := b.volumes[i].PersistentVolumeClaim; pvc != nil && b.volumes[i].Name == name {
			return name
		}
	}
	b.AddVolume(field, kube.Volume{Name: name, PersistentVolumeClaim: &kube.ClaimVolume{ClaimName: claim}})
	return name
}

func isScratch(r *lattice.Resource) bool {
	return r.Type == "volume" && r.Params != nil && r.Params.Scratch != nil && *r.Params.Scratch
}

// scratch adds the empty directory of a scratch volume once, however often it is mounted.
func (b *Builder) scratch(field, name string, r *lattice.Resource) {
	for i := range b.volumes {
		if b.volumes[i].Name == name && b.volumes[i].EmptyDir != nil {
			return
		}
	}
	b.AddVolume(field, kube.Volume{Name: name, EmptyDir: &kube.EmptyDir{Medium: r.Params.Medium, SizeLimit: r.Params.SizeLimit}})
}

// applySharedVolumes labels the pods that own shared volumes, and places those that use another
// service's volume on the owner's node, because most volumes can be mounted on one node only.
func (b *Builder) applySharedVolumes() {
	var terms []kube.PodAffinityTerm
	for i := range b.subject.Workload.Resources {
		r := &b.subject.Workload.Resources[i].Value
		if r.Type != "volume" || r.ID == "" {
			continue
		}
		label := lattice.LabelVolumePrefix + r.ID
		if ownsVolume(r) {
			b.pod.Metadata.Labels.Set(label, "true")
			continue
		}
		if slices.Contains(b.subject.Claimed, r.ID) || b.otherOwner(r.ID) {
			terms = append(terms, kube.PodAffinityTerm{
				LabelSelector: kube.LabelSelector{MatchLabels: kube.Labels{{Key: label, Value: "true"}}},
				TopologyKey:   "kubernetes.io/hostname",
			})
		}
	}
	if len(terms) > 0 {
		b.pod.Spec.Affinity = &kube.Affinity{PodAffinity: &kube.PodAffinity{Required: terms}}
	}
}

// OneNodeVolume returns the name of a volume resource that the pods mount, that the workload owns,
// and that can be mounted on one node at a time; otherwise "".
func (b *Builder) OneNodeVolume() string {
	for i := range b.volumes {
		if b.volumes[i].PersistentVolumeClaim == nil {
			continue
		}
		r := b.subject.Workload.Resources.Get(b.volumes[i].Name)
		if r != nil && ownsVolume(r) && (r.Params.AccessMode == "" || strings.HasPrefix(r.Params.AccessMode, "ReadWriteOnce")) {
			return b.volumes[i].Name
		}
	}
	return ""
}

func ownsVolume(r *lattice.Resource) bool {
	return r.Type == "volume" && r.Params != nil && r.Params.Size != ""
}

// otherOwner reports whether a peer in the namespace owns the volume.
func (b *Builder) otherOwner(id string) bool {
	services, _ := b.req.Answer(requireOwner(id))
	jobs, _ := b.req.Answer(requireOwnerJob(id))
	return len(services)+len(jobs) > 0
}

// emitClaims emits a claim for every volume that the workload owns: those that state a size.
func (b *Builder) emitClaims() {
	for i := range b.subject.Workload.Resources {
		r := &b.subject.Workload.Resources[i]
		if !ownsVolume(&r.Value) || naming.PerReplica(&r.Value) || r.Value.ID != "" && slices.Contains(b.subject.Claimed, r.Value.ID) {
			continue
		}
		b.resp.Emit(&kube.PersistentVolumeClaim{
			Object: kube.NewObject("v1", "PersistentVolumeClaim", b.meta(b.claimName(r.Key, &r.Value))), Spec: claimSpec(r.Value.Params),
		})
	}
}

// ClaimTemplates returns the claims that each replica has one of. Nothing in them can change while
// the set exists, and the controller labels what it makes of them, so that they have no labels
// here.
func (b *Builder) ClaimTemplates() []kube.PersistentVolumeClaim {
	var templates []kube.PersistentVolumeClaim
	for i := range b.subject.Workload.Resources {
		r := &b.subject.Workload.Resources[i]
		if naming.PerReplica(&r.Value) && ownsVolume(&r.Value) {
			templates = append(templates, kube.PersistentVolumeClaim{
				Object: kube.NewObject("v1", "PersistentVolumeClaim", kube.ObjectMeta{Name: r.Key}), Spec: claimSpec(r.Value.Params),
			})
		}
	}
	return templates
}

func claimSpec(p *lattice.ResourceParams) kube.PersistentVolumeClaimSpec {
	mode := p.AccessMode
	if mode == "" {
		mode = "ReadWriteOnce"
	}
	return kube.PersistentVolumeClaimSpec{
		AccessModes:      []string{mode},
		Resources:        kube.VolumeResources{Requests: kube.Labels{{Key: "storage", Value: p.Size}}},
		StorageClassName: p.StorageClass,
	}
}

// claimName returns the name of a volume's claim. A volume with an id is known by it to other
// services too.
func (b *Builder) claimName(resource string, r *lattice.Resource) string {
	if r.ID != "" {
		return "vol-" + r.ID
	}
	return b.subject.Name + "-" + resource
}
