package cedar

import (
	_ "embed" // the schema
	"fmt"

	"github.com/cedar-policy/cedar-go/types"
	"github.com/cedar-policy/cedar-go/x/exp/schema"
	"github.com/cedar-policy/cedar-go/x/exp/schema/resolved"
	"github.com/cedar-policy/cedar-go/x/exp/schema/validate"

	"github.com/latticenet/lattice-host/host/gate"
)

//go:embed schema.cedarschema
var schemaText string

const schemaFile = "schema.cedarschema"

// checker checks policies and requests against the schema.
type checker struct {
	schema    *resolved.Schema
	validator *validate.Validator
}

func newChecker() (*checker, error) {
	var s schema.Schema
	s.SetFilename(schemaFile)
	if err := s.UnmarshalCedar([]byte(schemaText)); err != nil {
		return nil, fmt.Errorf("%s: %w", schemaFile, err)
	}
	r, err := s.Resolve()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", schemaFile, err)
	}
	return &checker{schema: r, validator: validate.New(r, validate.WithStrict())}, nil
}

// entityType returns the type with its namespace.
func entityType(name string) types.EntityType { return types.EntityType(gate.Namespace + "::" + name) }

// actionUID returns the action with its namespace.
func actionUID(name string) types.EntityUID {
	return types.NewEntityUID(entityType("Action"), types.String(name))
}
