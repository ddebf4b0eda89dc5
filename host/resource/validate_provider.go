package resource

import (
	"slices"
	"strconv"
	"strings"

	"github.com/latticenet/lattice-host/abi/cbor"
	"github.com/latticenet/lattice-host/abi/lattice"
	"github.com/latticenet/lattice-host/internal/problem"
	"github.com/latticenet/lattice-host/internal/yamldoc"
)

func (v *validator) provider(p *lattice.SecretProvider) {
	// The store belongs to the whole cluster: a document of any namespace could replace that of the
	// platform.
	v.require(p.Metadata.Namespace == lattice.SystemNamespace, "metadata.namespace",
		"must be "+lattice.SystemNamespace+", where the platform keeps its documents; leave it out or write that")
	v.oneProvider(p.Spec.Provider)
	v.keyMapping(p.Spec.KeyMapping)
	v.items("spec.namespaces", p.Spec.Namespaces, isLabel, ruleNamespace)
	v.requireOf(p.Spec.All != (len(p.Spec.Namespaces) > 0), "spec.namespaces",
		"must name the namespaces that may read the store; write spec.all: true instead where every namespace may")
}

// oneProvider checks that there is one store, and that the document holds no credentials.
func (v *validator) oneProvider(p cbor.Map[cbor.Raw]) {
	const field = "spec.provider"
	names := make([]string, len(p))
	for i, e := range p {
		names[i] = e.Key
	}
	v.requireOf(len(p) == 1, field, "must have exactly one key, the kind of the store such as vault or aws; it has "+
		strconv.Itoa(len(p))+": ["+strings.Join(names, " ")+"]")
	spec := v.root.Find(keySpec)
	if spec == nil {
		return
	}
	m := spec.Value.Find("provider")
	if m == nil {
		return
	}
	for i := range m.Value.Members {
		store := &m.Value.Members[i]
		at := yamldoc.Join(field, store.Key)
		v.require(store.Value.Kind == yamldoc.Map, at, "must be a mapping, what External Secrets has below provider."+store.Key)
		v.require(store.Key != "fake", at, "holds the secrets themselves in the document; use a store that keeps them")
		v.credentials(store.Value, at)
	}
}

// credentials looks for credentials in what says how to reach a store, and for Secrets of other
// namespaces that it trusts.
func (v *validator) credentials(n *yamldoc.Node, field string) {
	for i, item := range n.Items {
		v.credentials(item, yamldoc.Join(field, strconv.Itoa(i)))
	}
	for i := range n.Members {
		m := &n.Members[i]
		at := yamldoc.Join(field, m.Key)
		// A template of a webhook reads a Secret where it has an action.
		if m.Value.Kind == yamldoc.Text && isCredential(m.Key) && !strings.Contains(m.Value.Text, "{{") {
			v.fail(at, "holds a credential in plain text; keep it in a Secret and name that, as in "+m.Key+"SecretRef or secretRef")
		}
		if m.Key == "caProvider" {
			namespace := m.Value.TextOf("namespace")
			v.require(namespace == "" || namespace == lattice.SystemNamespace, at+".namespace",
				"must be "+lattice.SystemNamespace+": anyone who writes there decides whom the store's clients trust, not "+problem.Quote(namespace))
		}
		v.credentials(m.Value, at)
	}
}

// isCredential reports whether a key of a store's configuration holds a credential where its value
// is text. The keys that name one end in Ref, and their values are mappings.
func isCredential(key string) bool {
	lower := strings.ToLower(key)
	return slices.ContainsFunc([]string{
		"password", "passphrase", "token", "secret", "secretkey", "secretaccesskey", "secretid", "clientsecret", "apikey",
		"accesskey", "privatekey", "authorization", "credentials", "x-api-key", "x-vault-token",
	}, func(name string) bool { return lower == name })
}

// keyMapping checks that two ids are never one secret, and that an id is looked up once: what a
// policy says of a key must be what is fetched.
func (v *validator) keyMapping(m cbor.Map[string]) {
	const field = "spec.keyMapping"
	names(v, field, m, func(s string) bool { return s != "" && len(s) <= maxSubdomain }, "must be the id of a secret, of at most 253 characters")
	by := map[string]string{}
	for _, e := range m {
		at := yamldoc.Join(field, e.Key)
		v.require(e.Value != "", at, "is empty; write the name that the store has for the secret, or remove the entry")
		other, taken := by[e.Value]
		v.require(!taken || e.Value == "", at, "and "+problem.Quote(other)+" are the same secret of the store, "+problem.Quote(e.Value)+"; map one of them")
		by[e.Value] = e.Key
		chained := m.Get(e.Value)
		v.require(chained == nil || *chained == e.Value, at, problem.Quote(e.Value)+" is mapped itself; write the name that the store has for the secret")
	}
}
