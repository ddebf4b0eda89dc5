package abi

import "slices"

// The facts of a [Platform] as manifests name them.
const (
	FactClusterName    = "clusterName"
	FactProvider       = "provider"
	FactTrustDomain    = "trustDomain"
	FactMonitoring     = "monitoring"
	FactAppArmor       = "appArmor"
	FactImageProviders = "imageProviders"
	FactQueues         = "queues"
)

// PlatformFacts returns the names of all facts of a platform, sorted.
func PlatformFacts() []string {
	return []string{FactAppArmor, FactClusterName, FactImageProviders, FactMonitoring, FactProvider, FactQueues, FactTrustDomain}
}

// Only returns a platform of which nothing is known but some facts.
func (p *Platform) Only(facts []string) Platform {
	var out Platform
	for _, fact := range facts {
		switch fact {
		case FactClusterName:
			out.ClusterName = p.ClusterName
		case FactProvider:
			out.Provider = p.Provider
		case FactTrustDomain:
			out.TrustDomain = p.TrustDomain
		case FactMonitoring:
			out.Monitoring = p.Monitoring
		case FactAppArmor:
			out.AppArmor = p.AppArmor
		case FactImageProviders:
			out.ImageProviders = slices.Clone(p.ImageProviders)
		case FactQueues:
			out.Queues = slices.Clone(p.Queues)
		}
	}
	return out
}

// ImageProvider returns the registry of a name, or nil.
func (p *Platform) ImageProvider(name string) *ImageProvider {
	for i := range p.ImageProviders {
		if p.ImageProviders[i].Name == name {
			return &p.ImageProviders[i]
		}
	}
	return nil
}
