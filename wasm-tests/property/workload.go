package property

import "fmt"

func (g *generator) workload() Object {
	containers := Object{}
	for _, name := range g.names {
		containers[name] = g.container(name)
	}
	w := Object{"containers": containers, "resources": g.resources()}
	if len(g.ports) > 0 {
		w["service"] = g.service()
	}
	return w
}

func (g *generator) service() Object {
	ports := Object{}
	for i, name := range g.ports {
		port := Object{"port": 8000 + i}
		if g.serviceType != "Headless" && g.one(2) {
			port["targetPort"] = pick(g, 8000+i, 9000+i)
		}
		if name == "dns" {
			port["protocol"] = pick(g, "UDP", "TCP")
		}
		ports[name] = port
	}
	service := Object{"ports": ports}
	if g.serviceType != "" {
		service["serviceType"] = g.serviceType
	}
	if g.stable {
		service["stableNames"] = true
	}
	if g.serviceType == "LoadBalancer" && g.one(2) {
		service["hostnames"], service["publishDns"] = []string{fmt.Sprintf("lb%d.example.com", g.seed)}, true
		service["tls"] = pick(g, Object{}, Object{"issuerRef": Object{"name": "letsencrypt"}}, Object{"secretName": "own-cert"})
	}
	return service
}

// resources has one resource of each type that containers use, and some of the others.
func (g *generator) resources() Object {
	mode := "ReadWriteMany"
	if g.replicas == 1 && !g.scaled && g.strategy != "canary" && !g.stable && !g.own && g.one(2) {
		mode = pick(g, "ReadWriteOnce", "ReadWriteOncePod")
	}
	resources := Object{
		"data":  Object{"type": "volume", "params": Object{"size": fmt.Sprintf("%dGi", 1+g.IntN(50)), "accessMode": mode}},
		"named": Object{"type": "volume", "id": fmt.Sprintf("vol-%d", g.seed), "params": Object{"size": 1 << 30, "accessMode": "ReadWriteMany", "storageClass": "fast", "allowedConsumers": []string{pick(g, "other", "other/front")}}},
		"work":  Object{"type": "volume", "params": Object{"scratch": true, "medium": "Memory", "sizeLimit": "64Mi"}},
		"db":    Object{"type": "secret", "id": "database/credentials", "params": Object{"provider": "vault", "keys": []string{"password", "username"}, "refreshInterval": "1h30m"}},
		"login": Object{"type": "existing-secret", "id": "database-login"},
		"conf":  Object{"type": "existing-configmap"},
		"api":   Object{"type": "external-service", "params": Object{"endpoints": Object{"default": pick(g, "https://api.example.com", "tcp://10.1.2.3:5432", "https://[2001:db8::7]:8443", "udp://dns.example.org:53"), "second": "http://other.example.net:8080/path"}}},
	}
	resources["dsn"] = Object{"type": "external-service", "params": Object{"endpoints": Object{"default": "postgres://app:" + Canary + "@db.example.com:5432/x"}}}
	if g.own {
		resources["own"] = Object{"type": "volume", "params": Object{"size": "8Gi", "perReplica": true}}
	}
	if owner := Name(g.seed) == serviceNames[0]; owner {
		resources[shared] = Object{"type": "volume", "id": shared, "params": Object{"size": "1Gi", "accessMode": "ReadWriteMany", "allowedConsumers": serviceNames[1:]}}
	} else if g.shares {
		resources[shared] = Object{"type": "volume", "id": shared}
	}
	for i := range g.IntN(4) {
		peer := g.IntN(len(serviceNames))
		resources[fmt.Sprintf("peer-%d", i)] = Object{"type": "service", "id": serviceNames[peer], "direction": pick(g, "inbound", "outbound", "both")}
	}
	if g.one(4) {
		resources["far"] = Object{"type": "service", "namespace": "other", "id": "front", "direction": "both"}
	}
	if g.one(4) {
		resources["cluster"] = Object{"type": "external-service", "id": pick(g, "entity:kube-apiserver:6443", "entity:world")}
	}
	if g.one(4) {
		resources["static"] = Object{"type": "external-service", "params": Object{"endpoints": Object{"default": "tcp://192.0.2.7:5432"}, "resolution": "static"}}
	}
	if g.one(5) {
		resources["accelerator"] = Object{"type": "gpu", "params": Object{"count": 1 + g.IntN(4), "memory": pick[any](g, "20Gi", 512), "compute": 50, "model": pick(g, "L4", "H100", "custom"), "tolerations": g.one(2)}}
	}
	return resources
}

// base is what containers and sidecars have in common.
func (g *generator) base(name string) Object {
	c := Object{
		"image": g.image(), "command": []string{"/bin/" + name},
		"resources": Object{
			"requests": Object{"cpu": fmt.Sprintf("%dm", 10+g.IntN(500)), "memory": "64Mi", "ephemeral-storage": "1Gi"},
			"limits":   Object{"cpu": "1", "memory": pick(g, "128Mi", "1Gi", "500M"), "ephemeral-storage": "2Gi"},
		},
		"variables": g.variables(),
	}
	if g.one(2) {
		c["args"] = []string{"--flag", g.text(), "--ip=${pod.ip}", "--key=${resources.login.password}"}[:1+g.IntN(4)]
	}
	if g.one(3) {
		c["workingDir"] = "/srv"
	}
	if g.one(2) {
		c["files"] = g.files()
	}
	if g.one(2) {
		c["security"] = g.security()
	}
	c["volumes"] = g.volumes()
	return c
}

