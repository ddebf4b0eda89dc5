package contract

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/abi/cbor"
)

// Code names a rule. There is one code for each rule, and codes do not change.
type Code string

// The rules.
const (
	// Malformed: the answer is not a message of its encoding, or has a value of another type than
	// ABI 1 has there.
	Malformed Code = "malformed"
	// TooLarge: the answer has more than [abi.MaxResponseBytes] bytes.
	TooLarge Code = "too-large"
	// TooMany: a list is longer than the contract allows.
	TooMany Code = "too-many"
	// Missing: a value that must be there is empty.
	Missing Code = "missing"
	// ControlCharacter: text would not show on a terminal as it is.
	ControlCharacter Code = "control-character"
	// APIVersion: an apiVersion is neither version nor group/version.
	APIVersion Code = "api-version"
	// Duplicate: two entries of a list name the same thing.
	Duplicate Code = "duplicate"
	// Undeclared: the manifest does not have the kind or key.
	Undeclared Code = "undeclared"
	// NotAnObject: a document or contributed fields are another value than an object.
	NotAnObject Code = "not-an-object"
	// WrongReference: a document says of itself another thing than its reference.
	WrongReference Code = "wrong-reference"
	// ServerField: a document has a field that only a server sets.
	ServerField Code = "server-field"
	// WriteOnly: a Secret has stringData, which server-side apply does not remove again when a
	// later answer leaves it out (kubernetes/kubernetes#108008).
	WriteOnly Code = "write-only"
	// Null: a document has a null, where a field must be left out.
	Null Code = "null"
	// OwnObject: a step contributes to an object that it emits itself.
	OwnObject Code = "own-object"
	// Severity: a result is neither error nor warning nor info.
	Severity Code = "severity"
)

// Problem is one rule that an answer breaks.
type Problem struct {
	Code Code `json:"code"`
	// Path is the place in the answer, such as outputs.0.document.metadata.uid or
	// results.2.message.
	Path string `json:"path"`
	// Message says what is wrong and what to do. It is one line that a terminal shows as it is.
	Message string `json:"message"`
	// Object is the document that the problem is about, and Field the path in it; zero where it is
	// about none.
	Object abi.Ref `json:"-"`
	Field  string  `json:"-"`
}

// Error returns the path, where there is one, and the message.
func (p *Problem) Error() string {
	if p.Path == "" {
		return p.Message
	}
	return p.Path + ": " + p.Message
}

// MaxProblems is how many problems of one answer are reported.
const MaxProblems = 50

// Read decodes an answer to [abi.OpDerive] in the encoding of the manifest, and checks it. Unknown
// are the keys of the answer that ABI 1 does not have: a host warns of them, a test fails. A
// response that was decoded keeps pointing into data.
func Read(data []byte, m *abi.Manifest) (r *abi.Response, unknown []string, problems []Problem) {
	r = new(abi.Response)
	unknown, err := abi.Decode(data, m.Encoding, abi.MaxResponseBytes, r)
	var malformed *cbor.Error
	switch {
	case abi.IsTooLarge(err):
		return nil, nil, []Problem{{Code: TooLarge, Message: err.Error()}}
	case errors.As(err, &malformed) && malformed.Path != "":
		return nil, nil, []Problem{{Code: Malformed, Path: plain(malformed.Path), Message: plain(malformed.Problem)}}
	case err != nil:
		return nil, nil, []Problem{{Code: Malformed, Message: plain(err.Error())}}
	}
	return r, unknown, Check(r, m)
}

// Check returns what a decoded answer breaks, at most [MaxProblems], in the order of the answer.
// The raw values of the answer must be well-formed, as [abi.Decode] makes sure.
func Check(r *abi.Response, m *abi.Manifest) []Problem {
	c := checker{manifest: m}
	c.count("outputs", len(r.Outputs), abi.MaxOutputs)
	// Each contribution is to another output.
	c.count("contributions", len(r.Contributions), abi.MaxOutputs)
	c.count("results", len(r.Results), abi.MaxResults)
	c.count("requirements", len(r.Requirements), abi.MaxRequirements)
	if len(c.found) > 0 {
		return c.found
	}
	emitted := c.outputs(r.Outputs)
	c.contributions(r.Contributions, emitted)
	c.results(r.Results)
	c.context(r.Context)
	c.requirements(r.Requirements)
	return c.found
}

