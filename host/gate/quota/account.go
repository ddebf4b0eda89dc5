package quota

import (
	"bytes"
	"encoding/json"
	"errors"
	"iter"
	"maps"
	"math/big"
	"slices"
	"strings"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/host/resource"
	"github.com/latticenet/lattice-host/internal/problem"
)

// workload is the part of a document that makes its demand.
type workload struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Metadata   struct {
		Name        string            `json:"name"`
		Namespace   string            `json:"namespace"`
		Annotations map[string]string `json:"annotations"`
	} `json:"metadata"`
	Spec struct {
		pods
		// Tasks are the pods of a job, which has none of its own.
		Tasks map[string]pods `json:"tasks"`
	} `json:"spec"`
}

// pods is a number of equal pods.
type pods struct {
	Replicas    *int64 `json:"replicas"`
	Autoscaling *struct {
		Max int64 `json:"max"`
	} `json:"autoscaling"`
	Sidecars map[string]container `json:"sidecars"`
	Workload struct {
		Containers map[string]container `json:"containers"`
		Resources  map[string]struct {
			Type   string `json:"type"`
			Params struct {
				Count *int64 `json:"count"`
			} `json:"params"`
		} `json:"resources"`
	} `json:"workload"`
}

type container struct {
	Resources struct {
		Requests struct {
			CPU    string `json:"cpu"`
			Memory string `json:"memory"`
		} `json:"requests"`
	} `json:"resources"`
}

// counted is a workload and its demand.
type counted struct {
	kind, id, namespace, owner string
	demand                     Amounts
	// silent is the field of a sidecar that requests nothing: nothing is reserved for it, and it
	// may use whatever is left. It is "" when all request something.
	silent string
}

// uncountable says which field has the wrong type.
func uncountable(err error) error {
	var wrong *json.UnmarshalTypeError
	if errors.As(err, &wrong) {
		// The decoder names the embedded struct, which is not in the document.
		field := strings.Replace(strings.TrimPrefix(wrong.Field, "."), "spec.pods.", "spec.", 1)
		return problem.Problem{
			Field: field, Message: "has the wrong type, so that quotas cannot count it", Cause: err,
		}
	}
	return problem.Problem{Message: "the document is not JSON, so that quotas cannot count it", Cause: err}
}

// count reads a document. It returns nil for one of a kind that is not counted.
func count(document json.RawMessage) (*counted, error) {
	var w workload
	if err := json.Unmarshal(document, &w); err != nil {
		return nil, uncountable(err)
	}
	if !resource.IsWorkload(abi.Ref{APIVersion: w.APIVersion, Kind: w.Kind}.GroupKind()) {
		return nil, nil
	}
	c := &counted{kind: w.Kind, namespace: w.Metadata.Namespace, owner: w.Metadata.Annotations[OwnerAnnotation]}
	c.id = w.Metadata.Namespace + "/" + w.Metadata.Name
	c.demand = Amounts{}
	for field, p := range w.groups() {
		if err := c.add(field, p); err != nil {
			return nil, problem.Problem{Object: w.Kind + " " + c.id, Field: err.field, Message: err.message}
		}
	}
	return c, nil
}

// groups yields the pods of a workload by the path of what describes them: those of a service, or
// those of each task of a job.
func (w *workload) groups() iter.Seq2[string, *pods] {
	return func(yield func(string, *pods) bool) {
		if w.Spec.Tasks == nil {
			yield("spec", &w.Spec.pods)
			return
		}
		for _, name := range slices.Sorted(maps.Keys(w.Spec.Tasks)) {
			if task := w.Spec.Tasks[name]; !yield("spec.tasks."+name, &task) {
				return
			}
		}
	}
}

// add counts the pods that field describes.
func (c *counted) add(field string, p *pods) *fieldProblem {
	one, silent, err := p.requests(field)
	if err != nil {
		return err
	}
	if c.silent == "" {
		c.silent = silent
	}
	replicas := int64(1)
	if p.Replicas != nil {
		replicas = *p.Replicas
	}
	if replicas < 0 {
		return &fieldProblem{field + ".replicas", "is negative"}
	}
	if a := p.Autoscaling; a != nil {
		replicas = max(a.Max, replicas)
	}
	demand := one.times(replicas)
	for _, key := range keys() {
		c.demand.add(key, demand.of(key))
	}
	return nil
}

// fieldProblem is a field that makes a demand uncountable.
type fieldProblem struct{ field, message string }

// one is what one replica requests: thousandths of a core, bytes and a count, none of them rounded
// yet.
type one struct {
	cpu, memory *big.Rat
	gpus        *big.Int
}

