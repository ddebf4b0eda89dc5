package facts

import (
	"strings"

	"github.com/latticenet/lattice-host/host/gate"
)

// kubernetes is the provider of Secrets that the bundle does not make.
const kubernetes = "kubernetes"

func (r *reader) secretPath(provider, path string, n node) {
	r.ask(gate.ActionAccessSecret, gate.SecretPath(provider, path), n)
}

// secretReference asks about a Secret that is named, unless it is the bundle's own.
func (r *reader) secretReference(n, namespace node) {
	secret := r.text(n)
	if secret == "" {
		return
	}
	at := name{r.ref.Namespace, secret}
	if other := r.text(namespace); other != "" {
		at.namespace = other
	}
	if !r.index.secrets[at] && !r.neighbours[at] {
		r.secretPath(kubernetes, at.namespace+"/"+at.name, n)
	}
}

// secretReferences recognises an object, the value of a key, that names Secrets.
func (r *reader) secretReferences(n node, key string) {
	switch lower := strings.ToLower(key); {
	case strings.HasSuffix(lower, "secretref"), strings.HasSuffix(lower, "secretkeyref"), lower == "secret",
		n.path() != "" && n.at("kind").value == "Secret":
		r.secretReference(n.at("name"), n.at("namespace"))
	}
	if r.ref.GroupKind().String() != "Certificate.cert-manager.io" {
		r.secretReference(n.at("secretName"), n.at("secretNamespace"))
	}
	for _, list := range []string{"imagePullSecrets", "secretTargetRef"} {
		for _, item := range n.at(list).items() {
			r.secretReference(item.at("name"), item.at("namespace"))
		}
	}
	for _, item := range n.at("certificateRefs").items() {
		if kind := item.at("kind"); kind.missing() || kind.value == "Secret" {
			r.secretReference(item.at("name"), item.at("namespace"))
		}
	}
}

// secret asks about a Secret with a power: a token of a service account, or one that lets machines
// join.
func (r *reader) secret(root node) {
	at := root.at("type")
	kind := r.text(at)
	if isPowerful(kind) {
		r.unreadable(at)
	}
}

// isPowerful reports whether a Secret of a type gives power to who has it.
func isPowerful(kind string) bool {
	return kind == "kubernetes.io/service-account-token" || strings.HasPrefix(kind, "bootstrap.kubernetes.io/")
}

// serviceAccount asks about Secrets of an account, and about its identity in a cloud.
func (r *reader) serviceAccount(root node) {
	for _, item := range r.list(root.at("secrets")) {
		r.secretReference(r.get(item, "name"), item.at("namespace"))
	}
	r.flag(root.at("automountServiceAccountToken"))
	r.annotations(r.get(root, "metadata", "annotations"))
	if own := r.ref.Name; !r.index.names[own] {
		// Anyone who has the account of another workload is that workload to the mesh.
		r.override("pod", "serviceAccount:"+own, root.at("metadata", "name"))
	}
}

// externalSecret asks about every key of a store. A key that finds others asks for all that it may
// find.
func (r *reader) externalSecret(root node) {
	spec := r.get(root, "spec")
	r.fields(spec, "secretStoreRef", "target", "data", "dataFrom", "refreshInterval", "refreshPolicy")
	target := r.get(spec, "target")
	r.isObject(target)
	r.fields(target, "name", "creationPolicy", "deletionPolicy", "template", "immutable")
	template := r.get(target, "template")
	if at := r.get(template, "type"); isPowerful(r.text(at)) {
		r.unreadable(at)
	}
	r.metadata(r.get(template, "metadata"))
	for _, from := range r.list(r.get(template, "templateFrom")) {
		// Where the bundle says what the Secret's fields are, it could make it of any kind.
		if to := r.get(from, "target"); !to.missing() && to.value != "Data" {
			r.unreadable(to)
		}
	}
	if own, made := madeSecret(&document{ref: r.ref, root: root}); made && r.index.credentials[own] {
		r.mark(spec)
		return
	} else if !made {
		r.secretReference(orElse(target.at("name"), root.at("metadata", "name")), node{})
	}
	r.externalKeys(spec)
}

// externalKeys asks about the keys of stores in what has the form of an ExternalSecret's spec,
// whatever kind wraps it.
func (r *reader) externalKeys(spec node) {
	r.mark(spec)
	store := r.text(r.get(spec, "secretStoreRef", "name"))
	for _, d := range r.list(r.get(spec, "data")) {
		provider := r.provider(d, store)
		at := r.get(d, "remoteRef", "key")
		if at.missing() && provider.generator {
			at = d
		}
		r.remoteKey(provider, at)
	}
	for _, d := range r.list(r.get(spec, "dataFrom")) {
		r.dataFrom(d, store)
	}
}

// clusterSecretStore asks about a store that every namespace may read: without conditions, and with
// one that selects all. Anyone who may write an ExternalSecret anywhere then reads the store's
// secrets, and no gate sees it.
func (r *reader) clusterSecretStore(root node) {
	spec := r.get(root, "spec")
	conditions := r.list(spec.at("conditions"))
	open := len(conditions) == 0
	for _, c := range conditions {
		open = open || len(c.at("namespaces").items()) == 0
	}
	if open {
		r.secretPath(r.ref.Name, "*", spec)
	}
}

func orElse(n, other node) node {
	if n.missing() {
		return other
	}
	return n
}

func (r *reader) dataFrom(n node, store string) {
	provider := r.provider(n, store)
	extract, find := r.get(n, "extract"), r.get(n, "find")
	switch {
	case provider.generator:
		r.remoteKey(provider, n)
	case !extract.missing():
		r.remoteKey(provider, r.get(extract, "key"))
	case !find.missing():
		// A policy for exactly one path says nothing of all paths below it.
		r.secretPath(provider.name, r.text(r.get(find, "path"))+"*", find)
	default:
		r.unreadable(n)
	}
}

// provider is where a value comes from: a store, or a generator.
type provider struct {
	name      string
	generator bool
}

func (r *reader) provider(n node, store string) provider {
	source := r.get(n, "sourceRef")
	if generator := r.get(source, "generatorRef"); !generator.missing() {
		kind, own := r.text(r.get(generator, "kind")), r.text(r.get(generator, "name"))
		return provider{"generator:" + kind + "/" + own, true}
	}
	if other := r.text(r.get(source, "storeRef", "name")); other != "" {
		return provider{name: other}
	}
	return provider{name: store}
}

func (r *reader) remoteKey(p provider, n node) {
	if p.generator {
		r.secretPath(p.name, "*", n)
		return
	}
	key := r.text(n)
	if key == "" || p.name == "" {
		r.unreadable(n)
		return
	}
	if path := strings.Trim(key, "/"); path != cleanPath(path) {
		// A pattern of a policy may mean another key than the store does.
		r.unreadable(n)
	}
	r.secretPath(p.name, key, n)
}
