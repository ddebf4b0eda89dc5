package property

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// Canary is a password that the services have. It may be in the data of Secrets and nowhere else.
const Canary = "canary-in-a-mine"

// Object is a JSON object.
type Object = map[string]any

// serviceNames are chosen to meet: each is the beginning of another, or ends as names of derived
// objects do.
var serviceNames = []string{"web", "web-b", "web-pods", "web-data", "web-main", "web-main-env", "a", "a-b", "a-b-c", "a-main"}

// containerNames are chosen like [serviceNames].
var containerNames = []string{"main", "b", "b-c", "main-env", "env", "data"}

// shared is the volume that the first service of each namespace owns and some of the others use.
const shared = "shared"

// Namespace is the namespace of the document of a seed: those whose names could meet share one.
func Namespace(seed uint64) string { return fmt.Sprintf("ns-%d", seed/uint64(len(serviceNames))) }

// Name is the name of the document of a seed, the only one of its name in its namespace.
func Name(seed uint64) string { return serviceNames[seed%uint64(len(serviceNames))] }

// Service returns a valid LatticeService.
func Service(seed uint64) Object {
	g := &generator{Rand: rand.New(rand.NewPCG(seed, 7)), seed: seed}
	g.choose()
	return Object{
		"apiVersion": "lattice.dev/v1alpha1", "kind": "LatticeService", "spec": g.spec(),
		"metadata": Object{"name": Name(seed), "namespace": Namespace(seed), "annotations": Object{"team": g.word()}, "labels": Object{"tier": g.word()}},
	}
}

// Peers are the documents that the services of n seeds refer to, as YAML.
func Peers(n uint64) []byte {
	var spaces []string
	for seed := uint64(0); seed < n; seed += uint64(len(serviceNames)) {
		spaces = append(spaces, Namespace(seed))
	}
	return fmt.Appendf(nil, `apiVersion: lattice.dev/v1alpha1
kind: SecretProvider
metadata: {name: vault}
spec:
  provider: {vault: {server: "https://vault.example.com", path: secret, auth: {kubernetes: {mountPath: kubernetes, role: lattice}}}}
  namespaces: [%s]
`, strings.Join(spaces, ", "))
}

// Settings are those of the platform that the services are for.
func Settings() []byte {
	return []byte(`apiVersion: lattice.dev/v1
kind: Settings
spec:
  platform: {clusterName: demo, provider: aws, monitoring: {enabled: true}, imageProviders: {registry: {provider: vault, id: registry/pull}}}
  steps:
    deployment: {env: {REGION: eu-1}, issuer: letsencrypt}
    secrets: {env: {REGION: eu-1}}
    ingress: {issuer: letsencrypt}
`)
}

// generator makes one document. What excludes something else is decided first.
type generator struct {
	*rand.Rand
	seed uint64
	// stable makes a StatefulSet, and own gives each replica a volume of its own.
	stable, own bool
	// shares uses the namespace's shared volume.
	shares      bool
	strategy    string
	hostNetwork bool
	// ports are the names of the ports; serviceType is what the service is.
	ports       []string
	serviceType string
	replicas    int
	scaled      bool
	names       []string
}

func (g *generator) choose() {
	g.strategy = pick(g, "", "rolling", "canary", "recreate")
	if g.stable, g.own = g.one(5), g.one(8); g.stable || g.own {
		g.strategy = pick(g, "", "rolling")
	}
	g.shares = g.one(4)
	g.hostNetwork = g.one(8)
	g.ports = []string{"http", "metrics", "rpc", "feed", "dns"}[:g.IntN(6)]
	g.serviceType = pick(g, "", "ClusterIP", "NodePort", "LoadBalancer", "Headless")
	if len(g.ports) == 0 {
		g.serviceType, g.stable = "", false
	}
	g.replicas, g.scaled = 1+g.IntN(5), g.one(2)
	order := g.Perm(len(containerNames))
	for _, i := range order[:1+g.IntN(3)] {
		g.names = append(g.names, containerNames[i])
	}
}

// one is true once in n times.
func (g *generator) one(n int) bool { return g.IntN(n) == 0 }

func pick[T any](g *generator, choices ...T) T { return choices[g.IntN(len(choices))] }

func (g *generator) word() string {
	return pick(g, "alpha", "beta", "gamma", "delta", "epsilon", "zeta") + fmt.Sprint(g.IntN(100))
}

// text is free text with what tends to break encoders and templates.
func (g *generator) text() string {
	return pick(g, "plain", "ü ↯ 😀", `quote " and \ slash`, "line\nbreak\ttab", "{{ .Values.x }}", "}} {{", "", "$${literal}", "a=b,c;d",
		"<&>\u2028", "$(PORT)", "yes", "0x1F", "1e3", "null", "${metadata.name}", "${cluster.name}/${env.REGION}", strings.Repeat("x", 300))
}

func (g *generator) image() string {
	return "registry.example.com:5000/app" + pick(g, "", ":v1", ":latest") + "@sha256:" + strings.Repeat(fmt.Sprintf("%x", g.IntN(16)), 64)
}

