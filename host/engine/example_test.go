package engine_test

import (
	"context"
	"fmt"

	"github.com/latticenet/lattice-host/host/engine"
	"github.com/latticenet/lattice-host/host/resource"
	"github.com/latticenet/lattice-host/wasm-tests/builtins"
)

// A client reads documents, has them derived and judged, and uses what came out.
func ExampleEngine_Derive() {
	root, err := builtins.Root()
	if err != nil {
		fmt.Println(err)
		return
	}
	// An installation has its plugins in Home, and a sandbox that runs them.
	plugins, err := builtins.NewNative(root)
	if err != nil {
		fmt.Println(err)
		return
	}
	e, err := engine.Open(engine.Config{Plugins: plugins, Caller: "example"})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer e.Close()
	documents, err := resource.Read([]string{root + "/examples/minimal.yaml"}, nil, resource.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	outcome, err := e.Derive(context.Background(), engine.Run{Documents: documents})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, derived := range outcome.Results {
		for _, output := range derived.Bundle.Applied() {
			if output.Ref.Kind == "Deployment" {
				fmt.Println(output.Ref)
			}
		}
	}
	// Output: Deployment.apps default/hello
}
