package builtins

import (
	"os"
	"testing"

	"github.com/latticenet/lattice-host/abi/bundle"
	"github.com/latticenet/lattice-host/host/pipeline"
	"github.com/latticenet/lattice-host/host/resource"
)

// formulaBundles derives testdata/formulas/documents.yaml.
func formulaBundles(t *testing.T) []*bundle.Bundle {
	t.Helper()
	root, err := Root()
	if err != nil {
		t.Fatal(err)
	}
	plugins, err := NewNative(root)
	if err != nil {
		t.Fatal(err)
	}
	settings, err := pipeline.ParseSettings("settings.yaml", []byte(`{apiVersion: lattice.dev/v1, kind: Settings, spec: {
		platform: {monitoring: {enabled: true}, imageProviders: {ghcr: {provider: vault, id: registry/pull}}}}}`))
	if err != nil {
		t.Fatal(err)
	}
	const file = "testdata/formulas/documents.yaml"
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	docs, err := resource.Decode(file, data, settings.Documents(nil))
	if err != nil {
		t.Fatal(err)
	}
	engine, err := pipeline.New(t.Context(), pipeline.Config{Plugins: plugins, Settings: settings})
	if err != nil {
		t.Fatal(err)
	}
	bundles, err := engine.DeriveAll(t.Context(), docs)
	if err != nil {
		t.Fatal(err)
	}
	return bundles
}

// formula is one way in which a name or a hash is made, and what it makes of something in
// testdata/formulas. [h 4: text] is the first four bytes of the SHA-256 of the text in hexadecimal;
// each was computed with sha256sum.
type formula struct {
	formula string
	// object is the derived object, KIND/NAME, and path leads to a text in it; an empty path means
	// the object's own name.
	object, path, want string
}

