package engine

import (
	"fmt"
	"slices"
	"strings"

	"github.com/latticenet/lattice-host/internal/problem"
	"github.com/latticenet/lattice-host/registry/market"
)

// countFailures notes which plugins failed in a run, or that none did, and says loudly when one is
// disabled because of it.
func (s *setup) countFailures(plugins *Plugins, err error) {
	if plugins == nil {
		return
	}
	ran := plugins.loaded()
	failed := failedPlugins(err)
	if err != nil {
		// Whether the others would have answered is not known.
		ran = nil
	}
	disabled, countErr := s.Home.Count(failed, ran)
	if countErr != nil {
		s.log.Warn("the failures of plugins cannot be counted: " + countErr.Error())
	}
	for _, path := range disabled {
		s.log.Error(fmt.Sprintf("%s: failed %d times in a row and is disabled now; nothing that needs it is derived until you run "+
			"lattice-host enable %s", path, market.MaxFailures, path))
	}
}

// failedPlugins returns the plugins, publisher/name, that are to blame for an error, sorted and
// each once.
func failedPlugins(err error) []string {
	var failed []string
	for _, p := range problem.From(err) {
		if path, _, _ := strings.Cut(p.Plugin, "@"); path != "" && p.Code == problem.Plugin {
			failed = append(failed, path)
		}
	}
	slices.Sort(failed)
	return slices.Compact(failed)
}