// times returns the demand of some replicas.
func (o one) times(replicas int64) Amounts {
	n := new(big.Rat).SetInt64(replicas)
	return Amounts{
		CPU: whole(new(big.Rat).Mul(o.cpu, n), true), Memory: whole(new(big.Rat).Mul(o.memory, n), true),
		GPU: new(big.Int).Mul(o.gpus, big.NewInt(replicas)),
	}
}

// requests returns what all containers of one replica request, init containers included: it is
// never less than what the cluster reserves. A missing request cannot be counted, and is
// no request for nothing; but a sidecar may name no resources, and silent is its field then.
func (p *pods) requests(in string) (demand one, silent string, wrong *fieldProblem) {
	cpu, memory := new(big.Rat), new(big.Rat)
	sidecars := in + ".sidecars"
	for _, group := range [...]struct {
		field      string
		containers map[string]container
	}{{sidecars, p.Sidecars}, {in + ".workload.containers", p.Workload.Containers}} {
		for _, name := range slices.Sorted(maps.Keys(group.containers)) {
			field := group.field + "." + name + ".resources.requests"
			requests := group.containers[name].Resources.Requests
			cores, bytes := resource.Cores(requests.CPU), resource.Bytes(requests.Memory)
			switch {
			case group.field == sidecars && requests.CPU == "" && requests.Memory == "":
				silent = field
				continue
			case cores == nil:
				return one{}, "", &fieldProblem{field + ".cpu", "is missing or wrong, so that quotas cannot count it"}
			case bytes == nil:
				return one{}, "", &fieldProblem{field + ".memory", "is missing or wrong, so that quotas cannot count it"}
			}
			cpu.Add(cpu, cores)
			memory.Add(memory, bytes)
		}
	}
	gpus, wrong := p.gpus(in)
	return one{cpu.Mul(cpu, big.NewRat(1000, 1)), memory, gpus}, silent, wrong
}

func (p *pods) gpus(in string) (*big.Int, *fieldProblem) {
	n := new(big.Int)
	for _, name := range slices.Sorted(maps.Keys(p.Workload.Resources)) {
		r := p.Workload.Resources[name]
		if r.Type != GPU {
			continue
		}
		if r.Params.Count == nil || *r.Params.Count < 0 {
			return nil, &fieldProblem{in + ".workload.resources." + name + ".params.count", "is missing or wrong, so that quotas cannot count it"}
		}
		n.Add(n, big.NewInt(*r.Params.Count))
	}
	return n, nil
}

// Account is the quotas and what all workloads ask for. It changes by [Account.Replace] only.
type Account struct {
	quotas []Quota
	groups Namespaces
	used   []Amounts
	// own are the workloads by namespace/name.
	own map[string]*counted
}

// New returns the account of workloads: every document that runs pods, as JSON with all defaults;
// documents of other kinds are skipped. A workload that is a duplicate counts once, as it is
// the last time.
func New(quotas []Quota, workloads []json.RawMessage, groups Namespaces) (*Account, error) {
	a := &Account{groups: maps.Clone(groups), own: map[string]*counted{}}
	for _, q := range quotas {
		if q.Enabled {
			a.quotas = append(a.quotas, q)
		}
	}
	slices.SortFunc(a.quotas, func(p, q Quota) int { return strings.Compare(p.Name, q.Name) })
	for _, document := range workloads {
		c, err := count(document)
		if err != nil {
			return nil, err
		}
		if c != nil {
			a.own[c.id] = c
		}
	}
	a.used = make([]Amounts, len(a.quotas))
	for i := range a.used {
		a.used[i] = Amounts{}
	}
	for _, c := range a.own {
		a.book(c, 1)
	}
	return a, nil
}

// book adds the demand of a workload to what is used of each quota that applies, so many times.
func (a *Account) book(c *counted, times int64) {
	for i := range a.quotas {
		if !a.applies(&a.quotas[i], c) {
			continue
		}
		for _, key := range keys() {
			a.used[i].add(key, new(big.Int).Mul(c.demand.of(key), big.NewInt(times)))
		}
	}
}

// Replace counts after in place of before, two states of one workload; either may be nil. What it
// costs does not depend on how many workloads there are. Nothing may read the account meanwhile.
// When after cannot be counted, the error says why, and nothing has changed.
func (a *Account) Replace(before, after json.RawMessage) error {
	var gone, added *counted
	var err error
	if after != nil {
		if added, err = count(after); err != nil {
			return err
		}
	}
	if before != nil {
		if gone, err = count(before); err != nil {
			return err
		}
	}
	if gone != nil && a.own[gone.id] != nil {
		a.book(a.own[gone.id], -1)
		delete(a.own, gone.id)
	}
	if added != nil {
		a.own[added.id] = added
		a.book(added, 1)
	}
	return nil
}

