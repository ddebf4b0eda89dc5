package builtins

import "testing"

// maxModuleBytes is how large a built-in module may be: what is compiled on every host pays for
// every byte.
const maxModuleBytes = 3_000_000

func TestModulesAreSmall(t *testing.T) {
	modules, err := Modules()
	if err != nil {
		t.Fatal(err)
	}
	for name, module := range modules {
		if n := len(module.Wasm()); n > maxModuleBytes {
			t.Errorf("%s has %d bytes, at most %d are allowed", name, n, maxModuleBytes)
		}
	}
}
