package schemas

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"github.com/latticenet/lattice-host/wasm-tests/schemas/internal/yamlstream"
	"golang.org/x/sync/errgroup"
	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	structuralschema "k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/listtype"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/objectmeta"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/pruning"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"
	celconfig "k8s.io/apiserver/pkg/apis/cel"
	"sigs.k8s.io/yaml"
)

// customKind is one served version of one CRD.
type customKind struct {
	scope   scope
	compile func() (*compiledSchema, error)
}

type compiledSchema struct {
	structural *structuralschema.Structural
	schema     validation.SchemaValidator
	rules      *cel.Validator
}

func (v *Validator) load(dir string) error {
	files, err := filepath.Glob(filepath.Join(dir, "*.yaml"))
	if err != nil {
		return fmt.Errorf("CRD folder %s: %w", dir, err)
	}
	if len(files) == 0 {
		return fmt.Errorf("CRD folder %s: no *.yaml file; fill it with fetch-crds", dir)
	}
	// Decoding megabytes of YAML is the greater part of New, and the files do not depend on each
	// other.
	crds := make([][]*apiextensionsv1.CustomResourceDefinition, len(files))
	var group errgroup.Group
	for i, file := range files {
		group.Go(func() (err error) {
			crds[i], err = readCRDs(file)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	for _, crd := range slices.Concat(crds...) {
		if err := v.add(crd); err != nil {
			return err
		}
	}
	for _, versions := range v.served {
		slices.Sort(versions)
	}
	return nil
}

// readCRDs is strict: a part of a schema that this version of the decoder did not know would
// otherwise be a rule that silently does not apply.
func readCRDs(file string) ([]*apiextensionsv1.CustomResourceDefinition, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var crds []*apiextensionsv1.CustomResourceDefinition
	for number, text := range yamlstream.Split(data) {
		crd := &apiextensionsv1.CustomResourceDefinition{}
		if err := yaml.UnmarshalStrict(text, crd); err != nil {
			return nil, fmt.Errorf("%s: document %d: %w", file, number+1, err)
		}
		if crd.Kind == "" && crd.Name == "" {
			continue // comments only
		}
		if crd.APIVersion != apiextensionsv1.SchemeGroupVersion.String() || crd.Kind != "CustomResourceDefinition" {
			return nil, fmt.Errorf("%s: document %d: %s %s is not a CRD", file, number+1, crd.APIVersion, crd.Kind)
		}
		crds = append(crds, crd)
	}
	if len(crds) == 0 {
		return nil, fmt.Errorf("%s: no CRD", file)
	}
	return crds, nil
}

func (v *Validator) add(crd *apiextensionsv1.CustomResourceDefinition) error {
	internal := &apiextensions.CustomResourceDefinition{}
	if err := apiextensionsv1.Convert_v1_CustomResourceDefinition_To_apiextensions_CustomResourceDefinition(crd, internal, nil); err != nil {
		return fmt.Errorf("CRD %s: %w", crd.Name, err)
	}
	where := scopeNamespace
	if crd.Spec.Scope == apiextensionsv1.ClusterScoped {
		where = scopeCluster
	}
	for _, version := range crd.Spec.Versions {
		if !version.Served {
			continue
		}
		gvk := schema.GroupVersionKind{Group: crd.Spec.Group, Version: version.Name, Kind: crd.Spec.Names.Kind}
		if v.custom[gvk] != nil {
			return fmt.Errorf("CRD %s: %s is defined twice in the folder", crd.Name, gvk)
		}
		v.custom[gvk] = &customKind{
			scope: where,
			compile: sync.OnceValues(func() (*compiledSchema, error) {
				compiled, err := compileSchema(internal, version.Name)
				if err != nil {
					return nil, fmt.Errorf("CRD %s: version %s: %w", crd.Name, version.Name, err)
				}
				return compiled, nil
			}),
		}
		v.served[gvk.GroupKind()] = append(v.served[gvk.GroupKind()], version.Name)
	}
	return nil
}

func compileSchema(crd *apiextensions.CustomResourceDefinition, version string) (*compiledSchema, error) {
	declared, err := apiextensions.GetSchemaForVersion(crd, version)
	if err != nil {
		return nil, err
	}
	if declared == nil || declared.OpenAPIV3Schema == nil {
		return nil, errors.New("no schema")
	}
	structural, err := structuralschema.NewStructural(declared.OpenAPIV3Schema)
	if err != nil {
		return nil, err
	}
	if errs := structuralschema.ValidateStructural(nil, structural); len(errs) > 0 {
		return nil, errs.ToAggregate()
	}
	// Defaults may carry fields that the schema does not have; a server drops them before it uses
	// them.
	if err := defaulting.PruneDefaults(structural); err != nil {
		return nil, err
	}
	schemaValidator, _, err := validation.NewSchemaValidator(declared.OpenAPIV3Schema)
	if err != nil {
		return nil, err
	}
	return &compiledSchema{
		structural: structural,
		schema:     schemaValidator,
		rules:      cel.NewValidator(structural, true, celconfig.PerCallLimit),
	}, nil
}

// validate goes through the steps of a create request in a server's order: what is dropped or
// filled in first decides what the later steps see.
func (k *customKind) validate(instance map[string]any) []error {
	compiled, err := k.compile()
	if err != nil {
		return []error{err}
	}
	errs := checkUntypedMeta(instance, k.scope)

	errs = append(errs, unknownFields(pruning.PruneWithOptions(instance, compiled.structural, true,
		structuralschema.UnknownFieldPathOptions{TrackUnknownFieldPaths: true}))...)
	defaulting.PruneNonNullableNullsWithoutDefaults(instance, compiled.structural)
	malformed, unknown := objectmeta.CoerceWithOptions(nil, instance, compiled.structural, false,
		objectmeta.CoerceOptions{ReturnUnknownFieldPaths: true})
	errs = append(errs, unknownFields(unknown)...)
	if malformed != nil {
		return append(errs, malformed)
	}
	defaulting.Default(instance, compiled.structural)
	defaulting.PruneNonNullableNullsWithoutDefaults(instance, compiled.structural)

	found := validation.ValidateCustomResource(nil, instance, compiled.schema)
	found = append(found, objectmeta.Validate(nil, instance, compiled.structural, false)...)
	found = append(found, listtype.ValidateListSetsAndMaps(nil, compiled.structural, instance)...)
	if compiled.rules != nil && !slices.ContainsFunc(found, blocksRules) {
		broken, _ := compiled.rules.Validate(context.Background(), nil, compiled.structural, instance, nil, celconfig.RuntimeCELCostBudget)
		found = append(found, broken...)
	}
	return append(errs, plain(found)...)
}

// blocksRules tells which errors make CEL rules meaningless: they are compiled against the schema,
// and on an object of another shape they would fail for reasons that tell the reader nothing.
func blocksRules(err *field.Error) bool {
	switch err.Type {
	case field.ErrorTypeRequired, field.ErrorTypeNotSupported, field.ErrorTypeTooLong, field.ErrorTypeTooMany, field.ErrorTypeTypeInvalid:
		return true
	default:
		return false
	}
}
