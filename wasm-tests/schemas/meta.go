package schemas

import (
	"encoding/json"
	"fmt"

	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/objectmeta"
	"k8s.io/apimachinery/pkg/api/validation"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

type scope int

const (
	scopeNamespace scope = iota
	scopeCluster
)

// checkMeta applies the rules that all kinds share. An object without a namespace passes: the
// request supplies it, and a document may leave it to anyone who applies it. The other way round is
// an error, because a client would put the namespace of a cluster-wide object into the request's
// path, where nothing answers.
func checkMeta(meta metav1.Object, where scope, name validation.ValidateNameFunc) field.ErrorList {
	namespaced := where == scopeNamespace
	if namespaced && meta.GetNamespace() == "" {
		meta.SetNamespace(metav1.NamespaceDefault)
	}
	return validation.ValidateObjectMetaAccessor(meta, namespaced, name, field.NewPath("metadata"))
}

// checkUntypedMeta is checkMeta for objects that have no Go type. Pruning never looks at an
// object's own metadata, so a misspelt field in there has to be found here.
func checkUntypedMeta(instance map[string]any, where scope) []error {
	if instance["metadata"] == nil {
		return []error{field.Required(field.NewPath("metadata"), "")}
	}
	var meta *metav1.ObjectMeta
	var unknown []string
	alone := map[string]any{"metadata": instance["metadata"]}
	errs := withoutMistyped(alone, func(raw []byte) (err error) {
		var partial map[string]any
		if err := json.Unmarshal(raw, &partial); err != nil {
			return err
		}
		meta, _, unknown, err = objectmeta.GetObjectMetaWithOptions(partial, objectmeta.ObjectMetaOptions{
			ReturnUnknownFieldPaths: true,
		})
		return err
	})
	mistyped := len(errs) > 0
	errs = append(errs, unknownFields(unknown)...)
	if mistyped {
		return errs
	}
	return append(errs, plain(checkMeta(meta, where, validation.NameIsDNSSubdomain))...)
}

// unknownFields words its errors like the strict decoder of the core types does.
func unknownFields(paths []string) []error {
	var errs []error
	for _, path := range paths {
		errs = append(errs, fmt.Errorf("unknown field %q", path))
	}
	return errs
}