// names are the objects of the documents, with the formula of the name of each.
func names() []formula {
	return []formula{
		{"SERVICE", "ServiceAccount/jellyfin", "", ""},
		{"SERVICE", "Deployment/jellyfin", "", ""},
		{"SERVICE", "StatefulSet/db", "", ""},
		{"SERVICE", "Service/jellyfin", "", ""},
		{"SERVICE-pods", "Service/db-pods", "", ""},
		{"SERVICE", "PodDisruptionBudget/jellyfin", "", ""},
		{"SERVICE", "ScaledObject/jellyfin", "", ""},
		{"SERVICE", "PodGroup/jellyfin", "", ""},
		{"SERVICE", "LatticeMeshMember/jellyfin", "", ""},
		{"SERVICE-CONTAINER-env", "ConfigMap/jellyfin-main-env", "", ""},
		{"SERVICE-CONTAINER-env", "ConfigMap/jellyfin-second-env", "", ""},
		{"SERVICE-CONTAINER-env-secret", "Secret/jellyfin-main-env-secret", "", ""},
		{"SERVICE-CONTAINER-env-eso, one store", "ExternalSecret/sonarr-main-env-eso", "", ""},
		{"SERVICE-CONTAINER-env-eso-N, the stores sorted", "ExternalSecret/jellyfin-main-env-eso-0", "spec.secretStoreRef.name", "aws"},
		{"SERVICE-CONTAINER-env-eso-N, the stores sorted", "ExternalSecret/jellyfin-main-env-eso-1", "spec.secretStoreRef.name", "vault"},
		{"SERVICE-CONTAINER-files", "ConfigMap/jellyfin-main-files", "", ""},
		{"SERVICE-CONTAINER-files-bin", "Secret/jellyfin-main-files-bin", "", ""},
		{"SERVICE-RESOURCE", "ExternalSecret/jellyfin-db", "", ""},
		{"SERVICE-RESOURCE", "ExternalSecret/jellyfin-mail", "", ""},
		{"SERVICE-RESOURCE", "ExternalSecret/sonarr-db", "", ""},
		{"SERVICE-REGISTRY-credentials", "ExternalSecret/jellyfin-ghcr-credentials", "", ""},
		{"SERVICE-CONTAINER-file-KEY, slashes and dots as hyphens", "ExternalSecret/jellyfin-main-file-etc-app-secret-yaml", "", ""},
		{
			"SERVICE-CONTAINER-file-KEY--[h 8: SERVICE/CONTAINER:PATH] where a letter is lost",
			"ExternalSecret/jellyfin-main-file-etc-app-secret-yaml--47be188eb4dc6db1", "", "",
		},
		{"vol-ID", "PersistentVolumeClaim/vol-library", "", ""},
		{"SERVICE-RESOURCE", "PersistentVolumeClaim/jellyfin-state", "", ""},
		{"SERVICE-tls-cert", "Certificate/sonarr-tls-cert", "", ""},
		{"SERVICE-scrape", "VMServiceScrape/jellyfin-scrape", "", ""},
		{"allow-binaries-SERVICE", "TracingPolicyNamespaced/allow-binaries-sonarr", "", ""},
		{"cnp-mesh-[h 4: NAMESPACE/MEMBER]", "CiliumNetworkPolicy/cnp-mesh-3c5caa8d", "", ""},
		{"allow-to-[h 4: NAMESPACE/MEMBER]", "AuthorizationPolicy/allow-to-3c5caa8d", "", ""},
		{"cnp-mesh-[h 4: NAMESPACE/MEMBER]", "CiliumNetworkPolicy/cnp-mesh-f3b53655", "", ""},
		{"allow-to-[h 4: NAMESPACE/MEMBER]", "AuthorizationPolicy/allow-to-f3b53655", "", ""},
		{"allow-plaintext-[h 4: NAMESPACE/MEMBER]", "AuthorizationPolicy/allow-plaintext-f3b53655", "", ""},
		{"permissive-[h 4: NAMESPACE/MEMBER]", "PeerAuthentication/permissive-f3b53655", "", ""},
		{"se-auto-[h 4: NAMESPACE/HOST]", "ServiceEntry/se-auto-d21fa0f2", "", ""},
		{"allow-fqdn-[h 4: NAMESPACE/MEMBER/HOST]", "AuthorizationPolicy/allow-fqdn-716c86ec", "", ""},
		{"allow-wp-to-[h 4: NAMESPACE/MEMBER]", "AuthorizationPolicy/allow-wp-to-3c5caa8d", "", ""},
		{"NAMESPACE-waypoint", "Gateway/media-waypoint", "", ""},
		{"allow-to-waypoint", "AuthorizationPolicy/allow-to-waypoint", "", ""},
		{"NAMESPACE-ingress", "Gateway/media-ingress", "", ""},
		{"SERVICE-ROUTE-route", "HTTPRoute/jellyfin-web-route", "", ""},
		{"SERVICE-ROUTE-redirect", "HTTPRoute/jellyfin-web-redirect", "", ""},
		{"SERVICE-ROUTE-route", "GRPCRoute/jellyfin-rpc-route", "", ""},
		{"SERVICE-ROUTE-route", "TCPRoute/jellyfin-feed-route", "", ""},
		{"SERVICE-ROUTE-cert", "Certificate/jellyfin-web-cert", "", ""},
		{"cnp-gw-[h 4: NAMESPACE/GATEWAY/SERVICE]", "CiliumNetworkPolicy/cnp-gw-6107724d", "", ""},
		{"allow-gw-[h 4: NAMESPACE/GATEWAY/SERVICE]", "AuthorizationPolicy/allow-gw-6107724d", "", ""},
		{"PROVIDER", "ClusterSecretStore/vault", "", ""},
		{"PROVIDER", "ClusterSecretStore/aws", "", ""},

		{"SERVICE", "ServiceAccount/sonarr", "", ""},
		{"SERVICE", "Deployment/sonarr", "", ""},
		{"SERVICE", "Service/sonarr", "", ""},
		{"SERVICE", "LatticeMeshMember/sonarr", "", ""},
		{"SERVICE-CONTAINER-env", "ConfigMap/sonarr-main-env", "", ""},

		{"SERVICE", "ServiceAccount/db", "", ""},
		{"SERVICE", "Service/db", "", ""},
		{"SERVICE", "LatticeMeshMember/db", "", ""},
		{"SERVICE-ROUTE-route", "HTTPRoute/db-web-route", "", ""},
		{"a namespace's first 40 characters-[h 4: NAMESPACE]-ingress where 63 are too few", "Gateway/a-namespace-whose-name-is-so-long-that-i-798abf01-ingress", "", ""},
		{"a namespace's first 45 characters-[h 4: NAMESPACE]-waypoint where 63 are too few", "Gateway/a-namespace-whose-name-is-so-long-that-its-ga-798abf01-waypoint", "", ""},
		{"cnp-mesh-[h 4: NAMESPACE/MEMBER]", "CiliumNetworkPolicy/cnp-mesh-dfac43e4", "", ""},
		{"allow-to-[h 4: NAMESPACE/MEMBER]", "AuthorizationPolicy/allow-to-dfac43e4", "", ""},
		{"allow-wp-to-[h 4: NAMESPACE/MEMBER]", "AuthorizationPolicy/allow-wp-to-dfac43e4", "", ""},
		{"cnp-gw-[h 4: NAMESPACE/GATEWAY/SERVICE], the gateway as it is called", "CiliumNetworkPolicy/cnp-gw-f8290c41", "", ""},
		{"allow-gw-[h 4: NAMESPACE/GATEWAY/SERVICE], the gateway as it is called", "AuthorizationPolicy/allow-gw-f8290c41", "", ""},
		{"se-auto-[h 4: NAMESPACE/ADDRESS]", "ServiceEntry/se-auto-8bd315a2", "spec.hosts.0", "ip-192-0-2-7.svc.external"},
		{"allow-fqdn-[h 4: NAMESPACE/MEMBER/ADDRESS]", "AuthorizationPolicy/allow-fqdn-cdfd97c9", "", ""},
	}
}

