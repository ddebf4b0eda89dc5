package pipeline

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"

	"github.com/latticenet/lattice-host/abi/bundle"
)

// ParseBundle reads a bundle as [bundle.Parse] does, and also checks that the fields of owners are
// fields. The error satisfies errors.Is with [bundle.ErrBundle].
func ParseBundle(data []byte) (*bundle.Bundle, error) {
	b, err := bundle.Parse(data)
	if err != nil {
		return nil, err
	}
	for i := range b.Outputs {
		o := &b.Outputs[i]
		for _, owner := range o.Owners {
			if err := checkFields(owner); err != nil {
				return nil, &bundle.Error{Err: fmt.Errorf("%.200q: %w", o.Ref, err)}
			}
		}
	}
	return b, nil
}

func checkFields(owner bundle.Owner) error {
	if owner.Fields == nil {
		return nil
	}
	set, err := parseFields(owner.Fields)
	if err != nil {
		return errors.New(oneLine(err.Error()))
	}
	again, err := fieldsJSON(set)
	if err != nil {
		return err
	}
	if !bytes.Equal(again, owner.Fields) {
		return fmt.Errorf("the fields of an owner are not fieldsV1: %.80q", owner.Step)
	}
	return nil
}

func parseFields(text []byte) (*fieldpath.Set, error) {
	set := new(fieldpath.Set)
	return set, set.FromJSON(bytes.NewReader(text))
}

// compareResults orders results so that no schedule shows.
func compareResults(a, b bundle.Result) int {
	for _, pair := range [...][2]string{
		{a.Pipeline, b.Pipeline}, {a.Step, b.Step}, {string(a.Severity), string(b.Severity)}, {a.Field, b.Field},
		{a.Message, b.Message},
	} {
		if d := strings.Compare(pair[0], pair[1]); d != 0 {
			return d
		}
	}
	return a.Resource.Compare(b.Resource)
}