func (g *generator) variables() Object {
	all := Object{
		"TEXT": g.text(), "PORT": "8080", "SECRET": "${secret.db.password}", "DSN": "postgres://app:${resources.db.password}@db:5432/x",
		"LOGIN": "x ${resources.login.password}", "LEVEL": "${resources.conf.level}", "POD": "${pod.name}.${pod.namespace}",
		"CLAIM": "${resources.data.claim_name}", "URL": "${resources.api.host}", "DATABASE": "${resources.dsn.url}", "with.dot-and": g.text(),
	}
	some := Object{}
	for _, name := range []string{"CLAIM", "DATABASE", "DSN", "LEVEL", "LOGIN", "POD", "PORT", "SECRET", "TEXT", "URL", "with.dot-and"} {
		if g.one(2) {
			some[name] = all[name]
		}
	}
	return some
}

func (g *generator) files() Object {
	return Object{
		"/etc/app/config.yaml": Object{"content": g.text() + "${cluster.name}", "mode": pick(g, "0400", "644", "0755")},
		"/etc/app/config-yaml": Object{"content": g.text()},
		"/etc/app/blob":        Object{"binaryContent": "AAECAw=="},
		"/etc/raw":             Object{"content": "${NOT} a reference {{ x }}", "noExpand": true},
		"/etc/turned":          Object{"content": "${NOT} $${metadata.name}", "reverseExpand": true},
		"/etc/dsn":             Object{"content": "${resources.dsn.url}"},
		"/etc/secret":          Object{"content": g.text() + "${secret.db.password}"},
		"/etc/key":             Object{"source": "${resources.login.tls.key}", "mode": "0440"},
		"/etc/app.conf":        Object{"source": "${resources.conf.app.conf}"},
	}
}

func (g *generator) volumes() Object {
	volumes := Object{
		"/data": Object{"source": "${resources.data}"}, "/named": Object{"source": "${resources.named}", "readOnly": g.one(2), "path": "sub"},
		"/tmp": Object{"medium": "Memory", "sizeLimit": "16Mi"}, "/.tmp": Object{}, "/Tmp": Object{}, "/var/cache": Object{}, "/var-cache": Object{},
		"/work": Object{"source": "${resources.work}", "path": "part"}, "/login": Object{"source": "${resources.login}"}, "/conf": Object{"source": "${resources.conf}", "path": "app.conf"},
	}
	if g.own {
		volumes["/own"] = Object{"source": "${resources.own}"}
	}
	if g.shares {
		volumes["/shared"] = Object{"source": "${resources." + shared + "}"}
	}
	return volumes
}

func (g *generator) security() Object {
	user := g.IntN(3) * 1000
	s := Object{
		"runAsUser": user, "runAsGroup": g.IntN(3) * 1000, "runAsNonRoot": user != 0, "readOnlyRootFilesystem": g.one(2), "capabilities": []string{"NET_BIND_SERVICE", "CHOWN"},
		"dropCapabilities": []string{"ALL"}, "allowPrivilegeEscalation": g.one(2), "seccompProfile": pick(g, "RuntimeDefault", "Unconfined"),
		"apparmorProfile": pick(g, "RuntimeDefault", "Unconfined"), "allowedBinaries": []string{pick(g, "/bin/sh", "*"), "/bin/" + g.word()},
	}
	if g.one(6) {
		s["privileged"], s["allowPrivilegeEscalation"] = true, true
	}
	if g.one(6) {
		s["seccompProfile"], s["seccompLocalhostProfile"] = "Localhost", "profiles/app.json"
		s["apparmorProfile"], s["apparmorLocalhostProfile"] = "Localhost", "app"
	}
	return s
}

func (g *generator) container(name string) Object {
	c := g.base(name)
	if g.one(2) {
		c["readinessProbe"] = g.probe(true)
	}
	if g.one(2) {
		c["livenessProbe"] = g.probe(false)
	}
	if g.one(3) {
		c["startupProbe"] = g.probe(false)
	}
	if g.one(3) {
		c["lifecycle"] = g.lifecycle()
	}
	if g.one(3) {
		c["envFrom"] = []string{"db", "login", "conf"}[g.IntN(2) : 2+g.IntN(2)]
	}
	return c
}

func (g *generator) lifecycle() Object {
	return Object{"preStop": pick(g, Object{"sleep": Object{"seconds": 1 + g.IntN(20)}}, Object{"exec": Object{"command": []string{"/bin/end", g.text()}}},
		Object{"httpGet": g.get()})}
}

// get is a GET request of a probe or a handler.
func (g *generator) get() Object {
	return Object{"path": "/ready", "port": 8080, "scheme": pick(g, "HTTP", "HTTPS"), "host": "127.0.0.1", "httpHeaders": []Object{{"name": "X-A", "value": g.word()}}}
}

func (g *generator) probe(readiness bool) Object {
	var port any = 8080
	if len(g.ports) > 0 && g.one(2) {
		port = g.ports[0]
	}
	p := pick(g, Object{"httpGet": g.get()}, Object{"exec": Object{"command": []string{"/bin/check", g.text()}}},
		Object{"tcpSocket": Object{"port": port, "host": "127.0.0.1"}}, Object{"grpc": Object{"port": port, "service": g.word()}})
	p["initialDelaySeconds"], p["periodSeconds"], p["timeoutSeconds"], p["failureThreshold"] = g.IntN(30), 1+g.IntN(30), 1+g.IntN(5), 1+g.IntN(5)
	if readiness {
		p["successThreshold"] = 1 + g.IntN(3)
	}
	return p
}

// sidecars run along, or one after the other before the containers start.
func (g *generator) sidecars() Object {
	first, second, along := g.base("first"), g.base("second"), g.container("along")
	delete(along, "envFrom")
	first["init"], second["init"], first["after"] = true, true, []string{"second"}
	return Object{"along": along, "first": first, "second": second}
}