// inside are names and hashes inside of objects.
func inside() []formula {
	const (
		pods     = "Deployment/jellyfin"
		template = "spec.template."
		volumes  = template + "spec.volumes."
		mounts   = template + "spec.containers.0.volumeMounts."
		account  = "ns/media/sa/"
	)
	return []formula{
		{"[h 8: PORT=8080 and a line break]", "Deployment/sonarr", template + "metadata.annotations.lattice.dev/config-hash", "8d3389866d382855"},
		{"[h 8: nothing]", "StatefulSet/db", template + "metadata.annotations.lattice.dev/config-hash", "e3b0c44298fc1c14"},
		{
			"[h 8: PORT=8096, second/A=1\\n2, DSN=BASE64, file:etc-app-config.yaml=port: 8096, file:file-…-etc-my_app.conf=x, " +
				"file:etc-blob=AAEC, file:etc-dsn=BASE64, each with a line break]",
			pods, template + "metadata.annotations.lattice.dev/config-hash", "9c3770636609b9cb",
		},
		{"[h 8: the ExternalSecrets that the containers read, without refreshInterval, in CBOR]", "Deployment/sonarr", template + "metadata.annotations.lattice.dev/secrets-hash", "c0e8fccf780ae3cb"},
		{"lattice.io/vol-ID", pods, template + "metadata.labels.lattice.io/vol-library", "true"},
		{"the path, slashes as hyphens", pods, mounts + "0.subPath", "etc-app-config.yaml"},
		{"file-[h 8: PATH]-KEY where a character is lost", pods, mounts + "4.subPath", "file-96406acd8cac1166-etc-my_app.conf"},
		{"files-CONTAINER", pods, volumes + "1.name", "files-main"},
		{"files-CONTAINER-bin", pods, volumes + "2.name", "files-main-bin"},
		{"file-PATH--[h 8: CONTAINER:PATH]", pods, volumes + "0.name", "file-etc-known--67bf8ad2d885b1d6"},
		{"emptydir-PATH--[h 8: PATH] where a character is lost", pods, volumes + "5.name", "emptydir-var-cache--7ec7cbb85f9879fb"},
		{"emptydir-PATH", pods, volumes + "6.name", "emptydir-var-cache"},
		{"RESOURCE", pods, volumes + "3.name", "media"},
		{"the name of the ExternalSecret", pods, volumes + "8.name", "jellyfin-main-file-etc-app-secret-yaml"},
		{"SERVICE-tls", "Certificate/sonarr-tls-cert", "spec.secretName", "sonarr-tls"},
		{"SERVICE-ROUTE-tls", "Certificate/jellyfin-web-cert", "spec.secretName", "jellyfin-web-tls"},
		{"SERVICE-ROUTE-tcp", "Gateway/media-ingress", "spec.listeners.0.name", "jellyfin-feed-tcp"},
		{"SERVICE-ROUTE-http-N", "Gateway/media-ingress", "spec.listeners.2.name", "jellyfin-web-http-0"},
		{"SERVICE-ROUTE-https-N", "Gateway/media-ingress", "spec.listeners.3.name", "jellyfin-web-https-0"},
		{"TRUST-DOMAIN/ns/NAMESPACE/sa/GATEWAY-istio", "AuthorizationPolicy/allow-to-3c5caa8d", "spec.rules.0.from.0.source.principals.0", "lattice.default.local/" + account + "media-ingress-istio"},
		{"TRUST-DOMAIN/ns/NAMESPACE/sa/SERVICE", "AuthorizationPolicy/allow-to-3c5caa8d", "spec.rules.0.from.0.source.principals.1", "lattice.default.local/" + account + "sonarr"},
		{
			"the gateway's name with its hash, and -istio", "LatticeMeshMember/db", "spec.allowedCallers.0.name",
			"a-namespace-whose-name-is-so-long-that-i-798abf01-ingress-istio",
		},
	}
}

// TestFormulas holds every name and hash that derives from testdata/formulas against the tables. An
// object that no line names fails too, and so a new formula needs a line.
func TestFormulas(t *testing.T) {
	bundles := formulaBundles(t)
	named := map[string]bool{}
	for _, f := range append(names(), inside()...) {
		named[f.object] = true
		object := output(bundles, f.object)
		if object == nil {
			t.Errorf("%s: there is no %s", f.formula, f.object)
		} else if got := follow(object, f.path); f.path != "" && got != any(f.want) {
			t.Errorf("%s: %s %s is %v, want %s", f.formula, f.object, f.path, got, f.want)
		}
	}
	for _, b := range bundles {
		for _, o := range b.Outputs {
			if object := o.Ref.Kind + "/" + o.Ref.Name; !named[object] {
				t.Errorf("no formula makes the name of %s, which derives from %s", object, b.Resource)
			}
		}
	}
}
