module github.com/latticenet/lattice-host/wasm-tests/cedar

go 1.26.0

require (
	github.com/google/go-cmp v0.7.0
	github.com/latticenet/lattice-host v0.0.0
)

require (
	github.com/cedar-policy/cedar-go v1.9.0 // indirect
	github.com/go-json-experiment/json v0.0.0-20260820222146-c27c302e5fc3 // indirect
	go.yaml.in/yaml/v3 v3.0.6 // indirect
	golang.org/x/exp v0.0.0-20220921023135-46d9e7742f1e // indirect
)

replace github.com/latticenet/lattice-host => ../..
