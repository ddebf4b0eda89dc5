package pipeline

import (
	"slices"
	"strconv"
	"strings"

	"github.com/Masterminds/semver/v3"

	"github.com/latticenet/lattice-host/abi"
	"github.com/latticenet/lattice-host/abi/cbor"
	"github.com/latticenet/lattice-host/host/resource"
	"github.com/latticenet/lattice-host/internal/problem"
	"github.com/latticenet/lattice-host/internal/yamldoc"
)

// The platform that is assumed where settings say nothing.
const (
	// DefaultClusterName is the name of the cluster.
	DefaultClusterName = "default"
	// DefaultProvider is the infrastructure.
	DefaultProvider = "docker"
)

// Settings are what an operator sets once for an installation. Make one with [DefaultSettings] or
// [ParseSettings].
type Settings struct {
	// Platform says where outputs will run.
	Platform abi.Platform
	// AllowTags accepts images without a digest.
	AllowTags bool
	// WaiveCPULimit accepts containers without a limit of cpu, which are slowed by one even where a
	// node has nothing else to do.
	WaiveCPULimit bool
	// ApplyIntermediate hands documents that are derived in turn, such as a LatticeMeshMember, to
	// executors, too. What is derived does not depend on it.
	ApplyIntermediate bool
	// Software are the versions of what runs on the platform, such as KEDA, by the names that
	// manifests of plugins have for it; nil when nothing is said. It decides which plugins are
	// installed, and not what they derive.
	Software map[string]string

	steps cbor.Map[settingsValue]
	// platform is the place of the facts in the document of the settings; nil when it has none.
	platform *problem.Position
}

// DefaultSettings returns the settings of an installation that sets nothing.
func DefaultSettings() *Settings {
	s := new(Settings)
	s.fill()
	return s
}

// fill puts defaults where nothing is set.
func (s *Settings) fill() {
	p := &s.Platform
	if p.ClusterName == "" {
		p.ClusterName = DefaultClusterName
	}
	if p.Provider == "" {
		p.Provider = DefaultProvider
	}
	if p.TrustDomain == "" {
		p.TrustDomain = "lattice." + p.ClusterName + ".local"
	}
}

// CBOR returns everything that is set and that derivations depend on, defaults included. Equal
// settings give equal bytes.
func (s *Settings) CBOR() cbor.Raw {
	steps := make(cbor.Map[cbor.Raw], 0, len(s.steps))
	for _, e := range s.steps {
		steps.Set(e.Key, e.Value.raw)
	}
	var m cbor.Map[cbor.Raw]
	m.Set("platform", s.Platform.AppendCBOR(nil))
	m.Set("allowTags", cbor.AppendBool(nil, s.AllowTags))
	if s.WaiveCPULimit {
		m.Set("waiveCPULimit", cbor.AppendBool(nil, true))
	}
	m.Set("steps", appendRawMap(nil, steps))
	return appendRawMap(nil, m)
}

// Documents says what is a valid document of some kinds on the platform.
func (s *Settings) Documents(kinds *resource.Table) resource.Options {
	return resource.Options{AllowTags: s.AllowTags, WaiveCPULimit: s.WaiveCPULimit, Kinds: kinds}
}

// ParseSettings reads a settings document from YAML or JSON, strictly, and fills in the defaults.
// The error is a [problem.List] with the place of everything that is wrong.
func ParseSettings(file string, data []byte) (*Settings, error) {
	opened, documents := yamldoc.Open(file, data, maxDocumentBytes)
	r := reader{opened}
	r.Object = KindSettings
	if len(documents) != 1 {
		if len(r.Problems) == 0 {
			r.Fail(yamldoc.Place{Line: 1, Column: 1}, "", "must hold one settings document, not "+strconv.Itoa(len(documents)))
		}
		return nil, r.Err()
	}
	s := r.settingsDocument(file, documents[0])
	if err := r.Err(); err != nil {
		return nil, err
	}
	s.fill()
	return s, nil
}

func (r reader) settingsDocument(file string, n *yamldoc.Node) *Settings {
	s := new(Settings)
	spec := r.header(n, KindSettings, "spec")["spec"]
	if spec == nil {
		return s
	}
	values := r.Fields(spec, "spec", "platform", "images", "containers", "outputs", "steps")
	if platform := values["platform"]; platform != nil {
		s.Platform, s.Software = r.platform(platform, "spec.platform")
		at := platform.In(file)
		s.platform = &at
	}
	if images := values["images"]; images != nil {
		s.AllowTags = r.Bool(r.Fields(images, "spec.images", "allowTags")["allowTags"], "spec.images.allowTags")
	}
	if containers := values["containers"]; containers != nil {
		const path = "spec.containers"
		s.WaiveCPULimit = r.Bool(r.Fields(containers, path, "waiveCPULimit")["waiveCPULimit"], path+".waiveCPULimit")
	}
	if outputs := values["outputs"]; outputs != nil {
		const path = "spec.outputs"
		s.ApplyIntermediate = r.Bool(r.Fields(outputs, path, "applyIntermediate")["applyIntermediate"], path+".applyIntermediate")
	}
	if steps := values["steps"]; steps != nil {
		for _, m := range r.Mapping(steps, "spec.steps") {
			s.steps.Set(m.Key, r.stepSettings(m))
		}
	}
	return s
}

