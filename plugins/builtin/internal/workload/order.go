package workload

import "slices"

// inOrder puts init containers after those that they name, and otherwise leaves containers in their
// order. That the names are known and do not wait for each other was validated.
func inOrder(sidecars []container) {
	for i := range sidecars {
		// The first of the rest that waits for nothing in the rest comes next.
		for j := i; j < len(sidecars); j++ {
			if !waits(&sidecars[j], sidecars[i:]) {
				next := sidecars[j]
				copy(sidecars[i+1:j+1], sidecars[i:j])
				sidecars[i] = next
				break
			}
		}
	}
}

func waits(c *container, rest []container) bool {
	return slices.ContainsFunc(rest, func(o container) bool { return slices.Contains(c.after, o.name) })
}

// warnOrder says in which order init containers run, when nothing in the document does.
func (b *Builder) warnOrder(all []container) {
	names, ordered := "", false
	count := 0
	for i := range all {
		if !all[i].init {
			continue
		}
		count++
		ordered = ordered || len(all[i].after) > 0
		if names != "" {
			names += ", "
		}
		names += all[i].name
	}
	if count > 1 && !ordered {
		b.resp.Info(b.subject.Field+".sidecars", "the init containers run one by one in the order of their names: "+names+
			"; where another order is needed, name in after what comes first")
	}
}
