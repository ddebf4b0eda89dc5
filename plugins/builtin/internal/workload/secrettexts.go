package workload

import (
	"slices"
	"strconv"
	"strings"

	"github.com/latticenet/lattice-host/abi/lattice"
	"github.com/latticenet/lattice-host/plugins/builtin/internal/naming"
	"github.com/latticenet/lattice-host/plugins/sdk/go/kube"
	"github.com/latticenet/lattice-host/plugins/sdk/go/template"
)

// secretReference is a key of a secret resource.
type secretReference struct {
	name string
	*lattice.Resource
	key string
}

// secretReference returns the key that a reference names, in either spelling; nil for what does not
// refer to a secret.
func (b *Builder) secretReference(reference string) (ref *secretReference, problem string) {
	alias, key := template.Secret(reference)
	said := alias != ""
	if !said {
		alias, key = template.Resource(reference)
	}
	if alias == "" {
		return nil, ""
	}
	name, r := b.resource(alias)
	written := "${" + reference + "}"
	switch {
	case !said && (r == nil || r.Type != typeSecret):
		return nil, ""
	case r == nil:
		return nil, written + " names no resource of this document; declare " + alias + " with type secret under resources"
	case r.Type != typeSecret:
		return nil, written + " refers to " + name + " as a secret, but its type is " + r.Type + "; write ${resources." + name + ".…} for its outputs"
	case key == "":
		return nil, written + " names no key; write ${" + reference + ".KEY}"
	case r.Params == nil:
		return nil, written + ": " + name + " has no params"
	case len(r.Params.Keys) > 0 && !slices.Contains(r.Params.Keys, key):
		return nil, written + " references the key " + strconv.Quote(key) + " in secret " + strconv.Quote(name) + ", but available keys are: [" +
			strings.Join(r.Params.Keys, ", ") + "]; add it to params.keys, or correct it"
	}
	return &secretReference{name, r, key}, ""
}

// secretText is text with secrets, as External Secrets puts it together.
type secretText struct {
	text, store string
	data        []kube.ExternalSecretData
}

// secretText turns a text into a template. Values of one store can be in it, because an
// ExternalSecret reads one.
func (s *secretSet) secretText(field, text string, syntax template.Syntax) (out secretText, ok bool) {
	rendered, problem := template.Go(text, syntax, func(reference string) (template.Value, string) {
		ref, problem := s.secretReference(reference)
		if ref != nil && problem == "" {
			return s.fetched(&out, ref)
		}
		if problem != "" {
			return template.Value{}, problem
		}
		value, sensitive, problem := s.resolve(reference)
		if sensitive {
			problem = "${" + reference + "} carries a password in plain text, and cannot be in one text with secrets; keep it in a secret, too"
		}
		return template.Value{Text: value}, problem
	})
	if problem != "" {
		s.resp.Error(field, problem)
	}
	out.text = rendered
	return out, problem == ""
}

// fetched adds a key of a secret to the data of a text.
func (s *secretSet) fetched(t *secretText, ref *secretReference) (template.Value, string) {
	store := ref.Params.Provider
	if t.store != "" && t.store != store {
		return template.Value{}, "references secrets from multiple stores (" + strconv.Quote(t.store) + " and " + strconv.Quote(store) +
			"); a single file or variable can only use one store"
	}
	t.store = store
	item := kube.ExternalSecretData{
		SecretKey: identifier(ref.name + "_" + ref.key),
		RemoteRef: kube.RemoteRef{Key: remoteKey(s.known(store), ref.ID), Property: ref.key},
	}
	return template.Value{Key: item.SecretKey}, t.join([]kube.ExternalSecretData{item})
}

// join adds data. Two secrets of one name are a problem.
func (t *secretText) join(data []kube.ExternalSecretData) (problem string) {
	for _, item := range data {
		i := slices.IndexFunc(t.data, func(o kube.ExternalSecretData) bool { return o.SecretKey == item.SecretKey })
		switch {
		case i < 0:
			t.data = append(t.data, item)
		case t.data[i].RemoteRef != item.RemoteRef:
			return "two secrets become the name " + item.SecretKey + ": the key " + t.data[i].RemoteRef.Property + " of " + t.data[i].RemoteRef.Key +
				", and the key " + item.RemoteRef.Property + " of " + item.RemoteRef.Key + "; rename one of the resources"
		}
	}
	return ""
}

// identifier turns a name into one that a template can read.
func identifier(s string) string {
	b := make([]byte, 0, len(s)+1)
	for i := range len(s) {
		c := s[i]
		digit := c >= '0' && c <= '9'
		if i == 0 && digit {
			b = append(b, '_')
		}
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
		if !digit && !letter {
			c = '_'
		}
		b = append(b, c)
	}
	return string(b)
}

// mixedText is the variables of a container that are put together from the secrets of one store.
type mixedText struct {
	secretText
	variables kube.Labels
}

// container gives a container its secrets.
func (s *secretSet) container(c *container) {
	fields := kube.ContainerFields{Name: c.name}
	for _, name := range c.EnvFrom {
		if r := s.subject.Workload.Resources.Get(name); r != nil && r.Type == typeSecret {
			s.environment = append(s.environment, s.secretName(name))
		}
	}
	s.mixed(c, s.variables(c, &fields), &fields)
	s.files(c, &fields)
	if len(fields.Env) == 0 && len(fields.EnvFrom) == 0 && len(fields.VolumeMounts) == 0 {
		return
	}
	pod := &s.out.Fields.Spec.Template.Spec
	if c.init {
		pod.InitContainers = append(pod.InitContainers, fields)
	} else {
		pod.Containers = append(pod.Containers, fields)
	}
}

