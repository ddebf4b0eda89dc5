//go:build !lattice_norego

package rego

import (
	"bytes"
	_ "embed"
	"fmt"

	"github.com/open-policy-agent/opa/v1/ast"
)

// capabilitiesJSON are the builtins and features that rules may use, in OPA's form. It is a list of
// what is allowed, so that a new version of OPA adds nothing. Left out is whatever looks at more
// than its arguments (clock, time zones, network, random, certificates, which expire), and what
// makes a large value of a small one.
//
//go:embed capabilities.json
var capabilitiesJSON []byte

func capabilities() (*ast.Capabilities, error) {
	c, err := ast.LoadCapabilitiesJSON(bytes.NewReader(capabilitiesJSON))
	if err != nil {
		return nil, fmt.Errorf("capabilities.json: %w", err)
	}
	// Nil would allow a schema to be fetched from any host.
	c.AllowNet = []string{}
	return c, nil
}
