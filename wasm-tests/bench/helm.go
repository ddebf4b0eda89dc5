//go:build !lattice_nopeers

package main

import (
	"context"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"helm.sh/helm/v4/pkg/chart/common"
	"helm.sh/helm/v4/pkg/chart/common/util"
	chart "helm.sh/helm/v4/pkg/chart/v2"
	"helm.sh/helm/v4/pkg/chart/v2/loader"
	"helm.sh/helm/v4/pkg/engine"
	releaseutil "helm.sh/helm/v4/pkg/release/v1/util"
	"sigs.k8s.io/yaml"
)

// Bars of the cases about Helm.
const (
	barHelm     = 1.5
	barHelmMemo = 0.15
)

// peerGroups are the groups with Helm and kubectl, which take minutes to compile. The build tag
// lattice_nopeers leaves them out.
func peerGroups() []group {
	return []group{
		{"helm", measureHelm},
		{"start", measureStart},
	}
}

// chartNamespace is the namespace of the orders example.
const chartNamespace = "shop"

// loadedChart is the chart that emits what orders derives, in memory.
type loadedChart struct{ chart *chart.Chart }

func loadChart(root string) (*loadedChart, error) {
	c, err := loader.LoadDir(filepath.Join(root, "wasm-tests", "bench", "chart"))
	if err != nil {
		return nil, err
	}
	return &loadedChart{c}, nil
}

// render does what helm template does with a loaded chart up to the text of the files: it merges
// the values and renders the templates. Neither is kept between two renderings, by Helm's own
// design.
func (c *loadedChart) render() (map[string]string, error) {
	options := common.ReleaseOptions{Name: "orders", Namespace: chartNamespace, Revision: 1, IsInstall: true}
	values, err := util.ToRenderValues(c.chart, nil, options, common.DefaultCapabilities)
	if err != nil {
		return nil, err
	}
	return engine.Render(c.chart, values)
}

// objects renders the chart and returns the JSON of every object, in the order of the files.
func (c *loadedChart) objects() ([][]byte, error) {
	files, err := c.render()
	if err != nil {
		return nil, err
	}
	var objects [][]byte
	for _, file := range slices.Sorted(maps.Keys(files)) {
		manifests := releaseutil.SplitManifests(files[file])
		for _, name := range slices.Sorted(maps.Keys(manifests)) {
			if strings.TrimSpace(manifests[name]) == "" {
				continue
			}
			object, err := yaml.YAMLToJSON([]byte(manifests[name]))
			if err != nil {
				return nil, fmt.Errorf("%s: %w", file, err)
			}
			objects = append(objects, object)
		}
	}
	return objects, nil
}

// measureHelm compares deriving orders with rendering a chart that emits the same objects. Both
// begin with values in memory: the decoded document, the loaded chart.
func measureHelm(ctx context.Context, f *fixture) ([]row, error) {
	chart, err := loadChart(f.root)
	if err != nil {
		return nil, err
	}
	render := func() error { _, err := chart.render(); return err }
	parse := func() error { _, err := chart.objects(); return err }
	derive, err := f.derive(ctx, f.sandboxed)
	if err != nil {
		return nil, err
	}
	recall, err := f.derive(ctx, remembered(f.sandboxed))
	if err != nil {
		return nil, err
	}
	return f.compareAll([]comparison{
		{"LatticeService chain / helm template", barHelm, pair{ours: derive, peer: render}},
		{"LatticeService chain, memo / helm template", barHelmMemo, pair{ours: recall, peer: render}},
		{"LatticeService chain / helm template and parse", 0, pair{ours: derive, peer: parse}},
	})
}
