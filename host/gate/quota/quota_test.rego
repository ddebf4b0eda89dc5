package lattice.admit_test

import data.lattice.admit

fact(more) := object.union({"quota": "LatticeQuota/media", "key": "cpu", "requested": 3000}, more)

test_cap if {
	q := fact({"maxPerWorkload": 2000, "text": {"requested": "3", "maxPerWorkload": "2"}})
	admit.deny_quota_cap == {{
		"id": "LatticeQuota/media",
		"path": "spec",
		"msg": "cpu (3) exceeds per-workload cap (2)",
	}} with input.quota as [q]
}

test_cap_reached if {
	q := fact({"maxPerWorkload": 3000, "text": {"requested": "3", "maxPerWorkload": "3"}})
	count(admit.deny_quota_cap) == 0 with input.quota as [q]
}

test_limit if {
	q := fact({"remaining": 2999, "text": {"requested": "3", "remaining": "2999m"}})
	admit.deny_quota_limit == {{
		"id": "LatticeQuota/media",
		"path": "spec",
		"msg": "cpu: 3 requested but only 2999m remaining in quota",
	}} with input.quota as [q]
}

test_limit_reached if {
	q := fact({"remaining": 3000, "text": {"requested": "3", "remaining": "3"}})
	count(admit.deny_quota_limit) == 0 with input.quota as [q]
}
