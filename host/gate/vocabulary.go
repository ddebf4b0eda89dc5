package gate

import "strconv"

// The types of principals, without the namespace.
const (
	// TypeService is a document: a service, a job, a model, a package, and every other kind.
	TypeService = "Service"
	// TypeUser is a person, in any number of [TypeGroup].
	TypeUser  = "User"
	TypeGroup = "Group"
	// TypePlugin is one version of a plugin, in its [TypePublisher]. It is a resource, too.
	TypePlugin    = "Plugin"
	TypePublisher = "Publisher"
)

// The types of resources, without the namespace.
const (
	TypeSecretPath       = "SecretPath"
	TypeVolume           = "Volume"
	TypeExternalEndpoint = "ExternalEndpoint"
	TypeSecurityOverride = "SecurityOverride"
	TypeMesh             = "Mesh"
	TypeImageRef         = "ImageRef"
	TypeQueue            = "Queue"
	TypeNamespace        = "Namespace"
	TypeKind             = "Kind"
	TypeTarget           = "Target"
	TypeCapability       = "Capability"
)

// The actions, by principal and resource. Those of a [TypeService] have an empty context, unless
// they say otherwise.
const (
	// ActionAccessSecret is a service that reads a [TypeSecretPath].
	ActionAccessSecret = "AccessSecret"
	// ActionAccessVolume is a service that mounts a [TypeVolume] of another one. The context is
	// that of [VolumeContext].
	ActionAccessVolume = "AccessVolume"
	// ActionAccessExternalEndpoint is a service that connects to a [TypeExternalEndpoint].
	ActionAccessExternalEndpoint = "AccessExternalEndpoint"
	// ActionAccessNamespace is an object in another [TypeNamespace] than the service's.
	ActionAccessNamespace = "AccessNamespace"
	// ActionOverrideSecurity is a service that gives up a protection, a [TypeSecurityOverride].
	ActionOverrideSecurity = "OverrideSecurity"
	// ActionAllowWildcard is a service that opens a [TypeMesh] direction to everybody.
	ActionAllowWildcard = "AllowWildcard"
	// ActionSkipImageVerification is a service that runs a [TypeImageRef] that nothing pins or no
	// one signed.
	ActionSkipImageVerification = "SkipImageVerification"
	// ActionUseQueue is a service that waits in a [TypeQueue].
	ActionUseQueue = "UseQueue"
	// ActionEmitKind is an output of a [TypeKind] that the host cannot read, or that gives power as
	// a whole.
	ActionEmitKind = "EmitKind"
	// ActionAdmit is a document, which is of a [TypeKind], that is to be derived.
	ActionAdmit = "Admit"
	// ActionExecute is a bundle that is to be applied to a [TypeTarget]. The context is that of
	// [ExecuteContext].
	ActionExecute = "Execute"

	// ActionInstall is a [TypeUser] who installs or updates a [TypePlugin]. The context is that of
	// [InstallContext].
	ActionInstall = "Install"
	// ActionGrant is a user who gives a plugin a capability. The context is that of [GrantContext].
	ActionGrant = "Grant"
	// ActionRunRevoked is a user who runs a plugin although it is revoked.
	ActionRunRevoked = "RunRevoked"

	// ActionUseCapability is a [TypePlugin] that asks the host for a [TypeCapability].
	ActionUseCapability = "UseCapability"
)

// Service returns the principal for a document. The kind is in lower case and without Lattice:
// service, job, cell.
func Service(namespace, name, kind string) Entity {
	return Entity{
		Type: TypeService, ID: namespace + "/" + name,
		Attributes: Record{"namespace": namespace, "name": name, "kind": kind},
	}
}

// User returns the principal for a person.
func User(name string, groups ...string) Entity {
	e := Entity{Type: TypeUser, ID: name}
	for _, g := range groups {
		e.Parents = append(e.Parents, Entity{Type: TypeGroup, ID: g})
	}
	return e
}

// Plugin returns the principal or resource for one version of a plugin. The id is
// publisher/name@version.
func Plugin(publisher, name, version, digest string) Entity {
	return Entity{
		Type: TypePlugin, ID: publisher + "/" + name + "@" + version,
		Attributes: Record{"publisher": publisher, "name": name, "version": version, "digest": digest},
		Parents:    []Entity{{Type: TypePublisher, ID: publisher}},
	}
}

// SecretPath returns the resource for a key of a secret provider.
func SecretPath(provider, path string) Entity {
	return Entity{Type: TypeSecretPath, ID: provider + ":" + path, Attributes: Record{"path": path, "provider": provider}}
}

// Volume returns the resource for a volume.
func Volume(namespace, id string) Entity {
	return Entity{Type: TypeVolume, ID: namespace + "/" + id, Attributes: Record{"namespace": namespace, "volume_id": id}}
}

