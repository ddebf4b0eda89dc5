// Package lattice holds the kinds of lattice.dev/v1alpha1 as the host hands them to plugins and as
// plugins emit them.
//
// The structs carry what users write; what is valid is decided by the host before a plugin sees a
// document. Free keys are sorted slices (cbor.Map), so that nothing derived from them depends on
// the order of a Go map.
package lattice

//go:generate go run github.com/latticenet/lattice-host/abi/codecgen -dir . -roots LatticeService,LatticeMeshMember,LatticeJob,SecretProvider
//go:generate go run github.com/latticenet/lattice-host/abi/codecgen -dir . -schema ../schema -roots LatticeService,LatticeMeshMember,LatticeJob,SecretProvider
//go:generate go run github.com/latticenet/lattice-host/abi/codecgen -dir . -kinds ../../host/resource/kinds -roots LatticeService,LatticeMeshMember,LatticeJob,SecretProvider

// Group is the API group of the kinds.
const Group = "lattice.dev"

// APIVersion is the group and version of the kinds.
const APIVersion = Group + "/v1alpha1"

// The names of the kinds.
const (
	KindService        = "LatticeService"
	KindMeshMember     = "LatticeMeshMember"
	KindJob            = "LatticeJob"
	KindSecretProvider = "SecretProvider"
)
