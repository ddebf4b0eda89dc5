package deployment

import (
	"strings"

	"github.com/latticenet/lattice-host/plugins/builtin/internal/naming"
	"github.com/latticenet/lattice-host/plugins/builtin/internal/template"
	sdk "github.com/latticenet/lattice-host/plugins/sdk/go"
	"github.com/latticenet/lattice-host/plugins/sdk/go/kube"
)

// configObjects are the ConfigMaps and Secrets of all containers.
type configObjects struct {
	env, files             []kube.ConfigMap
	envSecret, secretFiles []kube.Secret
}

func (o *configObjects) emit(resp *sdk.Response) {
	for i := range o.env {
		resp.Emit(&o.env[i])
	}
	for i := range o.envSecret {
		resp.Emit(&o.envSecret[i])
	}
	for i := range o.files {
		resp.Emit(&o.files[i])
	}
	for i := range o.secretFiles {
		resp.Emit(&o.secretFiles[i])
	}
}

// hash covers all that the pods read at start, so that a change of it rolls them.
func (o *configObjects) hash() string {
	var text strings.Builder
	add := func(prefix string, data kube.Labels) {
		for _, e := range data {
			text.WriteString(prefix + e.Key + "=" + e.Value + "\n")
		}
	}
	for i := range o.env {
		add("", o.env[i].Data)
	}
	for i := range o.envSecret {
		add("", o.envSecret[i].StringData)
	}
	for i := range o.files {
		add("file:", o.files[i].Data)
	}
	for i := range o.secretFiles {
		add("file:", o.secretFiles[i].Data)
		add("file:", o.secretFiles[i].StringData)
	}
	return naming.Hash(text.String())
}

// environment turns a container's variables into a ConfigMap, and those that carry a password into a Secret. Variables
// with a reference to a secret resource belong to another step.
func (d *derivation) environment(c *container, out *kube.Container) {
	var plain, sensitive kube.Labels
	for i := range c.Variables {
		e := &c.Variables[i]
		if d.refersToSecret(e.Value, template.Plain) {
			continue
		}
		value, secret := d.render(c.field+".variables."+e.Key, e.Value, template.Plain)
		if secret {
			d.warnPlainPassword(c.field + ".variables." + e.Key)
			sensitive.Set(e.Key, value)
		} else {
			plain.Set(e.Key, value)
		}
	}
	base := d.name + "-" + c.name + "-env"
	if len(plain) > 0 {
		d.configs.env = append(d.configs.env, kube.ConfigMap{
			Object: kube.NewObject("v1", "ConfigMap", d.meta(base)), Data: plain,
		})
		out.EnvFrom = append(out.EnvFrom, kube.EnvFromSource{ConfigMapRef: &kube.LocalReference{Name: base}})
	}
	if len(sensitive) > 0 {
		name := base + "-secret"
		d.configs.envSecret = append(d.configs.envSecret, kube.Secret{
			Object: kube.NewObject("v1", "Secret", d.meta(name)), StringData: sensitive,
		})
		out.EnvFrom = append(out.EnvFrom, kube.EnvFromSource{SecretRef: &kube.LocalReference{Name: name}})
	}
}

func (d *derivation) warnPlainPassword(field string) {
	d.resp.Warn(field, "the value carries a password that stands in the document in plain text; "+
		"declare a secret resource to keep it out")
}
