package market

import (
	"fmt"
	"strings"

	"github.com/Masterminds/semver/v3"

	"github.com/latticenet/lattice-host/abi"
)

// Software is what runs on a platform: the versions of what manifests ask for as providers, by
// name, such as 2.16.1 of KEDA. Letter case does not matter in names. A nil one says that it is not
// known; one that is empty, that nothing runs there.
type Software map[string]string

// lacks says which software that a plugin needs is missing, or in a version that does not fit;
// nothing when all is, or when it is not known.
func (s Software) lacks(m *abi.Manifest) string {
	if s == nil {
		return ""
	}
	var missing []string
	for _, p := range m.Providers {
		if why := s.lacksProvider(p); why != "" {
			missing = append(missing, "needs "+NameProvider(p)+", and "+why)
		}
	}
	return strings.Join(missing, "; ")
}

func (s Software) lacksProvider(p abi.Provider) string {
	have := ""
	for name, version := range s {
		if strings.EqualFold(name, p.Name) {
			have = version
		}
	}
	if have == "" {
		return "the platform does not have it"
	}
	if p.Version == "" {
		return ""
	}
	wanted, err := semver.NewConstraint(p.Version)
	if err != nil {
		return "this is not a range of versions"
	}
	version, err := semver.NewVersion(have)
	if err != nil {
		return fmt.Sprintf("the platform has %q, which is not a version", have)
	}
	// What a vendor appends to a version, as in 1.31.4-eks.1, does not make it an early one.
	if !wanted.Check(semver.New(version.Major(), version.Minor(), version.Patch(), "", "")) {
		return "the platform has " + have
	}
	return ""
}

// NameProvider returns what a plugin needs in one line.
func NameProvider(p abi.Provider) string { return strings.TrimSpace(p.Name + " " + p.Version) }
