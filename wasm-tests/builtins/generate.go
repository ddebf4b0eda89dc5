package builtins

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
)

// object is a JSON object. encoding/json writes its keys in order, so that a seed always gives the
// same document.
type object map[string]any

// neighborhood is how many seeds in a row have each other's documents as peers. However many
// documents there are, none has more to do with others because of it.
const neighborhood = 200

// Generate returns a valid LatticeService as JSON that uses a mix of features chosen by seed. Its
// peers are the documents of the seeds in its neighborhood: all share one namespace and call each
// other.
func Generate(seed uint64) []byte {
	g := &generator{rand.New(rand.NewPCG(seed, 1))}
	spec := object{"workload": g.workload(seed)}
	if g.maybe() {
		spec["replicas"] = 1 + g.IntN(5)
	}
	if g.maybe() {
		spec["autoscaling"] = g.autoscaling()
	}
	if g.maybe() {
		spec["sidecars"] = object{"init-step": g.sidecar(true), "sidecar": g.sidecar(false)}
	}
	if g.maybe() {
		spec["sysctls"] = object{"kernel.shm_rmid_forced": "1"}
	}
	if g.maybe() {
		strategy := pick(g, "rolling", "canary")
		spec["deploy"] = object{"strategy": strategy}
		if strategy == "canary" {
			// A canary runs next to the pods that it replaces, on the same volumes.
			for _, name := range []string{"data", "named"} {
				volume := spec["workload"].(object)["resources"].(object)[name].(object)
				volume["params"].(object)["accessMode"] = "ReadWriteMany"
			}
		}
	}
	if g.maybe() {
		spec["advertise"] = object{"allowedServices": []string{pick(g, "*", "other/front")}}
	}
	for _, flag := range []string{"shareProcessNamespace", "automountServiceAccountToken", "hostNetwork"} {
		if g.IntN(6) == 0 {
			spec[flag] = g.maybe()
		}
	}
	if g.IntN(4) == 0 {
		main := spec["workload"].(object)["containers"].(object)["main"].(object)
		main["security"] = object{"allowedBinaries": []string{pick(g, "/bin/app", "/bin/sh", "*"), "/bin/" + g.word()}}
	}
	document := object{
		"apiVersion": "lattice.dev/v1alpha1", "kind": "LatticeService", "spec": spec,
		"metadata": object{"name": generatedName(seed), "namespace": "generated", "annotations": object{"team": g.word()}},
	}
	// Maps of text and numbers always have a JSON form.
	data, _ := json.Marshal(document)
	return data
}

func generatedName(seed uint64) string { return fmt.Sprintf("svc-%d", seed) }

type generator struct{ *rand.Rand }

func (g *generator) maybe() bool { return g.IntN(2) == 0 }

func pick[T any](g *generator, choices ...T) T { return choices[g.IntN(len(choices))] }

func (g *generator) word() string {
	return pick(g, "alpha", "beta", "gamma", "delta", "epsilon", "zeta") + fmt.Sprint(g.IntN(100))
}

// text is free text with what tends to break encoders.
func (g *generator) text() string {
	return pick(g, "plain", "ü ↯ 😀", `quote " and \ slash`, "line\nbreak\ttab", "{{ .Values.x }}", "", "$${literal}", "a=b,c;d", "<&>\u2028")
}

