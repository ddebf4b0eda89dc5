package workload

import (
	"strconv"
	"strings"

	"github.com/latticenet/lattice-host/abi/lattice"
	"github.com/latticenet/lattice-host/plugins/builtin/internal/endpoint"
	"github.com/latticenet/lattice-host/plugins/builtin/internal/naming"
	sdk "github.com/latticenet/lattice-host/plugins/sdk/go"
	"github.com/latticenet/lattice-host/plugins/sdk/go/template"
)

// render replaces the references in a text. sensitive says that a value with a password went into
// it.
func (b *Builder) render(field, text string, syntax template.Syntax) (rendered string, sensitive bool) {
	rendered, problem := template.Render(text, syntax, func(reference string) (string, string) {
		value, secret, problem := b.resolve(reference)
		sensitive = sensitive || secret
		return value, problem
	})
	if problem != "" {
		b.resp.Error(field, problem)
	}
	return rendered, sensitive
}

// refersToSecret reports whether a text refers to a secret resource, in either spelling.
func (b *Builder) refersToSecret(text string, syntax template.Syntax) bool {
	found := false
	template.References(text, syntax, func(reference string) {
		if strings.HasPrefix(reference, "secret.") {
			found = true
		}
		if name, _ := template.Resource(reference); name != "" {
			if _, r := b.resource(name); r != nil && r.Type == "secret" {
				found = true
			}
		}
	})
	return found
}

// resource finds a resource by its name in a reference.
func (b *Builder) resource(reference string) (string, *lattice.Resource) {
	resources := b.subject.Workload.Resources
	for i := range resources {
		if template.SameName(reference, resources[i].Key) {
			return resources[i].Key, &resources[i].Value
		}
	}
	return "", nil
}

// resolve returns the value of a reference.
func (b *Builder) resolve(reference string) (value string, sensitive bool, problem string) {
	space, rest, _ := strings.Cut(reference, ".")
	switch space {
	case "metadata":
		if rest == "name" {
			return b.subject.Owner.Name, false, ""
		}
		if key, ok := strings.CutPrefix(rest, "annotations."); ok {
			if v := b.subject.Owner.Annotations.Get(key); v != nil {
				return *v, false, ""
			}
		}
	case "cluster":
		if rest == "name" && b.req.Platform.ClusterName != "" {
			return b.req.Platform.ClusterName, false, ""
		}
	case "env", "config":
		if v, ok := scalar(b.req.Setting(space), rest); ok {
			return v, false, ""
		}
		return "", false, "${" + reference + "} is not in the step's settings; set " + reference + " there"
	case "pod", "node":
		return "", false, "${" + reference + "} is known only when the pod runs, and can be used in variables and command lines only; " +
			"have the program read a variable"
	case "resources":
		return b.resolveResource(reference)
	}
	return "", false, "${" + reference + "} is not known; a reference begins with metadata.name, metadata.annotations.<key>, " +
		"cluster.name, env.<name>, config.<path>, resources.<name>.<field>, or, in variables and command lines, pod.<fact> or node.<fact>, and $${ writes a literal ${"
}

// scalar follows a dotted path and returns the text of what it leads to.
func scalar(v sdk.Value, path string) (string, bool) {
	for {
		// A key may hold dots itself, so that the whole rest is tried before its first part.
		if whole := v.Get(path); whole.Exists() {
			text := whole.String()
			return text, text != ""
		}
		first, rest, found := strings.Cut(path, ".")
		if !found {
			return "", false
		}
		v, path = v.Get(first), rest
	}
}

func (b *Builder) resolveResource(reference string) (value string, sensitive bool, problem string) {
	alias, output := template.Resource(reference)
	name, r := b.resource(alias)
	if r == nil {
		return "", false, "${" + reference + "} names no resource of this document; declare " + alias + " under resources"
	}
	switch r.Type {
	case "service":
		value, problem = b.serviceOutput(reference, name, output, r)
	case "external-service":
		value, sensitive, problem = externalOutput(output, r)
	case "volume":
		switch {
		case naming.PerReplica(r):
			problem = "each replica has a claim of its own, and so there are no outputs"
		case isScratch(r):
			problem = "a scratch volume has no claim, and so no outputs"
		case output == "claim_name":
			return b.claimName(name, r), false, ""
		default:
			problem = "a volume has the output claim_name only"
		}
	case "existing-secret", "existing-configmap":
		problem = "its keys are known only when the pod runs, and can be used in variables, command lines and files.source only"
	default:
		problem = "a resource of type " + r.Type + " has no outputs"
	}
	if problem != "" {
		problem = "${" + reference + "}: " + problem
	}
	return value, sensitive, problem
}

func (b *Builder) serviceOutput(reference, name, output string, r *lattice.Resource) (value, problem string) {
	peerName, namespace := b.peerOf(name, r)
	host := peerName + "." + namespace + ".svc.cluster.local"
	peer := b.peer(namespace, peerName)
	if peer == nil && namespace == b.subject.Owner.Namespace {
		return "", "the service " + namespace + "/" + peerName + " is not known; pass its document too"
	}
	if output == "host" {
		return host, ""
	}
	if output != "port" && output != "url" {
		return "", "a service has the outputs host, port and url"
	}
	if peer == nil {
		return "", "only the host of a service in another namespace is known without its document; pass the document of " +
			namespace + "/" + peerName + " too"
	}
	port := mainPort(peer)
	if port == 0 {
		return "", "the service " + namespace + "/" + peerName + " has no ports"
	}
	text := strconv.FormatInt(port, 10)
	if output == "url" {
		text = "http://" + host + ":" + text
	}
	return text, ""
}

// mainPort returns the port named http, or else the first by name.
func mainPort(s *lattice.LatticeService) int64 {
	service := s.Spec.Workload.Service
	if service == nil || len(service.Ports) == 0 {
		return 0
	}
	if p := service.Ports.Get("http"); p != nil {
		return p.Port
	}
	return service.Ports[0].Value.Port
}

func externalOutput(output string, r *lattice.Resource) (value string, sensitive bool, problem string) {
	if r.Params == nil || len(r.Params.Endpoints) == 0 {
		return "", false, "an external service without endpoints has no outputs"
	}
	url := r.Params.Endpoints[0].Value
	if v := r.Params.Endpoints.Get("default"); v != nil {
		url = *v
	}
	e, problem := endpoint.Parse(url)
	if problem != "" {
		return "", false, "the endpoint " + problem
	}
	switch output {
	case "host":
		return e.Host, false, ""
	case "port":
		return strconv.FormatInt(e.Port, 10), false, ""
	case "url":
		return url, e.Secret, ""
	}
	return "", false, "an external service has the outputs host, port and url"
}
