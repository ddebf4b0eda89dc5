package property

import (
	"maps"
	"slices"
	"testing"
)

// existing are the Secrets and ConfigMaps that the services name and others make.
func existing() []string {
	return []string{"Secret/database-login", "ConfigMap/conf", "Secret/own-cert"}
}

// made returns what the objects of a namespace make that pods can refer to, by KIND/NAME, each with
// its keys; nil where they are not known.
func (run objects) made() map[string][]string {
	all := map[string][]string{}
	for _, o := range run {
		switch o.ref.Kind {
		case "Secret", "ConfigMap":
			all[o.ref.Kind+"/"+o.ref.Name] = append(keysOf(at(o.content, "data")), keysOf(at(o.content, "binaryData"))...)
		case "PersistentVolumeClaim", "ServiceAccount":
			all[o.ref.Kind+"/"+o.ref.Name] = nil
		case "Certificate":
			name, _ := at(o.content, "spec", "secretName").(string)
			all["Secret/"+name] = []string{"tls.crt", "tls.key", "ca.crt"}
		case "ExternalSecret":
			name, _ := at(o.content, "spec", "target", "name").(string)
			// With a template, only its keys reach the Secret (external-secrets#2080).
			keys := keysOf(at(o.content, "spec", "target", "template", "data"))
			if len(keys) == 0 {
				data, _ := at(o.content, "spec", "data").([]any)
				for _, d := range data {
					key, _ := at(d, "secretKey").(string)
					keys = append(keys, key)
				}
			}
			all["Secret/"+name] = keys
		}
	}
	return all
}

func keysOf(value any) []string {
	o, _ := value.(Object)
	return slices.Sorted(maps.Keys(o))
}

// use is a reference of a pod to an object, and to a key of it; an empty key means all of it.
type use struct{ object, key string }

// uses returns what a pod template refers to.
func uses(pod any) []use {
	var all []use
	add := func(kind string, name, key any) {
		if n, ok := name.(string); ok {
			k, _ := key.(string)
			all = append(all, use{kind + "/" + n, k})
		}
	}
	spec := at(pod, "spec")
	add("ServiceAccount", at(spec, "serviceAccountName"), nil)
	for _, s := range list(at(spec, "imagePullSecrets")) {
		add("Secret", at(s, "name"), ".dockerconfigjson")
	}
	volumes := map[any]use{}
	for _, v := range list(at(spec, "volumes")) {
		add("PersistentVolumeClaim", at(v, "persistentVolumeClaim", "claimName"), nil)
		for kind, name := range map[string]any{"Secret": at(v, "secret", "secretName"), "ConfigMap": at(v, "configMap", "name")} {
			n, ok := name.(string)
			if !ok {
				continue
			}
			all = append(all, use{object: kind + "/" + n})
			items := append(list(at(v, "secret", "items")), list(at(v, "configMap", "items"))...)
			for _, item := range items {
				add(kind, name, at(item, "key"))
			}
			if len(items) == 0 {
				volumes[at(v, "name")] = use{object: kind + "/" + n}
			}
		}
	}
	for _, c := range append(list(at(spec, "containers")), list(at(spec, "initContainers"))...) {
		for _, e := range list(at(c, "env")) {
			add("Secret", at(e, "valueFrom", "secretKeyRef", "name"), at(e, "valueFrom", "secretKeyRef", "key"))
			add("ConfigMap", at(e, "valueFrom", "configMapKeyRef", "name"), at(e, "valueFrom", "configMapKeyRef", "key"))
		}
		for _, e := range list(at(c, "envFrom")) {
			add("Secret", at(e, "secretRef", "name"), nil)
			add("ConfigMap", at(e, "configMapRef", "name"), nil)
		}
		for _, m := range list(at(c, "volumeMounts")) {
			if v, ok := volumes[at(m, "name")]; ok && at(m, "subPath") != nil {
				v.key, _ = at(m, "subPath").(string)
				all = append(all, v)
			}
		}
	}
	return all
}

func list(value any) []any {
	items, _ := value.([]any)
	return items
}

// referencesLead proves that what pods refer to is made by an object of the run, with the key, or
// is something that the service says to exist.
func (run objects) referencesLead(t *testing.T) {
	spaces := run.byNamespace()
	made := map[string]map[string][]string{}
	for name, space := range spaces {
		made[name] = space.made()
	}
	keys := 0
	for _, o := range run {
		if podLabels(&o) == nil {
			continue
		}
		for _, u := range uses(at(o.content, "spec", "template")) {
			have, ok := made[o.ref.Namespace][u.object]
			switch {
			case slices.Contains(existing(), u.object):
			case !ok:
				t.Errorf("%s: %s refers to %s, which is not made", o.of, o.ref, u.object)
			case u.key != "" && !slices.Contains(have, u.key):
				t.Errorf("%s: %s refers to the key %s of %s, which has %v", o.of, o.ref, u.key, u.object, have)
			case u.key != "":
				keys++
			}
		}
	}
	if keys == 0 {
		t.Error("no pod refers to a key")
	}
}
