package cedar

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/cedar-policy/cedar-go/types"
	"github.com/cedar-policy/cedar-go/x/exp/schema/resolved"

	"github.com/latticenet/lattice-host/host/gate"
)

// request returns a request and its entities as Cedar takes them. An error is one line and the same
// in every run.
func (c *checker) request(r *gate.Request) (types.Request, types.EntityMap, error) {
	entities := entities{all: types.EntityMap{}}
	principal, err := entities.add(&r.Principal)
	if err != nil {
		return types.Request{}, nil, fmt.Errorf("principal: %w", err)
	}
	res, err := entities.add(&r.Resource)
	if err != nil {
		return types.Request{}, nil, fmt.Errorf("resource: %w", err)
	}
	context, err := record(r.Context)
	if err != nil {
		return types.Request{}, nil, fmt.Errorf("context: %w", err)
	}
	q := types.Request{Principal: principal, Action: actionUID(r.Action), Resource: res, Context: context}
	return q, entities.all, c.conforms(&q, entities.all)
}

// entities are those of one request.
type entities struct {
	all types.EntityMap
	// added counts additions, those of an entity that is there already included.
	added int
}

// add adds an entity and those that it is in.
func (es *entities) add(e *gate.Entity) (types.EntityUID, error) {
	if !utf8.ValidString(e.ID) {
		return types.EntityUID{}, fmt.Errorf("the id %s is not UTF-8", quote(e.ID))
	}
	if es.added++; es.added > maxEntities {
		return types.EntityUID{}, fmt.Errorf("there are more than %d entities", maxEntities)
	}
	attributes, err := record(e.Attributes)
	if err != nil {
		return types.EntityUID{}, err
	}
	parents := make([]types.EntityUID, len(e.Parents))
	for i := range e.Parents {
		if parents[i], err = es.add(&e.Parents[i]); err != nil {
			return types.EntityUID{}, err
		}
	}
	uid := types.NewEntityUID(entityType(e.Type), types.String(e.ID))
	entity := types.Entity{UID: uid, Attributes: attributes, Parents: types.NewEntityUIDSet(parents...)}
	if known, ok := es.all[uid]; ok && !known.Equal(entity) {
		return uid, fmt.Errorf("%s is a duplicate, and differs", e)
	}
	es.all[uid] = entity
	return uid, nil
}

// record converts attributes. Cedar has no fractions and no null, and the host knows no nesting.
func record(r gate.Record) (types.Record, error) {
	values := make(types.RecordMap, len(r))
	for _, name := range slices.Sorted(maps.Keys(r)) {
		v, err := value(r[name])
		if err != nil {
			return types.Record{}, fmt.Errorf("%s: %w", name, err)
		}
		values[types.String(name)] = v
	}
	return types.NewRecord(values), nil
}

func value(v any) (types.Value, error) {
	switch v := v.(type) {
	case string:
		return text(v)
	case int64:
		return types.Long(v), nil
	case bool:
		return types.Boolean(v), nil
	case []string:
		elements := make([]types.Value, 0, len(v))
		for _, s := range v {
			e, err := text(s)
			if err != nil {
				return nil, err
			}
			elements = append(elements, e)
		}
		return types.NewSet(elements...), nil
	}
	return nil, fmt.Errorf("a %T is not one of string, int64, bool and []string", v)
}

func text(s string) (types.Value, error) {
	if !utf8.ValidString(s) {
		return nil, fmt.Errorf("%s is not UTF-8", quote(s))
	}
	return types.String(s), nil
}

// conforms checks a request against the schema. The library decides; as it goes through the
// attributes in no order, what is wrong is found again here, always in the same order.
func (c *checker) conforms(q *types.Request, entities types.EntityMap) error {
	err := c.validator.Request(*q)
	if err == nil {
		err = c.validator.Entities(entities)
	}
	if err == nil {
		return nil
	}
	return fmt.Errorf("it does not fit the schema: %s", c.misfit(q, entities))
}

func (c *checker) misfit(q *types.Request, entities types.EntityMap) string {
	a, ok := c.schema.Actions[q.Action]
	if !ok || a.AppliesTo == nil {
		return fmt.Sprintf("there is no action %s", quote(string(q.Action.ID)))
	}
	if m := wrongType("principal", q.Principal.Type, a.AppliesTo.Principals); m != "" {
		return m
	}
	if m := wrongType("resource", q.Resource.Type, a.AppliesTo.Resources); m != "" {
		return m
	}
	if m := misfits(q.Context, a.AppliesTo.Context); m != "" {
		return "context: " + m
	}
	uids := slices.Collect(maps.Keys(entities))
	slices.SortFunc(uids, func(a, b types.EntityUID) int { return strings.Compare(a.String(), b.String()) })
	for _, uid := range uids {
		if m := c.misfitEntity(entities[uid]); m != "" {
			return uid.String() + ": " + m
		}
	}
	return "the library does not take it"
}

func wrongType(role string, is types.EntityType, want []types.EntityType) string {
	if slices.Contains(want, is) {
		return ""
	}
	names := make([]string, len(want))
	for i, t := range want {
		names[i] = string(t)
	}
	return fmt.Sprintf("the %s must be a %s, not a %s", role, strings.Join(names, " or "), is)
}

func (c *checker) misfitEntity(e types.Entity) string {
	declared, ok := c.schema.Entities[e.UID.Type]
	if !ok {
		return "there is no such entity type"
	}
	if m := misfits(e.Attributes, declared.Shape); m != "" {
		return m
	}
	for p := range e.Parents.All() {
		if !slices.Contains(declared.ParentTypes, p.Type) {
			return fmt.Sprintf("a %s is in no %s", e.UID.Type, firstWrong(e, declared))
		}
	}
	return ""
}

// firstWrong returns the first type, by name, that an entity must not be in.
func firstWrong(e types.Entity, declared resolved.Entity) string {
	var wrong []string
	for p := range e.Parents.All() {
		if !slices.Contains(declared.ParentTypes, p.Type) {
			wrong = append(wrong, string(p.Type))
		}
	}
	return slices.Min(wrong)
}

// misfits returns what is wrong with a record, looking at the names in order.
func misfits(r types.Record, want resolved.RecordType) string {
	for _, name := range slices.Sorted(maps.Keys(want)) {
		v, ok := r.Get(name)
		if !ok && !want[name].Optional {
			return fmt.Sprintf("%s is missing", name)
		}
		if ok && kindOf(v) != kindOfType(want[name].Type) {
			return fmt.Sprintf("%s must be a %s, not a %s", name, kindOfType(want[name].Type), kindOf(v))
		}
	}
	for _, name := range slices.Sorted(r.Keys()) {
		if _, ok := want[name]; !ok {
			return fmt.Sprintf("there is no %s", name)
		}
	}
	return ""
}

func kindOf(v types.Value) string {
	switch v.(type) {
	case types.String:
		return "String"
	case types.Long:
		return "Long"
	case types.Boolean:
		return "Bool"
	case types.Set:
		return "Set"
	}
	return "value"
}

func kindOfType(t resolved.IsType) string {
	switch t.(type) {
	case resolved.StringType:
		return "String"
	case resolved.LongType:
		return "Long"
	case resolved.BoolType:
		return "Bool"
	case resolved.SetType:
		return "Set"
	}
	return "value"
}
