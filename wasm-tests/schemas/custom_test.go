package schemas_test

import "testing"

func TestBadCustomResources(t *testing.T) {
	runBad(t, map[string]bad{
		"PolicyTypo": {
			reason: "The name of the field decides whether the policy does anything.",
			file:   "ciliumnetworkpolicy",
			old:    "  egress:",
			new:    "  egrss:",
			want:   []string{`unknown field "spec.egrss"`},
		},
		"PolicyPortNumber": {
			reason: "Cilium ports are text.",
			file:   "ciliumnetworkpolicy",
			old:    `"5432"`,
			new:    "5432",
			want:   []string{`spec.egress[2].toPorts[0].ports[0].port: Invalid value: "integer": spec.egress[2].toPorts[0].ports[0].port in body must be of type string: "integer"`},
		},
		"PolicyProtocol": {
			file: "ciliumnetworkpolicy",
			old:  "protocol: UDP",
			new:  "protocol: udp",
			want: []string{`spec.egress[0].toPorts[0].ports[0].protocol: Unsupported value: "udp": supported values: "TCP", "UDP", "SCTP", "VRRP", "IGMP", "GRE", "IPIP", "IPV6", "ESP", "AH", "ANY"`},
		},
		"PolicyEntity": {
			file: "ciliumnetworkpolicy",
			old:  "[cluster, world]",
			new:  "[cluster, internet]",
			want: []string{`spec.egress[1].toEntities[1]: Unsupported value: "internet": supported values: "all", "world", "cluster", "cluster-mesh", "host", "init", "ingress", "unmanaged", "remote-node", "health", "none", "kube-apiserver"`},
		},
		"PolicyCIDR": {
			file: "ciliumnetworkpolicy",
			old:  "192.0.2.1/32",
			new:  "192.0.2.1.0/32",
			want: []string{`spec.egress[2].toCIDR[0]: Invalid value: "192.0.2.1.0/32": spec.egress[2].toCIDR[0] in body must be of type cidr: "192.0.2.1.0/32"`},
		},
		"PolicyMatchName": {
			file: "ciliumnetworkpolicy",
			old: `    - toFQDNs:
        - matchName: api.example.com`,
			new: `    - toFQDNs:
        - matchName: "*.example.com"`,
			want: []string{`spec.egress[3].toFQDNs[0].matchName: Invalid value: "*.example.com": spec.egress[3].toFQDNs[0].matchName in body should match '^([-a-zA-Z0-9_]+[.]?)+$'`},
		},
		"PolicySelectorValue": {
			file: "ciliumnetworkpolicy",
			old:  "            k8s:app.kubernetes.io/name: web",
			new:  "            k8s:app.kubernetes.io/name: 7",
			want: []string{`spec.ingress[1].fromEndpoints[0].matchLabels.k8s:app.kubernetes.io/name: Invalid value: "integer": spec.ingress[1].fromEndpoints[0].matchLabels.k8s:app.kubernetes.io/name in body must be of type string: "integer"`},
		},
		"PolicyMetadataTypo": {
			reason: "Pruning does not look into an object's own metadata.",
			file:   "ciliumnetworkpolicy",
			old:    "  namespace: media",
			new: `  namespace: media
  lables: {}`,
			want: []string{`unknown field "metadata.lables"`},
		},
		"PolicyLabelType": {
			file: "ciliumnetworkpolicy",
			old:  "  namespace: media",
			new: `  namespace: media
  labels: {a: true}`,
			want: []string{"metadata.labels.a: Invalid value: json: cannot unmarshal bool into Go struct field ObjectMeta.labels of type string"},
		},
		"PolicyLabelValue": {
			file: "ciliumnetworkpolicy",
			old:  "  namespace: media",
			new: `  namespace: media
  labels: {a: "b c"}`,
			want: []string{`metadata.labels: Invalid value: "b c": ` + notLabelValue},
		},
		"PolicyName": {
			file: "ciliumnetworkpolicy",
			old:  "cnp-mesh-3c5caa8d",
			new:  "CNP_mesh",
			want: []string{`metadata.name: Invalid value: "CNP_mesh": ` + notSubdomain},
		},
		"PolicyWithoutSpec": {
			file: "ciliumnetworkpolicy",
			old:  "spec:",
			new:  "description:",
			want: []string{
				"(root): Invalid value: spec or specs must be provided",
				`unknown field "description"`,
			},
		},
		"PolicyVersion": {
			file: "ciliumnetworkpolicy",
			old:  "cilium.io/v2",
			new:  "cilium.io/v1",
			want: []string{"no schema for cilium.io/v1 CiliumNetworkPolicy (served: v2)"},
		},
		"ClusterPolicyNamespace": {
			file: "ciliumclusterwidenetworkpolicy",
			old:  "  name: default-deny",
			new: `  name: default-deny
  namespace: media`,
			want: []string{"metadata.namespace: Forbidden: not allowed on this type"},
		},
		"ClusterPolicyOperator": {
			file: "ciliumclusterwidenetworkpolicy",
			old:  "operator: NotIn",
			new:  "operator: notIn",
			want: []string{`spec.endpointSelector.matchExpressions[0].operator: Unsupported value: "notIn": supported values: "In", "NotIn", "Exists", "DoesNotExist"`},
		},
		"ScaledObjectNoTriggers": {
			file: "scaledobject",
			old: `  triggers:
    - type: cpu
      metricType: Utilization
      metadata:
        value: "80"
    - type: prometheus
      metadata:
        serverAddress: http://vmsingle-lattice-metrics.monitoring.svc:8428/prometheus
        query: avg(requests{namespace="media",pod=~"my-api-.*"})
        threshold: "0.8"
`,
			new:  "",
			want: []string{"spec.triggers: Required value"},
		},
		"ScaledObjectEmptyTriggers": {
			file: "scaledobject",
			old: `  triggers:
    - type: cpu
      metricType: Utilization
      metadata:
        value: "80"
    - type: prometheus
      metadata:
        serverAddress: http://vmsingle-lattice-metrics.monitoring.svc:8428/prometheus
        query: avg(requests{namespace="media",pod=~"my-api-.*"})
        threshold: "0.8"
`,
			new: `  triggers: []
`,
			want: []string{"spec.triggers: Invalid value: 0: spec.triggers in body should have at least 1 items"},
		},
		"ScaledObjectMetadataNumber": {
			file: "scaledobject",
			old:  `value: "80"`,
			new:  "value: 80",
			want: []string{`spec.triggers[0].metadata.value: Invalid value: "integer": spec.triggers[0].metadata.value in body must be of type string: "integer"`},
		},
		"ScaledObjectReplicasText": {
			file: "scaledobject",
			old:  "maxReplicaCount: 5",
			new:  `maxReplicaCount: "5"`,
			want: []string{`spec.maxReplicaCount: Invalid value: "string": spec.maxReplicaCount in body must be of type integer: "string"`},
		},
		"ScaledObjectReplicasFraction": {
			file: "scaledobject",
			old:  "maxReplicaCount: 5",
			new:  "maxReplicaCount: 5.5",
			want: []string{
				`(root): Invalid value: "": Checked value must be of type integer with format int32 in spec.maxReplicaCount`,
				`spec.maxReplicaCount: Invalid value: "float64": spec.maxReplicaCount in body must be of type int32: "float64"`,
			},
		},
		"ScaledObjectBounds": {
			file: "scaledobject",
			old:  "minReplicaCount: 2",
			new:  "minReplicaCount: 20",
			want: []string{"spec: Invalid value: minReplicaCount must be less than or equal to maxReplicaCount"},
		},
		"ScaledObjectNoTarget": {
			file: "scaledobject",
			old: `    kind: Deployment
    name: my-api`,
			new:  "    kind: Deployment",
			want: []string{"spec.scaleTargetRef.name: Required value"},
		},
		"ScaledJobRestartPolicy": {
			reason: "The pod template is described field by field, as deep as it goes.",
			file:   "scaledjob",
			old:    "        restartPolicy: Never",
			new:    "        restartPolcy: Never",
			want:   []string{`unknown field "spec.jobTargetRef.template.spec.restartPolcy"`},
		},
		"ScaledJobNoContainers": {
			file: "scaledjob",
			old: `        containers:
          - name: main
            image: registry.example/import
`,
			new:  "",
			want: []string{"spec.jobTargetRef.template.spec.containers: Required value"},
		},
		"TriggerAuthenticationKey": {
			file: "triggerauthentication",
			old:  "      key: url",
			new:  "      keys: url",
			want: []string{
				"spec.secretTargetRef[0].key: Required value",
				`unknown field "spec.secretTargetRef[0].keys"`,
			},
		},
		"AuthorizationAction": {
			file: "authorizationpolicy",
			old: `  action: ALLOW
  rules:
    - from:
        - source:
            principals: [lattice.prod.local/ns/web/sa/web]`,
			new: `  action: Allow
  rules:
    - from:
        - source:
            principals: [lattice.prod.local/ns/web/sa/web]`,
			want: []string{`spec.action: Unsupported value: "Allow": supported values: "ALLOW", "DENY", "AUDIT", "CUSTOM"`},
		},
		"AuthorizationPortNumber": {
			file: "authorizationpolicy",
			old:  `ports: ["8080"]`,
			new:  "ports: [8080]",
			want: []string{`spec.rules[0].to[0].operation.ports[0]: Invalid value: "integer": spec.rules[0].to[0].operation.ports[0] in body must be of type string: "integer"`},
		},
		"AuthorizationTwoTargets": {
			file: "authorizationpolicy",
			old:  "  targetRefs:",
			new: `  selector:
    matchLabels: {a: b}
  targetRefs:`,
			want: []string{"spec: Invalid value: only one of targetRefs or selector can be set"},
		},
		"AuthorizationSelectorValue": {
			file: "authorizationpolicy",
			old:  "      app.kubernetes.io/name: my-api",
			new:  `      app.kubernetes.io/name: "*"`,
			want: []string{`spec.selector.matchLabels[app.kubernetes.io/name]: Invalid value: "*": wildcard not allowed in label value match`},
		},
		"AuthorizationTargetName": {
			file: "authorizationpolicy",
			old: `      name: se-auto-3c5caa8d
`,
			new:  "",
			want: []string{"spec.targetRefs[0].name: Required value"},
		},
		"AuthorizationEmptySource": {
			file: "authorizationpolicy",
			old: `        - source:
            principals: [lattice.prod.local/ns/web/sa/web]`,
			new: `        - source:
            principal: [lattice.prod.local/ns/web/sa/web]`,
			want: []string{`unknown field "spec.rules[0].from[0].source.principal"`},
		},
		"PeerAuthenticationMode": {
			file: "peerauthentication",
			old:  "mode: PERMISSIVE",
			new:  "mode: permissive",
			want: []string{`spec.portLevelMtls.8080.mode: Unsupported value: "permissive": supported values: "UNSET", "DISABLE", "PERMISSIVE", "STRICT"`},
		},
		"PeerAuthenticationPort": {
			file: "peerauthentication",
			old:  `"8080"`,
			new:  `"http"`,
			want: []string{`spec.portLevelMtls: Invalid value: "object": type conversion error from 'string' to 'int' evaluating rule: port must be between 1-65535`},
		},
		"PeerAuthenticationSelector": {
			reason: "portLevelMtls needs a selector.",
			file:   "peerauthentication",
			old: `  selector:
    matchLabels:
      app.kubernetes.io/name: my-api
`,
			new:  "",
			want: []string{"spec: Invalid value: portLevelMtls requires selector"},
		},
		"ServiceEntryNoHosts": {
			file: "serviceentry",
			old: `  hosts: [api.example.com]
`,
			new:  "",
			want: []string{"spec.hosts: Required value"},
		},
		"ServiceEntryEmptyHosts": {
			file: "serviceentry",
			old:  "hosts: [api.example.com]",
			new:  "hosts: []",
			want: []string{"spec.hosts: Invalid value: 0: spec.hosts in body should have at least 1 items"},
		},
		"ServiceEntryWildcard": {
			file: "serviceentry",
			old:  "hosts: [api.example.com]",
			new:  `hosts: ["*"]`,
			want: []string{`spec.hosts[0]: Invalid value: "*": hostname cannot be wildcard`},
		},
		"ServiceEntryPortTwice": {
			file: "serviceentry",
			old: `    - name: https-443
`,
			new: `    - name: other
      number: 443
    - name: https-443
`,
			want: []string{"spec.ports: Invalid value: port number cannot be duplicated"},
		},
		"ServiceEntryPortNameTwice": {
			file: "serviceentry",
			old: `    - name: https-443
`,
			new: `    - name: https-443
      number: 80
    - name: https-443
`,
			want: []string{`spec.ports[1]: Duplicate value: {"name":"https-443"}`},
		},
		"ServiceEntryPortRange": {
			file: "serviceentry",
			old:  "number: 443",
			new:  "number: 70000",
			want: []string{"spec.ports[0].number: Invalid value: 70000: port must be between 1-65535"},
		},
		"ServiceEntryResolution": {
			file: "serviceentry",
			old:  "resolution: DNS",
			new:  "resolution: dns",
			want: []string{`spec.resolution: Unsupported value: "dns": supported values: "NONE", "STATIC", "DNS", "DNS_ROUND_ROBIN", "DYNAMIC_DNS"`},
		},
		"ServiceEntryBothEndpoints": {
			file: "serviceentry",
			old: `  endpoints:
`,
			new: `  workloadSelector:
    labels: {a: b}
  endpoints:
`,
			want: []string{"spec: Invalid value: only one of WorkloadSelector or Endpoints can be set"},
		},
		"ServiceEntryCIDR": {
			file: "serviceentry",
			old: `  resolution: DNS
`,
			new: `  resolution: DNS
  addresses: [10.0.0.0/8]
`,
			want: []string{"spec: Invalid value: CIDR addresses are allowed only for NONE/STATIC resolution types"},
		},
		"GatewayProtocol": {
			file: "gateway",
			old:  "protocol: HBONE",
			new:  "protocol: ~HBONE",
			want: []string{"spec.listeners[0].protocol: Invalid value: \"~HBONE\": spec.listeners[0].protocol in body should match '^[a-zA-Z0-9]([-a-zA-Z0-9]*[a-zA-Z0-9])?$|[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*\\/[A-Za-z0-9]+$'"},
		},
		"GatewayListenerTwice": {
			file: "gateway",
			old: `    - name: my-api-web-https-0
      hostname`,
			new: `    - name: my-api-web-http-0
      hostname`,
			want: []string{
				"spec.listeners: Invalid value: Listener name must be unique within the Gateway",
				`spec.listeners[1]: Duplicate value: {"name":"my-api-web-http-0"}`,
			},
		},
		"GatewayPortTwice": {
			file: "gateway",
			old: `      port: 443
      protocol: HTTPS`,
			new: `      port: 80
      protocol: HTTP`,
			want: []string{
				"spec.listeners: Invalid value: Combination of port, protocol and hostname must be unique for each listener",
				"spec.listeners: Invalid value: tls must not be specified for protocols ['HTTP', 'TCP', 'UDP']",
			},
		},
		"GatewayTLSWithHTTP": {
			file: "gateway",
			old:  "protocol: HTTPS",
			new:  "protocol: HTTP",
			want: []string{"spec.listeners: Invalid value: tls must not be specified for protocols ['HTTP', 'TCP', 'UDP']"},
		},
		"GatewayTCPHostname": {
			file: "gateway",
			old:  "      port: 5432",
			new: `      port: 5432
      hostname: db.example.com`,
			want: []string{"spec.listeners: Invalid value: hostname must not be specified for protocols ['TCP', 'UDP']"},
		},
		"GatewayNoCertificate": {
			file: "gateway",
			old: `        certificateRefs:
          - name: my-api-web-tls
`,
			new:  "",
			want: []string{`spec.listeners[1].tls: Invalid value: "object": no such key: certificateRefs evaluating rule: certificateRefs or options must be specified when mode is Terminate`},
		},
		"GatewayNoClass": {
			file: "gateway",
			old: `  gatewayClassName: istio
`,
			new:  "",
			want: []string{"spec.gatewayClassName: Required value"},
		},
		"HTTPRoutePathType": {
			file: "httproute",
			old:  "type: PathPrefix",
			new:  "type: Prefix",
			want: []string{`spec.rules[0].matches[0].path.type: Unsupported value: "Prefix": supported values: "Exact", "PathPrefix", "RegularExpression"`},
		},
		"HTTPRoutePath": {
			file: "httproute",
			old: `value: /
`,
			new: `value: api
`,
			want: []string{"spec.rules[0].matches[0].path: Invalid value: value must be an absolute path and start with '/' when type one of ['Exact', 'PathPrefix']"},
		},
		"HTTPRouteBackendPort": {
			file: "httproute",
			old: `          port: 80
`,
			new:  "",
			want: []string{"spec.rules[0].backendRefs[0]: Invalid value: Must have port for Service reference"},
		},
		"HTTPRouteMethod": {
			file: "httproute",
			old:  "method: GET",
			new:  "method: get",
			want: []string{`spec.rules[0].matches[0].method: Unsupported value: "get": supported values: "GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"`},
		},
		"HTTPRouteHeaderTwice": {
			file: "httproute",
			old: `          headers:
`,
			new: `          headers:
            - name: x-tier
              value: x
`,
			want: []string{`spec.rules[0].matches[0].headers[1]: Duplicate value: {"name":"x-tier"}`},
		},
		"GRPCRouteMethod": {
			file: "grpcroute",
			old: `            service: media.v1.Library
            method: List`,
			new:  "            type: Exact",
			want: []string{"spec.rules[0].matches[0].method: Invalid value: One or both of 'service' or 'method' must be specified"},
		},
	})
}

