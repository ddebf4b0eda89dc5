package workload

import (
	"slices"
	"strconv"
	"strings"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/abi/lattice"
	"github.com/latticenet/lattice-host/plugins/builtin/internal/naming"
	sdk "github.com/latticenet/lattice-host/plugins/sdk/go"
	"github.com/latticenet/lattice-host/plugins/sdk/go/kube"
	"github.com/latticenet/lattice-host/plugins/sdk/go/template"
)

const (
	typeSecret = "secret"
	// labelService is the workload that an ExternalSecret, and the Secret that it makes, are for.
	labelService = "lattice.dev/service"
	// annotationSecretsHash on a pod template rolls the pods when what is fetched for them changes.
	annotationSecretsHash = "lattice.dev/secrets-hash"
	// annotationReload on a workload names the Secrets whose contents roll the pods
	// (github.com/stakater/Reloader).
	annotationReload = "secret.reloader.stakater.com/reload"
	// defaultRefresh is how often a secret is fetched whose document does not say.
	defaultRefresh = "1h"
)

// Secrets are what the secrets of a subject become.
type Secrets struct {
	// Objects fetch the secrets.
	Objects []kube.ExternalSecret
	// Fields give them to the pods.
	Fields kube.WorkloadFields
}

// secretSet is the work on the secrets of a subject.
type secretSet struct {
	*Builder
	out Secrets
	// taken says by name what the Secrets of the subject are for.
	taken kube.Labels
	// environment are the Secrets that containers take variables from.
	environment []string
}

// UsesSecrets reports whether the subject has secrets, or refers to some that it does not declare.
func (b *Builder) UsesSecrets() bool {
	if len(b.subject.Runtime.ImagePullSecrets) > 0 {
		return true
	}
	for i := range b.subject.Workload.Resources {
		if b.subject.Workload.Resources[i].Value.Type == typeSecret {
			return true
		}
	}
	for _, c := range b.containers() {
		for i := range c.Variables {
			if b.refersToSecret(c.Variables[i].Value, template.Plain) {
				return true
			}
		}
		for i := range c.Files {
			if f := &c.Files[i].Value; !f.NoExpand && b.refersToSecret(f.Content, syntax(f)) {
				return true
			}
		}
	}
	return false
}

// SecretsWait asks for the documents that the secrets depend on, and reports whether the derivation
// has to wait for them.
func (b *Builder) SecretsWait() bool {
	b.requireServices()
	resources := b.subject.Workload.Resources
	for i := range resources {
		if r := &resources[i].Value; r.Type == typeSecret && r.Params != nil {
			b.requireProvider(r.Params.Provider)
		}
	}
	for _, name := range b.subject.Runtime.ImagePullSecrets {
		if registry := b.req.Platform.ImageProvider(name); registry != nil {
			b.requireProvider(registry.Provider)
		}
	}
	return b.unanswered()
}

func requireStore(name string) string { return "store:" + name }

func (b *Builder) requireProvider(name string) {
	b.requireOnce(abi.Requirement{
		Name: requireStore(name), APIVersion: lattice.APIVersion, Kind: lattice.KindSecretProvider,
		Namespace: lattice.SystemNamespace, MatchName: name,
	})
}

// Secrets derives what fetches the secrets of the subject, and what its pods need to use them.
func (b *Builder) Secrets() *Secrets {
	s := &secretSet{Builder: b}
	s.reserve()
	for i := range b.subject.Workload.Resources {
		if e := &b.subject.Workload.Resources[i]; e.Value.Type == typeSecret {
			s.resource(e.Key, &e.Value)
		}
	}
	for _, c := range b.containers() {
		s.container(&c)
	}
	s.pullSecrets()
	s.annotate()
	return &s.out
}

// reserve notes the Secrets that other steps may make for the subject.
func (s *secretSet) reserve() {
	for _, c := range s.containers() {
		s.taken.Set(s.subject.Name+"-"+c.name+"-env-secret", "the variables of "+c.name)
		s.taken.Set(s.subject.Name+"-"+c.name+"-files-bin", "the files of "+c.name)
	}
	s.taken.Set(s.subject.Name+"-tls", "the certificate of the service")
}

// claim notes what a Secret is for. Two uses of one name are an error at field: External Secrets
// would overwrite one with the other (external-secrets#4548).
func (s *secretSet) claim(field, name, use string) bool {
	if other := s.taken.Get(name); other != nil {
		s.resp.Error(field, "the Secret "+name+" is that of "+*other+" already; rename what has fewer uses")
		return false
	}
	s.taken.Set(name, use)
	return true
}

// secretName names the Secret of a resource.
func (b *Builder) secretName(resource string) string { return b.subject.Name + "-" + resource }