func (g *generator) workload(seed uint64) object {
	containers := object{"main": g.container()}
	for i := range g.IntN(3) {
		containers[fmt.Sprintf("extra-%d", i)] = g.container()
	}
	resources := object{
		"data":  object{"type": "volume", "params": object{"size": fmt.Sprintf("%dGi", 1+g.IntN(50))}},
		"named": object{"type": "volume", "id": "shared-" + generatedName(seed), "params": object{"size": "1Gi"}},
	}
	for i := range g.IntN(4) {
		resources[fmt.Sprintf("peer-%d", i)] = object{
			"type": "service", "id": g.neighbor(seed), "direction": pick(g, "inbound", "outbound", "both"),
		}
	}
	if g.maybe() {
		resources["outside"] = object{"type": "external-service", "params": object{"endpoints": object{
			"default": pick(g, "https://api.example.com", "tcp://10.1.2.3:5432", "https://[2001:db8::7]:8443", "udp://dns.example.org:53"),
			"second":  "http://other.example.net:8080/path",
		}}}
	}
	if g.IntN(5) == 0 {
		resources["cluster"] = object{"type": "external-service", "id": "entity:kube-apiserver:6443"}
	}
	if g.IntN(5) == 0 {
		resources["accelerator"] = object{"type": "gpu", "params": object{"count": 1 + g.IntN(4), "memory": "20Gi", "model": pick(g, "L4", "H100", "custom")}}
	}
	w := object{"containers": containers, "resources": resources}
	if g.IntN(4) > 0 {
		ports := object{"http": object{"port": 80, "targetPort": 8080}}
		if g.maybe() {
			ports["metrics"] = object{"port": 9090}
		}
		w["service"] = object{"ports": ports, "serviceType": pick(g, "ClusterIP", "NodePort", "LoadBalancer")}
	}
	return w
}

// neighbor names a document of the seed's neighborhood.
func (g *generator) neighbor(seed uint64) string {
	return generatedName(seed - seed%neighborhood + uint64(g.IntN(neighborhood)))
}

func (g *generator) base() object {
	c := object{
		"image": "registry.example.com/app@sha256:" + strings.Repeat(fmt.Sprintf("%x", g.IntN(16)), 64),
		"resources": object{
			"requests": object{"cpu": fmt.Sprintf("%dm", 10+g.IntN(500)), "memory": "64Mi"},
			"limits":   object{"cpu": "1", "memory": pick(g, "128Mi", "1Gi", "500M")},
		},
		"command": []string{"/bin/app"},
	}
	if g.maybe() {
		c["args"] = []string{"--flag", g.text(), g.word()}
	}
	variables := object{"TEXT": g.text(), "NAME": "${metadata.name}", "TEAM": "of ${metadata.annotations.team}"}
	for range g.IntN(5) {
		variables[strings.ToUpper(g.word())] = g.text()
	}
	c["variables"] = variables
	if g.maybe() {
		c["files"] = object{
			"/etc/app/config.yaml": object{"content": g.text() + "${cluster.name}", "mode": pick(g, "0400", "644", "0755")},
			"/etc/app/blob":        object{"binaryContent": "AAECAw=="},
			"/etc/raw":             object{"content": "${NOT} a reference", "noExpand": true},
		}
	}
	if g.maybe() {
		c["security"] = object{
			"runAsUser": g.IntN(3) * 1000, "readOnlyRootFilesystem": g.maybe(), "capabilities": []string{"NET_BIND_SERVICE"},
		}
	}
	return c
}

func (g *generator) container() object {
	c := g.base()
	c["volumes"] = object{
		"/data": object{"source": "${resources.data}"}, "/named": object{"source": "${resources.named}", "readOnly": g.maybe(), "path": "sub"},
		"/tmp": object{"medium": "Memory", "sizeLimit": "16Mi"},
	}
	if g.maybe() {
		c["readinessProbe"] = object{"httpGet": object{"path": "/ready", "port": 8080}, "periodSeconds": 1 + g.IntN(30)}
	}
	if g.maybe() {
		c["livenessProbe"] = object{"exec": object{"command": []string{"/bin/check", g.text()}}}
	}
	return c
}

func (g *generator) sidecar(init bool) object {
	c := g.base()
	if init {
		c["init"] = true
	}
	return c
}

func (g *generator) autoscaling() object {
	metrics := []object{{"metric": "cpu", "target": 1 + g.IntN(100)}}
	if g.maybe() {
		metrics = append(metrics, object{"metric": "requests_per_second", "target": float64(g.IntN(1000)+1) / 4})
	}
	return object{"max": 5 + g.IntN(20), "metrics": metrics}
}
