package lattice.outputs

# METADATA
# title: Everything says who manages it
# labels: {id: managed-by, severity: low}
deny_labels contains {"msg": msg, "object": o.ref.name, "path": "metadata.labels"} if {
	some o in input.outputs
	not o.document.metadata.labels["app.kubernetes.io/managed-by"]
	msg := sprintf("%s %s has no label app.kubernetes.io/managed-by", [o.ref.kind, o.ref.name])
}

# METADATA
# title: Few replicas
warn_replicas contains {"msg": "it runs once", "object": o.ref.name, "path": "spec.replicas"} if {
	some o in input.outputs
	o.ref.kind in data.replicated
	o.document.spec.replicas == 1
}