// WithPlatform returns settings with the facts of a document of the kind Platform, from YAML or
// JSON. The settings must have none of their own. The error is a [problem.List].
func (s *Settings) WithPlatform(file string, data []byte) (*Settings, error) {
	opened, documents := yamldoc.Open(file, data, maxDocumentBytes)
	r := reader{opened}
	r.Object = KindPlatform
	var changed Settings
	switch {
	case len(documents) == 1:
		changed = *s
		changed.Platform, changed.Software = abi.Platform{}, nil
		if spec := r.header(documents[0], KindPlatform, "spec")["spec"]; spec != nil {
			changed.Platform, changed.Software = r.platform(spec, "spec")
		}
	case len(r.Problems) == 0:
		r.Fail(yamldoc.Place{Line: 1, Column: 1}, "", "must hold one platform document, not "+strconv.Itoa(len(documents)))
	}
	if s.platform != nil {
		r.Problems = append(r.Problems, problem.Problem{
			Position: *s.platform, Object: KindSettings, Field: "spec.platform",
			Message: "the facts of the platform are in " + file + ", too; leave them in one of the two files",
		})
	}
	if err := r.Err(); err != nil {
		return nil, err
	}
	changed.fill()
	return &changed, nil
}

// platform reads the facts of a platform, and the versions of its software.
func (r reader) platform(n *yamldoc.Node, path string) (abi.Platform, map[string]string) {
	values := r.Fields(n, path, append(abi.PlatformFacts(), "software")...)
	p := abi.Platform{
		ClusterName: r.Text(values["clusterName"], path+".clusterName"),
		Provider:    r.Text(values["provider"], path+".provider"),
		TrustDomain: r.Text(values["trustDomain"], path+".trustDomain"),
	}
	if p.ClusterName != "" && !isLabel(p.ClusterName) {
		r.fail(values["clusterName"], path+".clusterName", labelRule)
	}
	if providers := knownProviders(); p.Provider != "" && !slices.Contains(providers, p.Provider) {
		r.fail(values["provider"], path+".provider", "must be one of "+strings.Join(providers, ", "))
	}
	if p.TrustDomain != "" && !isTrustDomain(p.TrustDomain) {
		r.fail(values["trustDomain"], path+".trustDomain",
			"must be a SPIFFE trust domain: lower-case letters, digits, dots, hyphens and underscores, at most 255 characters")
	}
	if n := values["monitoring"]; n != nil {
		monitoring := r.Fields(n, path+".monitoring", "enabled", "highlyAvailable")
		p.Monitoring = abi.Monitoring{
			Enabled:         r.Bool(monitoring["enabled"], path+".monitoring.enabled"),
			HighlyAvailable: r.Bool(monitoring["highlyAvailable"], path+".monitoring.highlyAvailable"),
		}
	}
	p.AppArmor = r.Text(values["appArmor"], path+".appArmor")
	if p.AppArmor != "" && p.AppArmor != "RuntimeDefault" {
		r.fail(values["appArmor"], path+".appArmor", "must be RuntimeDefault, or absent where not every node has AppArmor")
	}
	p.ImageProviders = r.imageProviders(values["imageProviders"], path+".imageProviders")
	p.Queues = r.queues(values["queues"], path+".queues")
	return p, r.software(values["software"], path+".software")
}

// imageProviders reads where the credentials of registries are.
func (r reader) imageProviders(n *yamldoc.Node, path string) []abi.ImageProvider {
	if n == nil {
		return nil
	}
	var providers []abi.ImageProvider
	for _, m := range r.Mapping(n, path) {
		at := yamldoc.Join(path, m.Key)
		if !isSubdomain(m.Key) {
			r.Fail(m.Place, at, subdomainRule)
		}
		values := r.Fields(m.Value, at, "provider", "id", "key", "refreshInterval")
		if !r.Require(m.Value, values, at, "provider", "id") || m.Value.Kind != yamldoc.Map {
			continue
		}
		p := abi.ImageProvider{
			Name: m.Key, Provider: r.Text(values["provider"], at+".provider"), ID: r.Text(values["id"], at+".id"),
			Key: r.Text(values["key"], at+".key"), RefreshInterval: r.Text(values["refreshInterval"], at+".refreshInterval"),
		}
		if !isSubdomain(p.Provider) {
			r.fail(values["provider"], at+".provider", "names a SecretProvider and "+subdomainRule)
		}
		if p.ID == "" {
			r.fail(values["id"], at+".id", "is empty; name the credentials as the store does")
		}
		if p.RefreshInterval != "" && !resource.IsRefresh(p.RefreshInterval) {
			r.fail(values["refreshInterval"], at+".refreshInterval", resource.RefreshRule)
		}
		providers = append(providers, p)
	}
	slices.SortFunc(providers, func(a, b abi.ImageProvider) int { return strings.Compare(a.Name, b.Name) })
	return providers
}

