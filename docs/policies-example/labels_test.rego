package lattice.outputs_test

import data.lattice.outputs

deployment(document) := {"ref": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}, "document": document}

test_managed if {
	count(outputs.deny_labels) == 0 with input.outputs as [deployment({"metadata": {"labels": {"app.kubernetes.io/managed-by": "lattice"}}})]
}

test_not_managed if {
	some d in outputs.deny_labels with input.outputs as [deployment({"metadata": {"labels": {}}})]
	d.msg == "Deployment web has no label app.kubernetes.io/managed-by"
}

test_runs_once if {
	count(outputs.warn_replicas) == 1 with input.outputs as [deployment({"spec": {"replicas": 1}})]
}