// CheckResults returns what an answer to [abi.OpValidate] breaks.
func CheckResults(results []abi.Result) []Problem {
	var c checker
	if c.count("results", len(results), abi.MaxResults); len(c.found) == 0 {
		c.results(results)
	}
	return c.found
}

// SameRequirements reports whether two rounds ask for the same, in any order: then the requirements
// have settled.
func SameRequirements(a, b []abi.Requirement) bool {
	return slices.EqualFunc(SortedRequirements(a), SortedRequirements(b), func(x, y abi.Requirement) bool {
		return x.Name == y.Name && x.APIVersion == y.APIVersion && x.Kind == y.Kind && x.Namespace == y.Namespace &&
			x.MatchName == y.MatchName && slices.Equal(x.MatchLabels, y.MatchLabels)
	})
}

// SortedRequirements returns requirements in the order in which they are answered: by name.
func SortedRequirements(requirements []abi.Requirement) []abi.Requirement {
	byName := func(a, b abi.Requirement) int { return strings.Compare(a.Name, b.Name) }
	if slices.IsSortedFunc(requirements, byName) {
		return requirements
	}
	sorted := slices.Clone(requirements)
	slices.SortStableFunc(sorted, byName)
	return sorted
}

// checker collects what is wrong with one answer.
type checker struct {
	manifest *abi.Manifest
	found    []Problem
}

func (c *checker) add(p Problem) {
	if len(c.found) < MaxProblems {
		c.found = append(c.found, p)
	}
}

func (c *checker) fail(code Code, path, message string) {
	c.add(Problem{Code: code, Path: path, Message: message})
}

func (c *checker) count(list string, n, most int) {
	if n > most {
		c.fail(TooMany, list, "has "+strconv.Itoa(n)+" entries, the limit is "+strconv.Itoa(most))
	}
}

// plain refuses text that would not show as it is: a control character could forge a second line or
// move the cursor, a direction mark could turn the rest around.
func (c *checker) plain(path, text string) {
	at := strings.IndexFunc(text, func(r rune) bool {
		return unicode.IsControl(r) || unicode.In(r, unicode.Zl, unicode.Zp, unicode.Bidi_Control)
	})
	if at >= 0 {
		c.fail(ControlCharacter, path, "has a control character at byte "+strconv.Itoa(at)+": "+quoted(text))
	}
}

// reference checks that a reference is complete and can be shown. Only the namespace may be empty.
func (c *checker) reference(path string, r abi.Ref) bool {
	before := len(c.found)
	for _, part := range [...]struct {
		field, value string
		optional     bool
	}{
		{"apiVersion", r.APIVersion, false}, {"kind", r.Kind, false}, {"namespace", r.Namespace, true}, {"name", r.Name, false},
	} {
		at := path + ".ref." + part.field
		if part.value == "" && !part.optional {
			c.fail(Missing, at, "is missing")
		}
		c.plain(at, part.value)
	}
	if r.APIVersion != "" {
		c.apiVersion(path+".ref.apiVersion", r.APIVersion)
	}
	return len(c.found) == before && before < MaxProblems
}

// apiVersion checks that s is version or group/version, and reports whether it is. "/v1" would pass
// for a version of the core group.
func (c *checker) apiVersion(path, s string) bool {
	group, version, found := strings.Cut(s, "/")
	valid := !found && s != "" || group != "" && version != "" && !strings.Contains(version, "/")
	if !valid {
		c.fail(APIVersion, path, "is "+quoted(s)+", must be version or group/version")
	}
	return valid
}

func (c *checker) outputs(outputs []abi.Output) map[abi.Ref]bool {
	seen := make(map[abi.Ref]bool, len(outputs))
	for i, o := range outputs {
		path := "outputs." + strconv.Itoa(i)
		if !c.reference(path, o.Ref) {
			continue
		}
		d := document{checker: c, ref: o.Ref, path: path}
		if seen[o.Ref] {
			d.fail(Duplicate, "", "the step emits the object twice")
			continue
		}
		seen[o.Ref] = true
		if kind := o.Ref.GroupKind(); !slices.Contains(c.manifest.Outputs, kind) {
			d.fail(Undeclared, "", "the manifest does not have "+plain(kind.String())+" in outputs")
			continue
		}
		d.path += ".document"
		d.output(o.Document)
	}
	return seen
}

