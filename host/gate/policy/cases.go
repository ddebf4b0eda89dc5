package policy

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/latticenet/lattice-host/host/gate"
	"github.com/latticenet/lattice-host/host/gate/facts"
	"github.com/latticenet/lattice-host/internal/problem"
	"github.com/latticenet/lattice-host/internal/yamldoc"
)

// maxCases is how many cases one file of tests has.
const maxCases = 1000

// testCase is one case of a file of tests.
type testCase struct {
	Name string `json:"name"`
	// Request is what is asked.
	Request testRequest `json:"request"`
	// Want is allow, deny, no-opinion or error.
	Want string `json:"want"`
	// Policies are the ids of the policies that answer. Without it, any may.
	Policies []string `json:"policies"`

	at problem.Position
}

// testRequest is a [gate.Request] as a test writes it.
type testRequest struct {
	// Principal and Resource are entities such as Service::"media/plex".
	Principal string `json:"principal"`
	Action    string `json:"action"`
	Resource  string `json:"resource"`
	// Groups are the groups that a user is in.
	Groups  []string       `json:"groups"`
	Context map[string]any `json:"context"`
	// Attributes replace those that follow from the ids.
	Attributes struct {
		Principal map[string]any `json:"principal"`
		Resource  map[string]any `json:"resource"`
	} `json:"attributes"`
}

// readCases reads a file of tests of Cedar policies: a list, cases.
func readCases(f *File) ([]testCase, error) {
	r, documents := yamldoc.Open(f.Name, f.Text, maxFileBytes)
	if err := r.Err(); err != nil {
		return nil, err
	}
	start := yamldoc.Place{Line: 1, Column: 1}
	if len(documents) > 1 {
		r.Fail(documents[1].Place, "", "a file of tests is one document; put others into files of their own")
		return nil, r.Err()
	}
	var file struct {
		Cases []*yamldoc.Node `json:"cases"`
	}
	for _, n := range documents {
		r.Decode(n, &file)
	}
	switch n := len(file.Cases); {
	case len(r.Problems) > 0:
	case n == 0:
		r.Fail(start, "cases", "is missing or empty; a file of tests is a list of cases")
	case n > maxCases:
		r.Fail(start, "cases", fmt.Sprintf("there are %d, the limit is %d", n, maxCases))
		return nil, r.Err()
	}
	cases := make([]testCase, len(file.Cases))
	for i, n := range file.Cases {
		r.DecodeAt(n, fmt.Sprintf("cases.%d", i), &cases[i])
		cases[i].at = n.In(f.Name)
	}
	if err := r.Err(); err != nil {
		return nil, err
	}
	return cases, nil
}

// request returns the request of a case.
func (c *testCase) request() (*gate.Request, error) {
	r := &c.Request
	principal, err := entityOf(r.Principal, r.Attributes.Principal)
	if err != nil {
		return nil, fmt.Errorf("request.principal: %w", err)
	}
	if principal.Type == gate.TypeUser {
		principal = gate.User(principal.ID, r.Groups...)
	} else if len(r.Groups) > 0 {
		return nil, errors.New("request.groups: only a User is in groups")
	}
	res, err := entityOf(r.Resource, r.Attributes.Resource)
	if err != nil {
		return nil, fmt.Errorf("request.resource: %w", err)
	}
	context := map[string]any{}
	switch r.Action {
	case "":
		return nil, errors.New("request.action: is missing; name one, such as AccessVolume")
	case gate.ActionInstall:
		context = gate.InstallContext(0, false, true)
	case gate.ActionGrant:
		context = gate.GrantContext("", "", true)
	}
	if context, err = override(context, r.Context); err != nil {
		return nil, fmt.Errorf("request.context: %w", err)
	}
	return &gate.Request{Principal: principal, Action: r.Action, Resource: res, Context: context}, nil
}

