package lattice.admit

# METADATA
# title: Workloads stay within the cap of their quotas
# labels: {severity: high}
deny_quota_cap contains {"id": q.quota, "path": "spec", "msg": msg} if {
	some q in input.quota
	q.requested > q.maxPerWorkload
	msg := sprintf("%s (%s) exceeds per-workload cap (%s)", [q.key, q.text.requested, q.text.maxPerWorkload])
}

# METADATA
# title: Workloads stay within what their quotas have left
# labels: {severity: high}
deny_quota_limit contains {"id": q.quota, "path": "spec", "msg": msg} if {
	some q in input.quota
	q.requested > q.remaining
	msg := sprintf("%s: %s requested but only %s remaining in quota", [q.key, q.text.requested, q.text.remaining])
}
