package pipeline

import (
	"bytes"
	"errors"
	"slices"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
	"golang.org/x/text/language"
	"golang.org/x/text/message"

	"github.com/latticenet/lattice-host/abi/cbor"
	"github.com/latticenet/lattice-host/internal/yamldoc"
)

// schemaDraft is the only draft that a settings schema may be written in.
const schemaDraft = "https://json-schema.org/draft/2020-12/schema"

// schemaURL is the base that a settings schema's own references resolve against.
const schemaURL = "lattice:settings"

// noLoader refuses every reference out of the schema: what settings are valid must not depend on a
// network or a file.
type noLoader struct{}

func (noLoader) Load(url string) (any, error) {
	return nil, errors.New("the schema refers to " + url + ", references must stay inside it")
}

// compileSchema reads a settings schema. The error marks a bad plugin.
func compileSchema(raw cbor.Raw) (*jsonschema.Schema, error) {
	document, err := jsonValue(raw)
	if err != nil {
		return nil, err
	}
	if object, ok := document.(map[string]any); ok {
		if draft, ok := object["$schema"]; ok && draft != schemaDraft {
			return nil, badAnswer("the manifest's settingsSchema must be of draft 2020-12")
		}
	}
	compiler := jsonschema.NewCompiler()
	compiler.UseLoader(noLoader{})
	compiler.DefaultDraft(jsonschema.Draft2020)
	compiler.AssertFormat()
	if err := compiler.AddResource(schemaURL, document); err != nil {
		return nil, badAnswer("the manifest's settingsSchema is not a schema: " + firstLine(err))
	}
	schema, err := compiler.Compile(schemaURL)
	if err != nil {
		return nil, badAnswer("the manifest's settingsSchema is not a schema: " + firstLine(err))
	}
	return schema, nil
}

func firstLine(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	return oneLine(line)
}

// jsonValue reads a value into what the validator works on: integers and other numbers keep their
// text.
func jsonValue(raw cbor.Raw) (any, error) {
	text, err := cbor.ToJSON(nil, raw)
	if err != nil {
		return nil, err
	}
	return jsonschema.UnmarshalJSON(bytes.NewReader(text))
}

// objection is one thing that is wrong with settings.
type objection struct {
	field   string
	message string
}

// checkSchema returns what a schema has against settings, sorted.
func checkSchema(schema *jsonschema.Schema, settings cbor.Raw) ([]objection, error) {
	if settings == nil {
		settings = cbor.AppendObjectHeader(nil, 0)
	}
	value, err := jsonValue(settings)
	if err != nil {
		return nil, err
	}
	var invalid *jsonschema.ValidationError
	switch err := schema.Validate(value); {
	case err == nil:
		return nil, nil
	case !errors.As(err, &invalid):
		return nil, err
	}
	var found []objection
	collect(invalid, message.NewPrinter(language.English), &found)
	slices.SortFunc(found, func(a, b objection) int {
		return strings.Compare(a.field+"\x00"+a.message, b.field+"\x00"+b.message)
	})
	return slices.Compact(found), nil
}

// collect keeps the leaves: an inner error only says that the ones below it exist.
func collect(e *jsonschema.ValidationError, p *message.Printer, found *[]objection) {
	field := strings.Join(e.InstanceLocation, ".")
	switch k := e.ErrorKind.(type) {
	case *kind.AdditionalProperties:
		for _, name := range k.Properties {
			*found = append(*found, objection{yamldoc.Join(field, name), "is not a setting of the plugin"})
		}
		return
	case *kind.Required:
		for _, name := range k.Missing {
			*found = append(*found, objection{yamldoc.Join(field, name), "is required"})
		}
		return
	}
	for _, cause := range e.Causes {
		collect(cause, p, found)
	}
	if len(e.Causes) == 0 {
		*found = append(*found, objection{field, oneLine(e.ErrorKind.LocalizedString(p))})
	}
}
