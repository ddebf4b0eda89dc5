package conformance

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/abi/contract"
)

func TestLaw02_CheckAnswersByTheContract(t *testing.T) {
	t.Parallel()
	says := map[string]Outcome{
		"good":    answered(`{}`),
		"kind":    answered(`{"outputs":[{"ref":{"apiVersion":"v1","kind":"Secret","name":"a"},"document":{}}]}`),
		"unknown": answered(`{"later":1}`),
		"trap":    {Err: errors.New("trapped")},
	}
	p := &fake{encoding: abi.EncodingJSON, says: func(_ int, request string) Outcome { return says[request] }}
	err := CheckAnswers(t.Context(), p, requests("good", "kind", "unknown", "trap")...)
	want := []string{
		"request kind: outputs.0: the manifest does not have Secret in outputs",
		`request unknown: the answer has the key "later", which ABI 1 does not have`,
		"request trap: trapped",
	}
	if diff := cmp.Diff(want, strings.Split(err.Error(), "\n")); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	var problem *contract.Problem
	if !errors.As(err, &problem) || problem.Code != contract.Undeclared {
		t.Errorf("got %+v", problem)
	}
	if err := CheckAnswers(t.Context(), p, Request{Name: "validate", Op: abi.OpValidate, Data: []byte("kind")}); err != nil {
		t.Errorf("settings have another answer: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := CheckAnswers(ctx, p, requests("good")...); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}