// override returns attributes with those of a test in their place.
func override(known, given map[string]any) (gate.Record, error) {
	all := gate.Record{}
	maps.Copy(all, known)
	for _, name := range slices.Sorted(maps.Keys(given)) {
		v, err := attribute(given[name])
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		all[name] = v
	}
	return all, nil
}

// attribute returns a value of YAML as Cedar may have it.
func attribute(v any) (any, error) {
	switch v := v.(type) {
	case string, bool, int64:
		return v, nil
	case int:
		return int64(v), nil
	case []any:
		texts := make([]string, len(v))
		for i := range v {
			s, ok := v[i].(string)
			if !ok {
				return nil, errors.New("a set has texts only")
			}
			texts[i] = s
		}
		return texts, nil
	}
	return nil, errors.New("must be a text, a whole number, true, false or a list of texts")
}

var entityPattern = regexp.MustCompile(`^(?:` + gate.Namespace + `::)?([A-Za-z]+)::("(?:[^"\\]|\\.)*")$`)

// entityOf reads an entity such as Service::"media/plex". What its id says about its attributes
// they have.
func entityOf(text string, attributes map[string]any) (gate.Entity, error) {
	m := entityPattern.FindStringSubmatch(text)
	if m == nil {
		return gate.Entity{}, fmt.Errorf(`%q is not an entity; write it like Service::"media/plex"`, text)
	}
	id, err := strconv.Unquote(m[2])
	if err != nil {
		return gate.Entity{}, fmt.Errorf("%s is not text", m[2])
	}
	e, err := known(m[1], id)
	if err != nil {
		return e, err
	}
	if len(e.Attributes)+len(attributes) > 0 {
		e.Attributes, err = override(e.Attributes, attributes)
	}
	return e, err
}

// known returns an entity with the attributes that its id has.
func known(kind, id string) (gate.Entity, error) {
	left, right := cutLast(id, "/")
	switch kind {
	case gate.TypeService:
		return gate.Service(left, right, "service"), nil
	case gate.TypeVolume:
		return gate.Volume(left, right), nil
	case gate.TypeKind:
		return gate.KindOf(left, right), nil
	case gate.TypeSecretPath:
		provider, path, _ := strings.Cut(id, ":")
		return gate.SecretPath(provider, path), nil
	case gate.TypeExternalEndpoint:
		host, port := cutLast(id, ":")
		n, err := strconv.ParseInt(port, 10, 64)
		if err != nil {
			return gate.Entity{}, fmt.Errorf("%q must be host:port", id)
		}
		return gate.ExternalEndpoint(host, n, "tcp"), nil
	case gate.TypeSecurityOverride:
		// The id does not tell the category, so that a test must.
		return gate.Entity{Type: kind, ID: id, Attributes: gate.Record{"override_id": id}}, nil
	case gate.TypeImageRef:
		return facts.Image(id), nil
	case gate.TypeMesh:
		return gate.Mesh(id), nil
	case gate.TypeQueue:
		return gate.Queue(id), nil
	case gate.TypeNamespace:
		return gate.NamespaceOf(id), nil
	case gate.TypeTarget:
		executor, rest, _ := strings.Cut(id, ":")
		name, namespace := cutLast(rest, "/")
		return gate.Target(executor, name, namespace), nil
	case gate.TypeCapability:
		name, target, _ := strings.Cut(id, ":")
		return gate.CapabilityOf(name, target), nil
	case gate.TypePlugin:
		path, version, _ := strings.Cut(id, "@")
		publisher, name, _ := strings.Cut(path, "/")
		return gate.Plugin(publisher, name, version, ""), nil
	case gate.TypeUser:
		return gate.User(id), nil
	}
	return gate.Entity{}, fmt.Errorf("there is no type of entities %q", kind)
}

// cutLast cuts around the last separator; all of s is on the right without a separator.
func cutLast(s, separator string) (left, right string) {
	if i := strings.LastIndex(s, separator); i >= 0 {
		return s[:i], s[i+len(separator):]
	}
	return "", s
}
