package market

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/latticenet/lattice-host/abi"
)

// ErrNeedsConsent marks a plugin that asks for a capability that nobody granted.
var ErrNeedsConsent = errors.New("needs consent")

// checkConsent returns an error for each capability that the manifest asks for and that is not among the granted names.
func checkConsent(m *abi.Manifest, granted []string) error {
	var problems []error
	for _, c := range m.Capabilities {
		if !slices.Contains(granted, c.Name) {
			problems = append(problems, fmt.Errorf("%s: %w: asks to %s, because %s: grant it with --grant %s",
				m.Reference(), ErrNeedsConsent, inWords(c), strconv.Quote(c.Reason), c.Name))
		}
	}
	return errors.Join(problems...)
}

// checkGrants refuses names that are no capability: a typing error must not look like consent.
func checkGrants(granted []string) error {
	for _, name := range granted {
		switch name {
		case abi.CapabilityHTTPGet, abi.CapabilityKV, abi.CapabilityResourcesRead:
		default:
			return fmt.Errorf("%q is not a capability, they are %s, %s and %s",
				name, abi.CapabilityHTTPGet, abi.CapabilityKV, abi.CapabilityResourcesRead)
		}
	}
	return nil
}

// inWords says what a capability allows. What comes from the manifest is quoted, so that it cannot pretend to be ours.
func inWords(c abi.Capability) string {
	switch c.Name {
	case abi.CapabilityHTTPGet:
		hosts := make([]string, len(c.Hosts))
		for i, host := range c.Hosts {
			hosts[i] = strconv.Quote(host)
		}
		return "send GET requests to " + strings.Join(hosts, ", ")
	case abi.CapabilityKV:
		return "keep a small store of its own"
	case abi.CapabilityResourcesRead:
		kinds := make([]string, len(c.Kinds))
		for i, kind := range c.Kinds {
			kinds[i] = kind.String()
		}
		return "read live resources of the kinds " + strings.Join(kinds, ", ")
	}
	return "use " + strconv.Quote(c.Name)
}
