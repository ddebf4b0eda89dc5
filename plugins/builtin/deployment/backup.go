package deployment

import (
	"slices"
	"strconv"
	"strings"

	"github.com/latticenet/lattice-host/abi/cbor"
	"github.com/latticenet/lattice-host/abi/lattice"
	"github.com/latticenet/lattice-host/plugins/sdk/go/kube"
)

// applyBackup annotates the pods with what Velero does before and after a backup, and with which
// volumes it takes.
func (d *derivation) applyBackup() {
	b := d.svc.Spec.Backup
	if b == nil {
		return
	}
	if b.Schedule != "" || b.StoreRef != "" || b.Retention != nil {
		d.resp.Warn("spec.backup", "schedule, storeRef and retention are not part of any derived object; "+
			"the platform's backup controller has to read them from the LatticeService")
	}
	annotations := &d.pod.Metadata.Annotations
	if b.Hooks != nil {
		d.annotateHooks(annotations, "pre", b.Hooks.Pre)
		d.annotateHooks(annotations, "post", b.Hooks.Post)
	}
	if v := b.Volumes; v != nil {
		if v.DefaultPolicy == "opt-in" {
			d.annotateVolumes(annotations, "backup.velero.io/backup-volumes", "include", v.Include)
		} else {
			d.annotateVolumes(annotations, "backup.velero.io/backup-volumes-excludes", "exclude", v.Exclude)
		}
	}
}

func (d *derivation) annotateHooks(annotations *kube.Labels, phase string, hooks []lattice.BackupHook) {
	for i := range hooks {
		h := &hooks[i]
		field := "spec.backup.hooks." + phase + "." + strconv.Itoa(i) + ".container"
		if !slices.ContainsFunc(d.pod.Spec.Containers, func(c kube.Container) bool { return c.Name == h.Container }) {
			d.resp.Error(field, "the service has no container named "+h.Container+"; name one of its containers")
		}
		suffix := ""
		if len(hooks) > 1 {
			suffix = "-" + strconv.Itoa(i)
		}
		set := func(key, value string) {
			if value != "" {
				annotations.Set(phase+".hook.backup.velero.io/"+key+suffix, value)
			}
		}
		set("container", h.Container)
		command := make([]string, len(h.Command))
		for j, text := range h.Command {
			command[j] = d.pods.Line(strings.TrimSuffix(field, "container")+"command."+strconv.Itoa(j), text)
		}
		set("command", jsonArray(command))
		set("timeout", h.Timeout)
		set("on-error", h.OnError)
	}
}

func (d *derivation) annotateVolumes(annotations *kube.Labels, key, field string, names []string) {
	for i, name := range names {
		if !d.pods.HasVolume(name) {
			d.resp.Error("spec.backup.volumes."+field+"."+strconv.Itoa(i),
				"no container mounts a volume named "+name+"; name a volume resource that is mounted")
		}
	}
	if len(names) > 0 {
		annotations.Set(key, strings.Join(names, ","))
	}
}

// jsonArray writes a command as Velero reads it.
func jsonArray(command []string) string {
	b := []byte{'['}
	for i, s := range command {
		if i > 0 {
			b = append(b, ',')
		}
		b = cbor.AppendQuoted(b, s)
	}
	return string(append(b, ']'))
}