// Unknown returns the namespaces of workloads of which it is not known whether they are in a group
// that a quota limits, sorted. Without such a quota it returns nil.
func (a *Account) Unknown() []string {
	if !slices.ContainsFunc(a.quotas, func(q Quota) bool { return q.Principal.Type == TypeGroup }) {
		return nil
	}
	var unknown []string
	for _, c := range a.own {
		if _, known := a.groups[c.namespace]; !known {
			unknown = append(unknown, c.namespace)
		}
	}
	slices.Sort(unknown)
	return slices.Compact(unknown)
}

func (a *Account) applies(q *Quota, c *counted) bool {
	switch q.Principal.Type {
	case "Service":
		return q.Principal.ID == c.id
	case TypeGroup:
		return q.Principal.ID == a.groups[c.namespace]
	default:
		return q.Principal.ID == c.owner
	}
}

// Fact is what one quota says about one key of a workload's demand.
type Fact struct {
	// Quota is LatticeQuota/name, Principal whom it limits.
	Quota     string `json:"quota"`
	Principal string `json:"principal"`
	Key       string `json:"key"`
	// Requested is the workload's demand. The others are absent where the quota does not limit the
	// key: Limit is for all workloads, Remaining what the others leave of it, never less than 0.
	Requested      *big.Int `json:"requested"`
	Limit          *big.Int `json:"limit,omitempty"`
	Remaining      *big.Int `json:"remaining,omitempty"`
	MaxPerWorkload *big.Int `json:"maxPerWorkload,omitempty"`
	// Text has the amounts as people write them.
	Text struct {
		Requested      string `json:"requested"`
		Limit          string `json:"limit,omitempty"`
		Remaining      string `json:"remaining,omitempty"`
		MaxPerWorkload string `json:"maxPerWorkload,omitempty"`
	} `json:"text"`
}

// Facts returns what the quotas say about a workload, by quota and key; nothing for a kind that is
// not counted. What the account has of the same workload is what it was, and does not count against
// it.
func (a *Account) Facts(document json.RawMessage) ([]Fact, error) {
	c, err := count(document)
	if err != nil || c == nil {
		return nil, err
	}
	var facts []Fact
	for i := range a.quotas {
		q := &a.quotas[i]
		if !a.applies(q, c) {
			continue
		}
		before := Amounts{}
		if own := a.own[c.id]; own != nil && a.applies(q, own) {
			before = own.demand
		}
		for _, key := range keys() {
			if q.Limits[key] == nil && q.MaxPerWorkload[key] == nil {
				continue
			}
			others := new(big.Int).Sub(a.used[i].of(key), before.of(key))
			if c.silent != "" && key != GPU {
				return nil, problem.Problem{
					Object: c.kind + " " + c.id, Field: c.silent, Message: "is missing, and " + q.String() + " counts what is requested; write cpu and memory",
				}
			}
			facts = append(facts, q.fact(key, c.demand.of(key), others))
		}
	}
	return facts, nil
}

func (q *Quota) fact(key string, requested, others *big.Int) Fact {
	f := Fact{Quota: q.String(), Principal: q.Principal.String(), Key: key, Requested: requested}
	f.Text.Requested = format(key, requested)
	if limit := q.Limits[key]; limit != nil {
		f.Limit, f.Remaining = limit, new(big.Int).Sub(limit, others)
		if f.Remaining.Sign() < 0 {
			f.Remaining.SetInt64(0)
		}
		f.Text.Limit, f.Text.Remaining = format(key, limit), format(key, f.Remaining)
	}
	if most := q.MaxPerWorkload[key]; most != nil {
		f.MaxPerWorkload, f.Text.MaxPerWorkload = most, format(key, most)
	}
	return f
}

// Text returns quotas and groups in one form, whatever files they came from and in whatever order.
func Text(quotas []Quota, groups Namespaces) ([]byte, error) {
	sorted := slices.Clone(quotas)
	slices.SortFunc(sorted, func(p, q Quota) int { return strings.Compare(p.Name, q.Name) })
	for i := range sorted {
		sorted[i].Position = problem.Position{}
	}
	return json.Marshal(struct {
		Quotas     []Quota
		Namespaces Namespaces
	}{sorted, groups})
}

// Document returns facts as the value of quota in the input of rules.
func Document(facts []Fact) ([]any, error) {
	text, err := json.Marshal(facts)
	if err != nil {
		return nil, err
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	list := []any{}
	if err := d.Decode(&list); err != nil {
		return nil, err
	}
	if list == nil {
		list = []any{}
	}
	return list, nil
}