// AttributeDeclared is an attribute of [TypeExternalEndpoint] that may be there: whether the
// document that everything derives from names this host and port itself.
const AttributeDeclared = "declared"

// ExternalEndpoint returns the resource for what is outside the mesh. The protocol is in lower
// case: tcp, udp, https.
func ExternalEndpoint(host string, port int64, protocol string) Entity {
	return Entity{
		Type: TypeExternalEndpoint, ID: host + ":" + strconv.FormatInt(port, 10),
		Attributes: Record{"host": host, "port": port, "protocol": protocol},
	}
}

// SecurityOverride returns the resource for a protection that is given up, such as
// capability:NET_ADMIN of the category capability.
func SecurityOverride(category, id string) Entity {
	return Entity{Type: TypeSecurityOverride, ID: id, Attributes: Record{"category": category, "override_id": id}}
}

// Mesh returns the resource for a direction: inbound, outbound or advertise.
func Mesh(direction string) Entity { return Entity{Type: TypeMesh, ID: direction} }

// ImageRef returns the resource for an image as it is written, and taken apart. The tag may be a
// digest.
func ImageRef(image, registry, name, tag string) Entity {
	return Entity{Type: TypeImageRef, ID: image, Attributes: Record{"registry": registry, "name": name, "tag": tag}}
}

// Queue returns the resource for a queue of a batch scheduler.
func Queue(name string) Entity {
	return Entity{Type: TypeQueue, ID: name, Attributes: Record{"name": name}}
}

// NamespaceOf returns the resource for a namespace.
func NamespaceOf(name string) Entity {
	return Entity{Type: TypeNamespace, ID: name, Attributes: Record{"name": name}}
}

// KindOf returns the resource for a kind of documents. The id is group/kind, or /kind for the group
// without a name.
func KindOf(group, kind string) Entity {
	return Entity{Type: TypeKind, ID: group + "/" + kind, Attributes: Record{"group": group, "kind": kind}}
}

// Target returns the resource for where bundles go: the kind of the executor, such as directory or
// kubernetes, what it writes to, such as a cluster, and the namespace there.
func Target(kind, name, namespace string) Entity {
	return Entity{
		Type: TypeTarget, ID: kind + ":" + name + "/" + namespace,
		Attributes: Record{"kind": kind, "name": name, "namespace": namespace},
	}
}

// CapabilityOf returns the resource for what a plugin asks the host for: the name of the
// capability, such as http.get, and what it is to be used on, such as a host.
func CapabilityOf(name, target string) Entity {
	return Entity{Type: TypeCapability, ID: name + ":" + target, Attributes: Record{"name": name, "target": target}}
}

// InstallContext returns the context of [ActionInstall]: for how many days the index was not
// refreshed, whether the release is yanked, and whether somebody is there to answer.
func InstallContext(indexStaleDays int64, yanked, interactive bool) Record {
	return Record{"indexStaleDays": indexStaleDays, "yanked": yanked, "interactive": interactive}
}

// ExecuteContext returns the context of [ActionExecute]: for how many days the index has been
// expired, less than 0 while it is not, and whether what somebody else wrote is replaced. What is
// not so is not there.
func ExecuteContext(indexStaleDays int64, force bool) Record {
	switch {
	case indexStaleDays >= 0 && force:
		return Record{"indexStaleDays": indexStaleDays, "force": true}
	case indexStaleDays >= 0:
		return Record{"indexStaleDays": indexStaleDays}
	case force:
		return Record{"force": true}
	}
	return nil
}

// Origin is where a document comes from, which says who may have written it.
type Origin string

// The origins, from what is trusted least to what is trusted most.
const (
	// FromWith is given with --with, or is denied in the run: whichever user started the run wrote
	// or chose it, and no gate let it pass.
	FromWith Origin = "with"
	// FromRun is derived in the run, and judged like all other documents of it.
	FromRun Origin = "run"
	// FromPolicies is one of the policies, which the author of a run does not write.
	FromPolicies Origin = "policies"
)

// Trust orders origins: what is trusted more has a higher number.
func (o Origin) Trust() int {
	switch o {
	case FromPolicies:
		return 2
	case FromRun:
		return 1
	}
	return 0
}

// ContextConsent is the name of what [VolumeContext] holds.
const ContextConsent = "consent"

// VolumeContext returns the context of [ActionAccessVolume]: where the document is from in which
// the volume's owner consents.
func VolumeContext(consent Origin) Record { return Record{ContextConsent: string(consent)} }

// GrantContext returns the context of [ActionGrant]: the capability, what it may be used on, and
// whether somebody is there to answer.
func GrantContext(capability, target string, interactive bool) Record {
	return Record{"capability": capability, "target": target, "interactive": interactive}
}
