package workload

import (
	"strings"

	"github.com/latticenet/lattice-host/abi/lattice"
	"github.com/latticenet/lattice-host/plugins/builtin/internal/naming"
	"github.com/latticenet/lattice-host/plugins/sdk/go/kube"
	"github.com/latticenet/lattice-host/plugins/sdk/go/template"
)

// existing is a Secret or ConfigMap of the namespace that somebody else makes. Gates ask whether a
// Secret may be read.
type existing struct {
	// name is the object's, resource that of the resource.
	name, resource string
	secret         bool
}

// existingOf returns the object of a resource, or nil for other resources.
func existingOf(name string, r *lattice.Resource) *existing {
	if r == nil || r.Type != "existing-secret" && r.Type != "existing-configmap" {
		return nil
	}
	e := &existing{name: r.ID, resource: name, secret: r.Type == "existing-secret"}
	if e.name == "" {
		e.name = name
	}
	return e
}

// volume returns a volume of the object: all of its keys, or those of items.
func (e *existing) volume(name string, items []kube.KeyToPath) kube.Volume {
	if e.secret {
		return kube.Volume{Name: name, Secret: &kube.SecretVolume{SecretName: e.name, Items: items}}
	}
	return kube.Volume{Name: name, ConfigMap: &kube.ConfigMapVolume{Name: e.name, Items: items}}
}

// key is the source of a variable with one key.
func (e *existing) key(key string) *kube.EnvVarSource {
	selector := &kube.KeySelector{Name: e.name, Key: key}
	if e.secret {
		return &kube.EnvVarSource{SecretKeyRef: selector}
	}
	return &kube.EnvVarSource{ConfigMapKeyRef: selector}
}

// existingReference returns the object and the key that a reference names, or nil.
func (b *Builder) existingReference(reference string) (object *existing, key string) {
	alias, key := template.Resource(reference)
	if alias == "" {
		return nil, ""
	}
	name, r := b.resource(alias)
	return existingOf(name, r), key
}

// existingEnv takes the variables of a container from whole objects. They come before its own,
// which win.
func (b *Builder) existingEnv(c *container, out *kube.Container) {
	for _, name := range c.EnvFrom {
		r := b.subject.Workload.Resources.Get(name)
		if r != nil && r.Type == typeSecret {
			// Another step makes the Secret; the order of the sources is that of the document.
			out.EnvFrom = append(out.EnvFrom, kube.EnvFromSource{SecretRef: &kube.LocalReference{Name: b.secretName(name)}})
			continue
		}
		e := existingOf(name, r)
		if e == nil {
			continue
		}
		ref := &kube.LocalReference{Name: e.name}
		if e.secret {
			out.EnvFrom = append(out.EnvFrom, kube.EnvFromSource{SecretRef: ref})
		} else {
			out.EnvFrom = append(out.EnvFrom, kube.EnvFromSource{ConfigMapRef: ref})
		}
	}
}

// existingFile mounts one key as a file.
func (b *Builder) existingFile(c *container, field, path string, f *lattice.File, out *kube.Container) {
	reference := strings.TrimSuffix(strings.TrimPrefix(f.Source, "${"), "}")
	e, key := b.existingReference(reference)
	if e == nil || key == "" {
		b.resp.Error(field+".source", f.Source+" names no key of an existing Secret or ConfigMap of this document; "+
			"write ${resources.NAME.KEY}, with a resource of type existing-secret or existing-configmap")
		return
	}
	name := naming.Label("file-", naming.DNSLabel(path), c.name+":"+path, false)
	var file fileSet
	file.list(key, f)
	b.AddVolume(field, e.volume(name, file.items))
	out.VolumeMounts = append(out.VolumeMounts, kube.VolumeMount{Name: name, MountPath: path, SubPath: key, ReadOnly: true})
}
