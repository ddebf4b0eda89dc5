package resource

import (
	"math"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/latticenet/lattice-host/abi/lattice"
	"github.com/latticenet/lattice-host/internal/problem"
)

// maxVolumeID leaves room for what is put in front of the id in the names of claims and labels.
const maxVolumeID = 50

// accessModePod is the access mode of a volume that one pod mounts at a time.
const accessModePod = "ReadWriteOncePod"

// entityPrefix begins the id of an external service that is a Cilium entity.
const entityPrefix = "entity:"

// entities are the entities that Cilium's policies know (docs.cilium.io, "Entities based").
func entities() []string {
	return []string{"all", "world", "host", "remote-node", "cluster", "init", "health", "unmanaged", "kube-apiserver", "ingress", "none"}
}

// secretTypes are the types of Kubernetes secrets
// (kubernetes.io/docs/concepts/configuration/secret).
func secretTypes() []string {
	return []string{
		"Opaque", "kubernetes.io/service-account-token", "kubernetes.io/dockercfg", "kubernetes.io/dockerconfigjson",
		"kubernetes.io/basic-auth", "kubernetes.io/ssh-auth", "kubernetes.io/tls", "bootstrap.kubernetes.io/token",
	}
}

func (v *validator) resource(field string, r *lattice.Resource) {
	v.require(r.Type != "", field+".type", "is empty; set service, external-service, volume, secret, gpu or a custom type")
	v.optional(field+".type", r.Type, typePattern.MatchString, "must be lower-case letters, digits, hyphens, dots and slashes")
	v.optional(field+".namespace", r.Namespace, isLabel, ruleNamespace)
	if r.Metadata != nil {
		names(v, field+".metadata.annotations", r.Metadata.Annotations, isLabelKey, ruleLabelKey)
	}
	params := r.Params
	if params == nil {
		params = new(lattice.ResourceParams)
	}
	switch r.Type {
	case typeService:
		v.optional(field+".id", r.ID, func(s string) bool { return s == "*" || isName(s) }, "must be the name of a service, or * for every service")
	case typeExternalService:
		v.externalService(field, r.ID, params)
	case typeVolume:
		v.volume(field, r.ID, params)
	case typeSecret:
		v.secret(field, r.ID, params)
	case typeGPU:
		v.gpu(field+".params", params)
	case typeExistingSecret, typeExistingConfig:
		v.optional(field+".id", r.ID, isSubdomain, "is the name of the object and "+ruleSubdomain)
		v.require(r.Namespace == "", field+".namespace", "pods use objects of their own namespace only; remove it")
	}
}

func (v *validator) volume(field, id string, p *lattice.ResourceParams) {
	if isTrue(p.Scratch) {
		v.scratch(field, id, p)
		return
	}
	v.requireOf(p.Size != "" || id != "", field, "a volume needs params.size, the id of a volume that another service owns, or params.scratch: true for a directory that ends with its pod")
	const scratchOnly = "applies to a volume with scratch: true; set it or remove this field"
	v.require(p.Medium == "", field+".params.medium", scratchOnly)
	v.require(p.SizeLimit == "", field+".params.sizeLimit", scratchOnly)
	v.optional(field+".id", id, func(s string) bool { return len(s) <= maxVolumeID && isName(s) }, "must be a DNS label of at most 50 characters")
	v.optional(field+".params.size", p.Size, isMemory, ruleMemory)
	v.optional(field+".params.storageClass", p.StorageClass, isSubdomain, ruleSubdomain)
	if isTrue(p.PerReplica) {
		const own = "does not go with perReplica: true, for a volume that only its replica uses; remove one of the two"
		v.require(p.Size != "", field+".params.size", "is missing; each replica needs a volume of some size")
		v.require(id == "", field+".id", own)
		v.require(len(p.AllowedConsumers) == 0, field+".params.allowedConsumers", own)
	}
	v.oneOf(field+".params.accessMode", p.AccessMode, defaultAccessMode, accessModePod, "ReadWriteMany", "ReadOnlyMany")
	v.items(field+".params.allowedConsumers", p.AllowedConsumers, func(s string) bool { return isName(s) || isNamespacedName(s) }, "must be the name of a service, or namespace/name")
}

// scratch checks a volume that ends with its pod, and so has nothing of one that stays.
func (v *validator) scratch(field, id string, p *lattice.ResourceParams) {
	const noClaim = "does not go with scratch: true, for a directory that ends with its pod; remove one of the two"
	v.require(id == "", field+".id", noClaim)
	v.require(p.Size == "", field+".params.size", noClaim+", or write sizeLimit")
	v.require(p.StorageClass == "", field+".params.storageClass", noClaim)
	v.require(p.AccessMode == "", field+".params.accessMode", noClaim)
	v.require(!isTrue(p.PerReplica), field+".params.perReplica", noClaim)
	v.require(len(p.AllowedConsumers) == 0, field+".params.allowedConsumers", noClaim)
	v.medium(field+".params", p.Medium, p.SizeLimit)
}

