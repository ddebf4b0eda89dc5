package pipeline

import (
	_ "embed"

	"sigs.k8s.io/structured-merge-diff/v6/typed"

	"github.com/latticenet/lattice-host/abi"
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
	return s.parser.Type(mergeType(kind))
}

func mergeType(kind abi.GroupKind) string {
	switch kind.Group {
	case "":
		switch kind.Kind {
		case "Pod":
			return "pod"
		case "Service":
			return "service"
		case "ServiceAccount":
			return "serviceAccount"
		}
	case "apps":
		switch kind.Kind {
		case "Deployment", "StatefulSet", "DaemonSet", "ReplicaSet":
			return "workload"
		}
	case "batch":
		switch kind.Kind {
		case "Job":
			return "workload"
		case "CronJob":
			return "cronJob"
		}
	}
	return "deduced"
}