// resource fetches one secret: the keys that the document names, or all of them.
func (s *secretSet) resource(name string, r *lattice.Resource) {
	field := s.subject.Field + ".workload.resources." + name
	if r.Params == nil || r.ID == "" {
		s.resp.Error(field, "a secret needs its id, which is its key in the store, and params.provider, the store")
		return
	}
	object := s.secretName(name)
	provider := s.provider(field+".params.provider", r.Params.Provider)
	if provider == nil || !s.claim(field, object, "the secret "+name) {
		return
	}
	e := s.external(object, r.Params.Provider, r.Params.RefreshInterval)
	e.Spec.Target.Template.Type = r.Params.SecretType
	remote := remoteKey(provider, r.ID)
	if len(r.Params.Keys) == 0 {
		e.Spec.DataFrom = []kube.ExternalSecretDataFrom{{Extract: kube.RemoteRef{Key: remote}}}
	}
	keys := slices.Clone(r.Params.Keys)
	slices.Sort(keys)
	for _, key := range keys {
		e.Spec.Data = append(e.Spec.Data, kube.ExternalSecretData{SecretKey: key, RemoteRef: kube.RemoteRef{Key: remote, Property: key}})
	}
	s.add(e)
}

// provider returns the document of a store, or nil after it reported that the subject cannot use
// it.
func (s *secretSet) provider(field, name string) *lattice.SecretProvider {
	provider := s.known(name)
	if provider == nil {
		s.resp.Error(field, "there is no SecretProvider "+name+"; correct the name, or pass its document too")
		return nil
	}
	namespace := s.subject.Owner.Namespace
	if !provider.Spec.All && !slices.Contains(provider.Spec.Namespaces, namespace) {
		s.resp.Error(field, "the SecretProvider "+name+" is not for the namespace "+namespace+"; add it to spec.namespaces there, or use another store")
		return nil
	}
	return provider
}

// known returns the document of a store, or nil.
func (s *secretSet) known(name string) *lattice.SecretProvider {
	documents, _ := s.req.Answer(requireStore(name))
	if len(documents) == 0 {
		return nil
	}
	provider, err := sdk.DecodeSecretProvider(documents[0])
	if err != nil {
		return nil
	}
	return provider
}

// remoteKey returns the name that a store has for a secret.
func remoteKey(p *lattice.SecretProvider, id string) string {
	if p == nil {
		return id
	}
	if mapped := p.Spec.KeyMapping.Get(id); mapped != nil {
		return *mapped
	}
	return id
}

// external returns what makes a Secret of the same name. The Secret gets labels of its own: without
// them it gets those of its ExternalSecret, the executor's too.
func (s *secretSet) external(name, store, refresh string) *kube.ExternalSecret {
	if refresh == "" {
		refresh = defaultRefresh
	}
	meta := s.meta(name)
	meta.Labels.Set(labelService, s.subject.Name)
	return &kube.ExternalSecret{
		Object: kube.NewObject("external-secrets.io/v1", "ExternalSecret", meta),
		Spec: kube.ExternalSecretSpec{
			RefreshInterval: refresh,
			SecretStoreRef:  kube.SecretStoreRef{Kind: "ClusterSecretStore", Name: store},
			Target: kube.ExternalSecretTarget{Name: name, Template: &kube.ExternalSecretTemplate{
				EngineVersion: "v2", Metadata: kube.TemplateMetadata{Labels: meta.Labels},
			}},
		},
	}
}

func (s *secretSet) add(e *kube.ExternalSecret) { s.out.Objects = append(s.out.Objects, *e) }

// annotate says when the pods roll: with every change of the document, and with a change of a value
// only where it is a variable.
func (s *secretSet) annotate() {
	if used := s.used(); len(used) > 0 {
		s.out.Fields.Spec.Template.Metadata.Annotations.Set(annotationSecretsHash, naming.Hash(string(used)))
	}
	if len(s.environment) > 0 {
		slices.Sort(s.environment)
		s.out.Fields.Metadata.Annotations.Set(annotationReload, strings.Join(slices.Compact(s.environment), ","))
	}
}

// used returns what the containers get, without how often it is fetched.
func (s *secretSet) used() []byte {
	var used []byte
	for _, e := range s.out.Objects {
		if len(e.Spec.Target.Template.Data) > 0 || slices.Contains(s.environment, e.Metadata.Name) {
			e.Spec.RefreshInterval = ""
			used = e.AppendCBOR(used)
		}
	}
	return used
}

// dockerConfig is the one key of a Secret with credentials for registries.
const dockerConfig = ".dockerconfigjson"

// pullSecrets fetches the credentials with which images are pulled.
func (s *secretSet) pullSecrets() {
	for i, name := range s.subject.Runtime.ImagePullSecrets {
		field := s.subject.Field + ".imagePullSecrets." + strconv.Itoa(i)
		registry := s.req.Platform.ImageProvider(name)
		if registry == nil {
			s.resp.Error(field, "imagePullSecrets references ImageProvider "+strconv.Quote(name)+
				" which was not found; correct the name, or add it to imageProviders of the platform")
			continue
		}
		store, object := registry.Provider, s.subject.Name+"-"+name+"-credentials"
		provider := s.provider(field, store)
		if provider == nil || !s.claim(field, object, "the credentials of "+name) {
			continue
		}
		e := s.external(object, store, registry.RefreshInterval)
		e.Spec.Target.Template.Type = "kubernetes.io/dockerconfigjson"
		e.Spec.Data = []kube.ExternalSecretData{{SecretKey: dockerConfig, RemoteRef: kube.RemoteRef{
			Key: remoteKey(provider, registry.ID), Property: registry.Key,
		}}}
		s.add(e)
		pod := &s.out.Fields.Spec.Template.Spec
		pod.ImagePullSecrets = append(pod.ImagePullSecrets, kube.LocalReference{Name: object})
	}
}