// medium checks where an empty directory is, and how large it may become.
func (v *validator) medium(field, medium, sizeLimit string) {
	v.require(medium == "" || medium == "Memory", field+".medium", "must be Memory or absent, not "+problem.Quote(medium))
	v.optional(field+".sizeLimit", sizeLimit, isMemory, ruleMemory)
}

func (v *validator) secret(field, id string, p *lattice.ResourceParams) {
	v.require(id != "", field+".id", "is missing; a secret needs its key in the secret store")
	v.require(p.Provider != "", field+".params.provider", "is missing; a secret needs the name of its SecretProvider")
	v.optional(field+".params.provider", p.Provider, isSubdomain, ruleSubdomain)
	v.items(field+".params.keys", p.Keys, dataKeyPattern.MatchString, "must be letters, digits, hyphens, underscores and dots")
	v.optional(field+".params.refreshInterval", p.RefreshInterval, IsRefresh, RefreshRule)
	v.oneOf(field+".params.secretType", p.SecretType, secretTypes()...)
}

// maxRefresh is the longest refresh interval: a secret that is not fetched within a year is not
// refreshed.
const maxRefresh = 365 * 24 * time.Hour

// IsRefresh accepts how often a secret is fetched. External Secrets takes 0 for never, even after
// the ExternalSecret changes (external-secrets#4447).
func IsRefresh(s string) bool {
	if !durationPattern.MatchString(s) {
		return false
	}
	d, err := time.ParseDuration(s)
	return err == nil && d > 0 && d <= maxRefresh
}

// RefreshRule says what [IsRefresh] accepts.
const RefreshRule = "must be a duration of hours, minutes and seconds such as 1h30m, more than 0 and at most 8760h; 0 would mean never, not even after a change"

func (v *validator) gpu(field string, p *lattice.ResourceParams) {
	if p.Count == nil {
		v.fail(field+".count", "is missing; say how many GPUs a pod gets")
	}
	v.between(field+".count", p.Count, 1, math.MaxInt32)
	v.between(field+".compute", p.Compute, 1, 100)
	v.optional(field+".memory", p.Memory, isGPUMemory, "must be MiB, or a number with Mi or Gi such as 20Gi, more than 0 and at most 1 PiB")
	v.optional(field+".model", p.Model, isLabelValue, ruleLabelValue)
}

func (v *validator) externalService(field, id string, p *lattice.ResourceParams) {
	v.oneOf(field+".params.resolution", p.Resolution, "dns", "static")
	entity, isEntity := strings.CutPrefix(id, entityPrefix)
	if isEntity {
		v.entity(field+".id", entity)
		v.require(len(p.Endpoints) == 0, field+".params.endpoints", "an entity has no endpoints; remove them or the id")
		return
	}
	v.require(len(p.Endpoints) > 0, field+".params.endpoints", "is empty; give at least one URL, or an id such as entity:world")
	names(v, field+".params.endpoints", p.Endpoints, isName, ruleName)
	for _, e := range p.Endpoints {
		v.endpoint(field+".params.endpoints."+e.Key, e.Value)
	}
}

// entity checks what follows entity: in an id, a name with an optional port.
func (v *validator) entity(field, entity string) {
	name, port, hasPort := strings.Cut(entity, ":")
	v.knownEntity(field, name)
	if !hasPort {
		return
	}
	n, err := strconv.ParseUint(port, 10, 16)
	v.require(err == nil && n > 0, field, "the port "+problem.Quote(port)+" of the entity "+rulePort)
}

func (v *validator) knownEntity(field, name string) {
	known := entities()
	v.require(slices.Contains(known, name), field, problem.Quote(name)+" is not an entity of Cilium; use one of "+strings.Join(known, " "))
}

// endpoint checks a URL with a host and a port, which http and https imply, or a host and a port.
func (v *validator) endpoint(field, endpoint string) {
	text := endpoint
	if !strings.Contains(text, "://") {
		text = "tcp://" + text
	}
	u, err := url.Parse(text)
	if err != nil || u.Scheme == "" || u.Host == "" {
		v.fail(field, "must be a URL such as https://api.example.com, or host:port, not "+problem.Quote(endpoint))
		return
	}
	if strings.Contains(u.Hostname(), "*") {
		v.fail(field, "the host "+problem.Quote(u.Hostname())+" has a wildcard; name each host in an endpoint of its own, or allow every host with id: entity:world")
		return
	}
	v.require(isHostOrAddress(plainHost(u.Hostname())), field, "the host "+problem.Quote(u.Hostname())+" of the URL is neither a host name nor an address")
	switch port := u.Port(); {
	case port != "":
		n, err := strconv.ParseUint(port, 10, 16)
		v.require(err == nil && n > 0, field, "the port "+problem.Quote(port)+" of the URL "+rulePort)
	case text != endpoint:
		v.fail(field, "has neither a scheme nor a port; write https://"+u.Host+" or "+u.Host+":PORT")
	case u.Scheme != "http" && u.Scheme != "https":
		v.fail(field, "the URL needs a port, because only http and https have a known one; write "+u.Scheme+"://"+u.Host+":PORT")
	}
}

// plainHost returns a host name as policies name it: DNS tells neither case nor a final dot apart.
func plainHost(s string) string { return strings.TrimSuffix(strings.ToLower(s), ".") }