// queues reads the names of queues.
func (r reader) queues(n *yamldoc.Node, path string) []string {
	if n == nil {
		return nil
	}
	var queues []string
	for i, item := range r.List(n, path) {
		at := path + "." + strconv.Itoa(i)
		name := r.Text(item, at)
		switch {
		case item.Kind != yamldoc.Text:
		case !isSubdomain(name):
			r.fail(item, at, "names a queue of Volcano and "+subdomainRule)
		case slices.Contains(queues, name):
			r.fail(item, at, "is a duplicate; remove one")
		}
		queues = append(queues, name)
	}
	slices.Sort(queues)
	return queues
}

// software reads versions by name.
func (r reader) software(n *yamldoc.Node, path string) map[string]string {
	if n == nil {
		return nil
	}
	versions := map[string]string{}
	for _, m := range r.Mapping(n, path) {
		// YAML takes 2.16 for a number, and that for 2.160.
		if _, err := semver.NewVersion(m.Value.Text); err != nil || m.Value.Kind != yamldoc.Text {
			r.fail(m.Value, yamldoc.Join(path, m.Key), `must be a version in quotes, such as "2.16.1"`)
			continue
		}
		versions[m.Key] = m.Value.Text
	}
	return versions
}

// knownProviders are the infrastructures of [abi.Platform].
func knownProviders() []string {
	return []string{"docker", "proxmox", "basis", "aws", "gcp", "azure"}
}

// isTrustDomain follows the SPIFFE-ID specification, section 2.1.
func isTrustDomain(s string) bool {
	return len(s) <= 255 && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789.-_") == ""
}

func (r reader) stepSettings(m yamldoc.Member) settingsValue {
	path := yamldoc.Join("spec.steps", m.Key)
	pipeline, step, both := strings.Cut(m.Key, "/")
	if !isLabel(pipeline) || both && !isLabel(step) {
		r.Fail(m.Place, path, "must be the name of a step, or pipeline/step")
	}
	return r.settings(m.Value, path)
}

// checkSteps reports settings for steps that no pipeline has.
func (s *Settings) checkSteps(pipelines []*Pipeline) problem.List {
	var problems problem.List
	for _, e := range s.steps {
		used := slices.ContainsFunc(pipelines, func(p *Pipeline) bool {
			return slices.ContainsFunc(p.Steps, func(step Step) bool {
				return e.Key == step.Name || e.Key == p.Name+"/"+step.Name
			})
		})
		if !used {
			problems = append(problems, problem.Problem{
				Position: e.Value.position(""), Object: KindSettings, Field: yamldoc.Join("spec.steps", e.Key),
				Message: "no pipeline has this step; correct the name or remove the settings",
			})
		}
	}
	return problems
}

// layer is one source of a step's settings.
type layer struct {
	value  settingsValue
	object string
	field  string
}

// stepLayers returns the sources of a step's settings, the strongest last: the pipeline's own,
// those for every step of the name, those for this very step.
func (s *Settings) stepLayers(p *Pipeline, step *Step) []layer {
	var layers []layer
	if step.settings.raw != nil {
		layers = append(layers, layer{step.settings, KindPipeline + " " + p.Name, "spec.steps." + step.Name + ".settings"})
	}
	for _, key := range []string{step.Name, p.Name + "/" + step.Name} {
		if v := s.steps.Get(key); v != nil {
			layers = append(layers, layer{*v, KindSettings, yamldoc.Join("spec.steps", key)})
		}
	}
	return layers
}

// mergeLayers puts the layers over each other: a top-level key of a stronger one replaces that of a
// weaker one. It is nil when there is no layer.
func mergeLayers(layers []layer) cbor.Raw {
	if len(layers) == 0 {
		return nil
	}
	var merged cbor.Map[cbor.Raw]
	for _, l := range layers {
		for _, e := range rawMap(l.value.raw) {
			merged.Set(e.Key, e.Value)
		}
	}
	return appendRawMap(nil, merged)
}

// rawMap reads the top level of an object.
func rawMap(object cbor.Raw) cbor.Map[cbor.Raw] {
	return cbor.DecodeMap(cbor.NewDecoder(object), func(d *cbor.Decoder, v *cbor.Raw) { *v = d.Raw() })
}

// blame returns the layer that a field of the merged settings came from.
func blame(layers []layer, field string) (layer, bool) {
	top, _, _ := strings.Cut(field, ".")
	for i := len(layers) - 1; i >= 0; i-- {
		if _, ok := layers[i].value.at[top]; ok {
			return layers[i], true
		}
	}
	if len(layers) > 0 {
		return layers[len(layers)-1], true
	}
	return layer{}, false
}
