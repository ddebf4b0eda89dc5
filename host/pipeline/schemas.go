package pipeline

import (
	_ "embed"

	"sigs.k8s.io/structured-merge-diff/v6/typed"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/internal/outputkind"
)

//go:embed merge.yaml
var mergeSchema string

// schemas say how the fields of kinds merge.
type schemas struct{ parser *typed.Parser }

func newSchemas() (*schemas, error) {
	parser, err := typed.NewParser(typed.YAMLObject(mergeSchema))
	if err != nil {
		return nil, err
	}
	return &schemas{parser}, nil
}

// of returns the type of a kind: deduced from the value when the kind has none of its own.
func (s *schemas) of(kind abi.GroupKind) typed.ParseableType {
	return s.parser.Type(outputkind.Of(kind).Merge)
}
