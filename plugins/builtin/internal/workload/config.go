package workload

import (
	"strings"

	"github.com/latticenet/lattice-host/plugins/builtin/internal/naming"
	sdk "github.com/latticenet/lattice-host/plugins/sdk/go"
	"github.com/latticenet/lattice-host/plugins/sdk/go/ascii"
	"github.com/latticenet/lattice-host/plugins/sdk/go/kube"
	"github.com/latticenet/lattice-host/plugins/sdk/go/template"
)

// configObjects are the ConfigMaps and Secrets of all containers.
type configObjects struct {
	env, files             []kube.ConfigMap
	envSecret, secretFiles []kube.Secret
	// hashed is the text that the hash covers, in four parts by the kind of object.
	hashed [4]strings.Builder
}

// The parts of the hashed text, in their order.
const (
	hashedEnv = iota
	hashedEnvSecret
	hashedFiles
	hashedSecretFiles
)

// enter adds what one object gives a container to the text that the hash covers. It is injective:
// keys have neither an equals sign nor a slash nor a colon, line breaks in values are escaped, and
// every container but the first is named.
func (o *configObjects) enter(part int, c *container, data kube.Labels) {
	prefix := ""
	if !c.first {
		prefix = c.name + "/"
	}
	if part == hashedFiles || part == hashedSecretFiles {
		prefix = "file:" + prefix
	}
	text := &o.hashed[part]
	for _, e := range data {
		text.WriteString(prefix + e.Key + "=" + escaped(e.Value) + "\n")
	}
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

// escaped returns a value on one line; a value without backslashes and line breaks stays as it is.
func escaped(s string) string {
	if ascii.IndexAny(s, "\\\n") < 0 {
		return s
	}
	b := make([]byte, 0, len(s)+8)
	for i := range len(s) {
		switch s[i] {
		case '\\':
			b = append(b, '\\', '\\')
		case '\n':
			b = append(b, '\\', 'n')
		default:
			b = append(b, s[i])
		}
	}
	return string(b)
}

// hash covers all that the pods read at start, so that a change of it rolls them.
func (o *configObjects) hash() string {
	var text strings.Builder
	for i := range o.hashed {
		text.WriteString(o.hashed[i].String())
	}
	return naming.Hash(text.String())
}

// environment turns a container's variables into a ConfigMap, and those that carry a password into
// a Secret. Variables with a reference to a secret resource belong to another step.
func (b *Builder) environment(c *container, out *kube.Container) {
	var plain, sensitive kube.Labels
	for i := range c.Variables {
		e := &c.Variables[i]
		if b.refersToRunning(e.Value) {
			field := c.field + ".variables." + e.Key
			if b.refersToSecret(e.Value, template.Plain) {
				b.resp.Error(field, "a secret of a store cannot be in one variable with what is known only when the pod runs; make it two variables")
				continue
			}
			c.own = append(c.own, b.runningVariable(c, field, e.Key, e.Value))
			continue
		}
		if b.refersToSecret(e.Value, template.Plain) {
			continue
		}
		b.warnParentheses(c.field+".variables."+e.Key, e.Value)
		value, secret := b.render(c.field+".variables."+e.Key, e.Value, template.Plain)
		if secret {
			b.warnPlainPassword(c.field + ".variables." + e.Key)
			sensitive.Set(e.Key, ascii.Base64(value))
		} else {
			plain.Set(e.Key, value)
		}
	}
	b.configs.enter(hashedEnv, c, plain)
	b.configs.enter(hashedEnvSecret, c, sensitive)
	base := b.subject.Name + "-" + c.name + "-env"
	if len(plain) > 0 {
		b.configs.env = append(b.configs.env, kube.ConfigMap{
			Object: kube.NewObject("v1", "ConfigMap", b.meta(base)), Data: plain,
		})
		out.EnvFrom = append(out.EnvFrom, kube.EnvFromSource{ConfigMapRef: &kube.LocalReference{Name: base}})
	}
	if len(sensitive) > 0 {
		name := base + "-secret"
		b.configs.envSecret = append(b.configs.envSecret, kube.Secret{
			Object: kube.NewObject("v1", "Secret", b.meta(name)), Data: sensitive,
		})
		out.EnvFrom = append(out.EnvFrom, kube.EnvFromSource{SecretRef: &kube.LocalReference{Name: name}})
	}
}

// warnParentheses warns about $(NAME) in a variable. The kubelet replaces it in a variable of the
// pod's own, and not in one that comes from a ConfigMap
// (kubernetes.io/docs/tasks/inject-data-application/define-interdependent-environment-variables).
func (b *Builder) warnParentheses(field, value string) {
	for rest := value; ; {
		_, after, found := strings.Cut(rest, "$(")
		if !found {
			return
		}
		if name, _, closed := strings.Cut(after, ")"); closed && name != "" && ascii.IndexAny(name, " \t\n\"'$(|&;<>") < 0 {
			b.resp.Warn(field, "$("+name+") stays as it is, because variables are kept in a ConfigMap, where nothing replaces it; "+
				"write the value of "+name+" in its place")
			return
		}
		rest = after
	}
}

func (b *Builder) warnPlainPassword(field string) {
	b.resp.Warn(field, "the value carries a password that is in the document in plain text; "+
		"declare a secret resource to keep it out")
}