func (c *checker) contributions(contributions []abi.Contribution, emitted map[abi.Ref]bool) {
	seen := make(map[abi.Ref]bool, len(contributions))
	for i, o := range contributions {
		path := "contributions." + strconv.Itoa(i)
		if !c.reference(path, o.Ref) {
			continue
		}
		d := document{checker: c, ref: o.Ref, path: path}
		switch kind := o.Ref.GroupKind(); {
		case seen[o.Ref]:
			d.fail(Duplicate, "", "the step contributes to the object twice; it must put all fields into one contribution")
			continue
		case emitted[o.Ref]:
			d.fail(OwnObject, "", "the step contributes to an object that it emits itself")
			continue
		case !slices.Contains(c.manifest.Contributes, kind):
			d.fail(Undeclared, "", "the manifest does not have "+plain(kind.String())+" in contributes")
			continue
		}
		seen[o.Ref] = true
		d.path += ".fields"
		d.fields(o.Fields)
	}
}

func (c *checker) results(results []abi.Result) {
	for i, r := range results {
		path := "results." + strconv.Itoa(i)
		if r.Severity != abi.SeverityError && r.Severity != abi.SeverityWarning && r.Severity != abi.SeverityInfo {
			c.fail(Severity, path+".severity", "is "+quoted(string(r.Severity))+", must be error, warning or info")
		}
		if strings.TrimSpace(r.Message) == "" {
			c.fail(Missing, path+".message", "is empty")
		}
		c.plain(path+".message", r.Message)
		c.plain(path+".field", r.Field)
	}
}

func (c *checker) context(entries []abi.ContextEntry) {
	seen := make(map[string]bool, len(entries))
	for i, e := range entries {
		path := "context." + strconv.Itoa(i) + ".key"
		switch {
		case seen[e.Key]:
			c.fail(Duplicate, path, "the step leaves "+quoted(e.Key)+" twice")
		case !slices.Contains(c.manifest.ContextProduced, e.Key):
			c.fail(Undeclared, path, "the manifest does not have "+quoted(e.Key)+" in contextProduced")
		}
		seen[e.Key] = true
	}
}

func (c *checker) requirements(requirements []abi.Requirement) {
	names := make(map[string]bool, len(requirements))
	for i, r := range requirements {
		path := "requirements." + strconv.Itoa(i)
		for _, part := range [...]struct {
			field, value string
			optional     bool
		}{
			{"name", r.Name, false}, {"apiVersion", r.APIVersion, false}, {"kind", r.Kind, false},
			{"namespace", r.Namespace, true}, {"matchName", r.MatchName, true},
		} {
			if part.value == "" && !part.optional {
				c.fail(Missing, path+"."+part.field, "is missing")
			}
			c.plain(path+"."+part.field, part.value)
		}
		if names[r.Name] && r.Name != "" {
			c.fail(Duplicate, path+".name", "the step asks for "+quoted(r.Name)+" twice")
		}
		names[r.Name] = true
		if r.APIVersion == "" || r.Kind == "" {
			continue
		}
		if !c.apiVersion(path+".apiVersion", r.APIVersion) {
			continue
		}
		kind := abi.Ref{APIVersion: r.APIVersion, Kind: r.Kind}.GroupKind()
		if !slices.Contains(c.manifest.Requires, kind) {
			c.fail(Undeclared, path, "the manifest does not have "+plain(kind.String())+" in requires, which "+quoted(r.Name)+" asks for")
		}
	}
}

// maxShown is how much of a text of an answer a message shows, in bytes.
const maxShown = 80

// quoted puts text of an answer in quotes, on one line and shortened.
func quoted(s string) string {
	if len(s) > maxShown {
		s = strings.ToValidUTF8(s[:maxShown], "") + "…"
	}
	return strconv.Quote(s)
}

// plain returns text of an answer without quotes, on one line and shortened.
func plain(s string) string {
	if len(s) > 4*maxShown {
		s = strings.ToValidUTF8(s[:4*maxShown], "") + "…"
	}
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return unicode.ReplacementChar
	}, s)
}
