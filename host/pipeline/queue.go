package pipeline

// queue hands out the steps of a plan, each when those before it are done.
type queue struct {
	plan  *plan
	ready []int
	// open is, by step, how many before it are not done.
	open []int
}

func newQueue(p *plan) *queue {
	q := &queue{plan: p, open: make([]int, len(p.steps))}
	for i := range p.steps {
		for j := range p.steps {
			if p.before[i].has(j) {
				q.open[i]++
			}
		}
		if q.open[i] == 0 {
			q.ready = append(q.ready, i)
		}
	}
	return q
}

// next returns a step that can be run, and false when all wait for others.
func (q *queue) next() (int, bool) {
	if q.empty() {
		return 0, false
	}
	i := q.ready[0]
	q.ready = q.ready[1:]
	return i, true
}

func (q *queue) empty() bool { return len(q.ready) == 0 }

// finish notes that a step is done, well or not.
func (q *queue) finish(i int) {
	for j := range q.open {
		if !q.plan.before[j].has(i) {
			continue
		}
		if q.open[j]--; q.open[j] == 0 {
			q.ready = append(q.ready, j)
		}
	}
}