// The published schemas say less than the projects' documentation. What they let through is written
// down here, because nothing offline will notice it; a case that begins to fail is good news and
// goes to the table above.
func TestGapsInPublishedSchemas(t *testing.T) {
	runBad(t, map[string]bad{
		"PolicyPortNumberTooLarge": {
			reason: "Cilium takes numbers and names in one text field, and 99999 has the form of a name.",
			file:   "ciliumnetworkpolicy",
			old:    `"5432"`,
			new:    `"99999"`,
		},
		"ScaledObjectMetricType": {
			reason: "The field is free text.",
			file:   "scaledobject",
			old:    "metricType: Utilization",
			new:    "metricType: utilization",
		},
		"ScaledObjectTriggerMetadata": {
			reason: "Trigger metadata is a free map; only the scaler knows its keys.",
			file:   "scaledobject",
			old:    "threshold:",
			new:    "treshold:",
		},
		"AuthorizationPortText": {
			reason: "The ports are free text; only a number means anything.",
			file:   "authorizationpolicy",
			old:    `ports: ["8080"]`,
			new:    `ports: [http]`,
		},
		"ServiceEntryProtocol": {
			reason: "The protocol is free text.",
			file:   "serviceentry",
			old:    "protocol: HTTPS",
			new:    "protocol: HTTPSS",
		},
		"HTTPRouteAddressAsHostname": {
			reason: "Gateway API forbids addresses in its documentation only.",
			file:   "httproute",
			old:    "[api.example.com]",
			new:    "[192.0.2.1]",
		},
	})
}