func (g *generator) spec() Object {
	spec := Object{"workload": g.workload(), "replicas": g.replicas}
	g.run(spec)
	if g.scaled {
		spec["autoscaling"] = Object{"max": g.replicas + g.IntN(20), "metrics": []Object{
			{"metric": "cpu", "target": 1 + g.IntN(100)}, {"metric": "memory", "target": 1 + g.IntN(100)},
			{"metric": "queue:depth", "target": float64(1+g.IntN(1000)) / 4},
		}[g.IntN(2) : 2+g.IntN(2)]}
	}
	if g.strategy != "" {
		spec["deploy"] = Object{"strategy": g.strategy}
	}
	if g.one(3) {
		spec["advertise"] = Object{"allowedServices": []string{pick(g, "*", "other/front")}}
	}
	if g.one(4) {
		spec["topology"] = Object{"mode": pick(g, "Hard", "Soft"), "maxTier": 1 + g.IntN(3)}
	}
	if len(g.ports) > 1 && g.one(2) {
		spec["observability"] = Object{"metrics": Object{"port": "metrics", "mappings": Object{"requests": "http_requests_total"}}}
	}
	published := g.serviceType == "NodePort" || g.serviceType == "LoadBalancer"
	if len(g.ports) > 0 && !published && g.one(2) {
		spec["ingress"] = g.ingress()
	}
	if g.one(3) {
		spec["backup"] = g.backup()
	}
	return spec
}

// run sets how pods run.
func (g *generator) run(spec Object) {
	if g.one(2) {
		spec["sidecars"] = g.sidecars()
	}
	if g.hostNetwork {
		spec["hostNetwork"] = true
	} else if g.one(3) {
		spec["sysctls"] = Object{"net.core.somaxconn": "1024", "kernel.shm_rmid_forced": "1"}
	}
	for _, flag := range []string{"shareProcessNamespace", "automountServiceAccountToken"} {
		if g.one(4) {
			spec[flag] = g.one(2)
		}
	}
	if g.one(3) {
		spec["imagePullSecrets"] = []string{"registry"}
	}
	if g.one(2) {
		spec["terminationGracePeriodSeconds"] = 30 + g.IntN(100)
	}
	if g.one(3) {
		spec["fsGroup"] = g.IntN(3) * 1000
		spec["fsGroupChangePolicy"] = pick(g, "OnRootMismatch", "Always")
	}
	if g.one(3) {
		spec["nodeSelector"] = Object{"kubernetes.io/arch": "amd64", "example.com/pool": g.word()}
		spec["tolerations"] = []Object{
			{"key": "example.com/pool", "operator": "Equal", "value": g.word(), "effect": pick(g, "NoSchedule", "PreferNoSchedule")},
			{"key": "maintenance", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": g.IntN(600)},
		}
	}
}

func (g *generator) backup() Object {
	hook := func(name string) Object {
		return Object{"name": name, "container": g.names[0], "command": []string{"/bin/hook", g.text()}, "timeout": "10m", "onError": pick(g, "Continue", "Fail")}
	}
	b := Object{
		"schedule": "0 3 * * *", "storeRef": "nightly", "retention": Object{"daily": g.IntN(9), "weekly": 4, "monthly": 12, "ttl": "720h"},
		"hooks": Object{"pre": []Object{hook("pre")}, "post": []Object{hook("post")}},
	}
	if g.one(2) {
		b["volumes"] = pick(g, Object{"defaultPolicy": "opt-in", "include": []string{"data"}}, Object{"defaultPolicy": "opt-out", "exclude": []string{"data"}})
	}
	return b
}

// ingress makes a route of each kind. Hosts and ports are the document's own: a namespace shares
// one Gateway.
func (g *generator) ingress() Object {
	host := fmt.Sprintf("h%d.example.com", g.seed)
	tls := pick(g, Object{}, Object{"issuerRef": Object{"name": "letsencrypt", "kind": pick(g, "ClusterIssuer", "Issuer")}}, Object{"secretName": "own-cert"})
	routes := Object{"web": Object{
		"kind": "HTTPRoute", "hosts": []string{host, "*." + host}, "port": g.ports[0], "tls": tls,
		"rules": []Object{{"matches": []Object{
			{"path": Object{"type": pick(g, "PathPrefix", "Exact"), "value": "/" + g.word()}, "method": "GET"},
			{"headers": []Object{{"name": "X-A", "value": g.word()}, {"name": "X-B", "value": "^a+$", "type": "RegularExpression"}}},
		}}},
	}}
	if len(g.ports) > 2 {
		routes["rpc"] = Object{"kind": "GRPCRoute", "hosts": []string{"rpc." + host}, "port": "rpc", "rules": []Object{
			{"matches": []Object{{"grpcMethod": Object{"service": "a.B", "method": "C"}}}},
		}}
	}
	if len(g.ports) > 3 {
		routes["feed"] = Object{"kind": "TCPRoute", "port": "feed", "listenPort": 7000 + int(g.seed%uint64(len(serviceNames)))}
	}
	ingress := Object{"routes": routes}
	if g.one(2) {
		// The class of the platform: a namespace has one gateway.
		ingress["gatewayClass"] = "istio"
	}
	return ingress
}