// variables gives a container the variables that are one key of a secret, and returns those that
// have more text, by store.
func (s *secretSet) variables(c *container, fields *kube.ContainerFields) []mixedText {
	var texts []mixedText
	for i := range c.Variables {
		e := &c.Variables[i]
		field := c.field + ".variables." + e.Key
		// What is known only when the pod runs is refused next to a secret by the step that has the
		// pods.
		if !s.refersToSecret(e.Value, template.Plain) || s.refersToRunning(e.Value) {
			continue
		}
		if reference, sole := template.Sole(e.Value, template.Plain); sole {
			s.sole(field, e.Key, reference, fields)
			continue
		}
		s.warnParentheses(field, e.Value)
		t, ok := s.secretText(field, e.Value, template.Plain)
		if !ok {
			continue
		}
		at := slices.IndexFunc(texts, func(o mixedText) bool { return o.store == t.store })
		if at < 0 {
			at = len(texts)
			texts = append(texts, mixedText{secretText: secretText{store: t.store}})
		}
		if problem := texts[at].join(t.data); problem != "" {
			s.resp.Error(field, problem)
		}
		texts[at].variables.Set(e.Key, t.text)
	}
	slices.SortFunc(texts, func(a, b mixedText) int { return strings.Compare(a.store, b.store) })
	return texts
}

// sole takes a variable from one key of a Secret.
func (s *secretSet) sole(field, variable, reference string, fields *kube.ContainerFields) {
	ref, problem := s.secretReference(reference)
	if ref == nil && problem == "" {
		_, _, problem = s.resolve(reference)
	}
	if problem != "" {
		s.resp.Error(field, problem)
		return
	}
	name := s.secretName(ref.name)
	s.environment = append(s.environment, name)
	fields.Env = append(fields.Env, kube.EnvVar{
		Name: variable, ValueFrom: &kube.EnvVarSource{SecretKeyRef: &kube.KeySelector{Name: name, Key: ref.key}},
	})
}

// mixed has External Secrets put variables together: one object a store.
func (s *secretSet) mixed(c *container, texts []mixedText, fields *kube.ContainerFields) {
	for i, t := range texts {
		name := s.subject.Name + "-" + c.name + "-env-eso"
		if len(texts) > 1 {
			name += "-" + strconv.Itoa(i)
		}
		if !s.claim(c.field+".variables", name, "the variables of "+c.name) {
			continue
		}
		s.add(s.templated(name, &t.secretText, t.variables))
		s.environment = append(s.environment, name)
		fields.EnvFrom = append(fields.EnvFrom, kube.EnvFromSource{SecretRef: &kube.LocalReference{Name: name}})
	}
}

// templated returns what makes a Secret of texts.
func (s *secretSet) templated(name string, t *secretText, texts kube.Labels) *kube.ExternalSecret {
	e := s.external(name, t.store, "")
	e.Spec.Data = t.data
	slices.SortFunc(e.Spec.Data, func(a, b kube.ExternalSecretData) int { return strings.Compare(a.SecretKey, b.SecretKey) })
	e.Spec.Target.Template.Data = texts
	return e
}

// files has External Secrets put the files of a container together that have secrets: one object,
// and one volume of the same name, a file.
func (s *secretSet) files(c *container, fields *kube.ContainerFields) {
	for i := range c.Files {
		path, f := c.Files[i].Key, &c.Files[i].Value
		if f.NoExpand || f.BinaryContent != "" || f.Source != "" || !s.refersToSecret(f.Content, syntax(f)) {
			continue
		}
		field := c.field + ".files." + path
		t, ok := s.secretText(field+".content", f.Content, syntax(f))
		key := fileKey(path)
		name := s.fileSecretName(c, path, key)
		if s.subject.Workload.Resources.Get(name) != nil {
			s.resp.Error(s.subject.Field+".workload.resources."+name, "the name is that of the volume for the file "+path+" of "+c.name+"; choose another one")
			continue
		}
		if !ok || !s.claim(field, name, "the file "+path+" of "+c.name) {
			continue
		}
		s.add(s.templated(name, &t, kube.Labels{{Key: key, Value: t.text}}))
		var file fileSet
		file.list(key, f)
		pod := &s.out.Fields.Spec.Template.Spec
		pod.Volumes = append(pod.Volumes, kube.Volume{Name: name, Secret: &kube.SecretVolume{SecretName: name, Items: file.listed()}})
		fields.VolumeMounts = append(fields.VolumeMounts, kube.VolumeMount{Name: name, MountPath: path, SubPath: key, ReadOnly: true})
	}
}

// fileSecretName names the Secret and the volume of a file. A path of lower-case letters, digits,
// dots and hyphens keeps its words; two that differ in those alone are found to have one name.
func (s *secretSet) fileSecretName(c *container, path, key string) string {
	whole := true
	b := []byte(key)
	for i, x := range b {
		letter := x >= 'a' && x <= 'z' || x >= '0' && x <= '9'
		if !letter {
			b[i] = '-'
			whole = whole && (x == '-' || x == '.') && i < len(b)-1
		}
		if x >= 'A' && x <= 'Z' {
			b[i] = x - 'A' + 'a'
		}
	}
	return naming.Label(s.subject.Name+"-"+c.name+"-file-", string(b), s.subject.Name+"/"+c.name+":"+path, whole)
}
