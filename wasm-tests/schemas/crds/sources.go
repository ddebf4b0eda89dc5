package crds

// A source is one Go module whose release archive contains CRDs.
//
// Modules are used as archives only. Their Go code is never imported: it is heavy, and several of
// them do not resolve.
type source struct {
	module  string
	version string
	// sum is the hash that go.sum would hold. The go command verifies it against the checksum
	// database as well, unless that is switched off, and then this is what still notices an archive
	// that has changed.
	sum   string
	files []file
}

// A file is one file of a source, and the CRDs that are taken from it.
type file struct {
	path string
	// crds are names, <plural>.<group>. All of them must be in the file, and no others: a file that
	// loses or gains one with an update is worth a look.
	crds []string
}

// sources is the only place where a version is written down. After a change of version, the error
// of the next fetch tells the new sum.
//
// Gateway API 1.7.0 exists, but its module demands Go 1.27, and the go command reports that as a
// failed download.
func sources() []source {
	return []source{
		{
			module:  "github.com/cert-manager/cert-manager",
			version: "v1.21.2",
			sum:     "h1:UWgoYM+KLNtRlqmoWOKjKBOBUPVHeepQ6/ac3ERJW68=",
			files: []file{
				{path: "deploy/crds/cert-manager.io_certificates.yaml", crds: []string{"certificates.cert-manager.io"}},
			},
		},
		{
			module:  "github.com/cilium/cilium",
			version: "v1.20.2",
			sum:     "h1:dqiEGIcXc+gqCLYG/l7VCFJ8GHyb4HUrwbZOpkX5dL8=",
			files: []file{
				{path: "pkg/k8s/apis/cilium.io/client/crds/v2/ciliumclusterwidenetworkpolicies.yaml", crds: []string{"ciliumclusterwidenetworkpolicies.cilium.io"}},
				{path: "pkg/k8s/apis/cilium.io/client/crds/v2/ciliumnetworkpolicies.yaml", crds: []string{"ciliumnetworkpolicies.cilium.io"}},
			},
		},
		{
			module:  "github.com/external-secrets/external-secrets",
			version: "v1.3.2",
			sum:     "h1:u2J8RjlHIeF0oZCqtl92adI/uZWUwOesJIDkfql6LqQ=",
			files: []file{
				{path: "config/crds/bases/external-secrets.io_clustersecretstores.yaml", crds: []string{"clustersecretstores.external-secrets.io"}},
				{path: "config/crds/bases/external-secrets.io_externalsecrets.yaml", crds: []string{"externalsecrets.external-secrets.io"}},
			},
		},
		{
			module:  "github.com/kedacore/keda/v2",
			version: "v2.21.0",
			sum:     "h1:R6z2HZvstK4RLUMxroNACzBj74xGxt3kG59b5Xc+Xps=",
			files: []file{
				{path: "config/crd/bases/keda.sh_clustertriggerauthentications.yaml", crds: []string{"clustertriggerauthentications.keda.sh"}},
				{path: "config/crd/bases/keda.sh_scaledjobs.yaml", crds: []string{"scaledjobs.keda.sh"}},
				{path: "config/crd/bases/keda.sh_scaledobjects.yaml", crds: []string{"scaledobjects.keda.sh"}},
				{path: "config/crd/bases/keda.sh_triggerauthentications.yaml", crds: []string{"triggerauthentications.keda.sh"}},
			},
		},
		{
			module:  "istio.io/api",
			version: "v1.31.1",
			sum:     "h1:5Yb5ihcz4YQsCkciusK7DnFpBMwRB6EFWeUKH1Atuyk=",
			files: []file{
				{path: "kubernetes/customresourcedefinitions.gen.yaml", crds: []string{
					"authorizationpolicies.security.istio.io",
					"destinationrules.networking.istio.io",
					"envoyfilters.networking.istio.io",
					"gateways.networking.istio.io",
					"peerauthentications.security.istio.io",
					"proxyconfigs.networking.istio.io",
					"requestauthentications.security.istio.io",
					"serviceentries.networking.istio.io",
					"sidecars.networking.istio.io",
					"telemetries.telemetry.istio.io",
					"trafficextensions.extensions.istio.io",
					"virtualservices.networking.istio.io",
					"wasmplugins.extensions.istio.io",
					"workloadentries.networking.istio.io",
					"workloadgroups.networking.istio.io",
				}},
			},
		},
		{
			module:  "sigs.k8s.io/gateway-api",
			version: "v1.6.3",
			sum:     "h1:lKpJa5bGlraC/QeACvCpsHLdmO6y0iKfzVl6gzaFEYc=",
			files: []file{
				{path: "config/crd/standard/gateway.networking.k8s.io_gateways.yaml", crds: []string{"gateways.gateway.networking.k8s.io"}},
				{path: "config/crd/standard/gateway.networking.k8s.io_grpcroutes.yaml", crds: []string{"grpcroutes.gateway.networking.k8s.io"}},
				{path: "config/crd/standard/gateway.networking.k8s.io_httproutes.yaml", crds: []string{"httproutes.gateway.networking.k8s.io"}},
				{path: "config/crd/standard/gateway.networking.k8s.io_tcproutes.yaml", crds: []string{"tcproutes.gateway.networking.k8s.io"}},
			},
		},
	}
}
