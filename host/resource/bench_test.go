package resource_test

import (
	"testing"

	"github.com/latticenet/lattice-host/host/resource"
)

// typical is a service with ports, resources, probes and a route, as most are.
const typical = `        variables: {PORT: "8080", DB: "${secret.db.password}"}
        files:
          /etc/app/config.yaml: {content: "password: ${secret.db.password}", mode: "0640"}
        volumes:
          /data: {source: "${resources.data}"}
        livenessProbe: {httpGet: {path: /healthz, port: 8080}}
        readinessProbe: {httpGet: {path: /readyz, port: 8080}}
    service:
      ports: {http: {port: 80, targetPort: 8080}, metrics: {port: 9090}}
    resources:
      db: {type: secret, id: database/prod, params: {provider: vault, keys: [password]}}
      data: {type: volume, params: {size: 10Gi}}
      api: {type: service}
      stripe: {type: external-service, params: {endpoints: {default: "https://api.stripe.com"}}}
  replicas: 2
  autoscaling: {max: 5}
  ingress:
    routes: {web: {hosts: [app.example.com], port: http}}
`

func BenchmarkDecode(b *testing.B) {
	yaml := []byte(service("web", typical))
	docs, err := resource.Decode("web.yaml", yaml, resource.Options{})
	if err != nil {
		b.Fatal(err)
	}
	json, encoded := docs[0].JSON(), docs[0].CBOR()
	run := func(name string, size int, decode func() error) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(size))
			for b.Loop() {
				if err := decode(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	run("YAML", len(yaml), func() error {
		_, err := resource.Decode("web.yaml", yaml, resource.Options{})
		return err
	})
	run("JSON", len(json), func() error {
		_, err := resource.Decode("web.json", json, resource.Options{})
		return err
	})
	run("Derived", len(encoded), func() error {
		_, err := resource.FromDerived(encoded, resource.Options{})
		return err
	})
}
