package schemas_test

import "testing"

func TestBadCoreObjects(t *testing.T) {
	runBad(t, map[string]bad{
		"DeploymentUnknownField": {
			reason: "A field of another kind would be dropped silently without strict decoding.",
			file:   "deployment",
			old:    "  replicas: 2",
			new:    "  replicaCount: 2",
			want:   []string{`unknown field "spec.replicaCount"`},
		},
		"DeploymentUnknownNested": {
			reason: "The path must lead to the container.",
			file:   "deployment",
			old:    "          imagePullPolicy: IfNotPresent",
			new:    "          pullPolicy: IfNotPresent",
			want:   []string{`unknown field "spec.template.spec.containers[0].pullPolicy"`},
		},
		"DeploymentUnknownMetadata": {
			reason: "Metadata is decoded as strictly as the spec.",
			file:   "deployment",
			old:    "      annotations:",
			new:    "      anotations:",
			want:   []string{`unknown field "spec.template.metadata.anotations"`},
		},
		"DeploymentReplicasText": {
			reason: "A number in quotes is the usual slip of a template.",
			file:   "deployment",
			old:    "  replicas: 2",
			new:    `  replicas: "2"`,
			want:   []string{"spec.replicas: Invalid value: json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32"},
		},
		"DeploymentReplicasNegative": {
			file: "deployment",
			old:  "  replicas: 2",
			new:  "  replicas: -1",
			want: []string{"spec.replicas: Invalid value: -1: must be at least 0"},
		},
		"DeploymentSelectorMismatch": {
			reason: "The template must be selected.",
			file:   "deployment",
			old: `    matchLabels:
      app.kubernetes.io/name: my-api
  strategy:`,
			new: `    matchLabels:
      app.kubernetes.io/name: other
  strategy:`,
			want: []string{`spec.template.metadata.labels: Invalid value: {"app.kubernetes.io/managed-by":"lattice","app.kubernetes.io/name":"my-api","lattice.io/vol-media":"true"}: do not match the selector app.kubernetes.io/name=other`},
		},
		"DeploymentSelectorEmpty": {
			file: "deployment",
			old: `  selector:
    matchLabels:
      app.kubernetes.io/name: my-api
  strategy:`,
			new: `  selector: {}
  strategy:`,
			want: []string{"spec.selector: Required value: an empty selector would select every pod"},
		},
		"DeploymentBadQuantity": {
			reason: "Decoding parses quantities.",
			file:   "deployment",
			old:    "memory: 256Mi",
			new:    "memory: 256 MB",
			want:   []string{"spec.template.spec.containers[0].resources.limits.memory: Invalid value: quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"},
		},
		"DeploymentRequestAboveLimit": {
			file: "deployment",
			old:  "cpu: 100m",
			new:  "cpu: 1100m",
			want: []string{`spec.template.spec.containers[0].resources.requests[cpu]: Invalid value: "1100m": must not be greater than the limit, 1`},
		},
		"DeploymentDeviceRequest": {
			reason: "A device cannot be requested without the same limit.",
			file:   "deployment",
			old:    "              memory: 128Mi",
			new: `              memory: 128Mi
              nvidia.com/gpu: 1`,
			want: []string{`spec.template.spec.containers[0].resources.requests[nvidia.com/gpu]: Invalid value: "1": must equal the limit: nvidia.com/gpu cannot be overcommitted`},
		},
		"DeploymentUnknownResource": {
			file: "deployment",
			old:  "              memory: 128Mi",
			new: `              memory: 128Mi
              gpu: 1`,
			want: []string{`spec.template.spec.containers[0].resources.requests[gpu]: Invalid value: "gpu": must be cpu, memory, ephemeral-storage, hugepages-<size> or have a domain prefix`},
		},
		"DeploymentSurgeText": {
			reason: "A count in quotes is neither a count nor a percentage.",
			file:   "deployment",
			old:    "maxSurge: 25%",
			new:    `maxSurge: "1"`,
			want:   []string{`spec.strategy.rollingUpdate.maxSurge: Invalid value: "1": ` + notPercent},
		},
		"DeploymentStandsStill": {
			file: "deployment",
			old: `      maxUnavailable: 25%
      maxSurge: 25%`,
			new: `      maxUnavailable: 0
      maxSurge: 0%`,
			want: []string{`spec.strategy.rollingUpdate.maxUnavailable: Invalid value: "0": must not be 0 when maxSurge is 0`},
		},
		"DeploymentUnavailableAboveAll": {
			file: "deployment",
			old:  "maxUnavailable: 25%",
			new:  "maxUnavailable: 101%",
			want: []string{`spec.strategy.rollingUpdate.maxUnavailable: Invalid value: "101%": must not be greater than 100%`},
		},
		"DeploymentRecreateRolling": {
			file: "deployment",
			old:  "type: RollingUpdate",
			new:  "type: Recreate",
			want: []string{"spec.strategy.rollingUpdate: Forbidden: only with strategy type RollingUpdate"},
		},
		"DeploymentStrategyUnknown": {
			file: "deployment",
			old:  "type: RollingUpdate",
			new:  "type: Canary",
			want: []string{`spec.strategy.type: Unsupported value: "Canary": supported values: "Recreate", "RollingUpdate"`},
		},
		"DeploymentDuplicateContainer": {
			reason: "Names are unique across containers and init containers.",
			file:   "deployment",
			old:    "        - name: migrate",
			new:    "        - name: main",
			want:   []string{`spec.template.spec.initContainers[0].name: Duplicate value: "main"`},
		},
		"DeploymentContainerName": {
			file: "deployment",
			old:  "        - name: migrate",
			new:  "        - name: Migrate_1",
			want: []string{`spec.template.spec.initContainers[0].name: Invalid value: "Migrate_1": ` + notLabel},
		},
		"DeploymentNoContainerName": {
			file: "deployment",
			old: `        - name: migrate
          image`,
			new:  "        - image",
			want: []string{"spec.template.spec.initContainers[0].name: Required value"},
		},
		"DeploymentNoImage": {
			file: "deployment",
			old: `          image: registry.example/migrate@sha256:0000000000000000000000000000000000000000000000000000000000000000
`,
			new:  "",
			want: []string{"spec.template.spec.initContainers[0].image: Required value"},
		},
		"DeploymentUnknownVolume": {
			reason: "A mount of a volume that the pod lacks.",
			file:   "deployment",
			old: `            - name: cache
              mountPath`,
			new: `            - name: cash
              mountPath`,
			want: []string{`spec.template.spec.containers[0].volumeMounts[0].name: Not found: "cash"`},
		},
		"DeploymentMountTwice": {
			file: "deployment",
			old:  "mountPath: /etc/app/config.yaml",
			new:  "mountPath: /cache",
			want: []string{`spec.template.spec.containers[0].volumeMounts[1].mountPath: Duplicate value: "/cache"`},
		},
		"DeploymentMountEscapes": {
			file: "deployment",
			old:  "subPath: etc-app-config.yaml",
			new:  "subPath: ../secrets",
			want: []string{`spec.template.spec.containers[0].volumeMounts[1].subPath: Invalid value: "../secrets": must not contain '..'`},
		},
		"DeploymentMountAbsolute": {
			file: "deployment",
			old:  "subPath: etc-app-config.yaml",
			new:  "subPath: /etc",
			want: []string{`spec.template.spec.containers[0].volumeMounts[1].subPath: Invalid value: "/etc": must be a relative path`},
		},
		"DeploymentVolumeTwoSources": {
			file: "deployment",
			old: `        - name: cache
          emptyDir`,
			new: `        - name: cache
          hostPath:
            path: /tmp
          emptyDir`,
			want: []string{"spec.template.spec.volumes[0]: Forbidden: a volume has one source"},
		},
		"DeploymentVolumeTwice": {
			file: "deployment",
			old: `        - name: my-api-main-files
          configMap`,
			new: `        - name: cache
          configMap`,
			want: []string{
				`spec.template.spec.containers[0].volumeMounts[1].name: Not found: "my-api-main-files"`,
				`spec.template.spec.volumes[1].name: Duplicate value: "cache"`,
			},
		},
		"DeploymentFileMode": {
			reason: "0444 written in decimal.",
			file:   "deployment",
			old:    "defaultMode: 0o444",
			new:    "defaultMode: 644",
			want:   []string{"spec.template.spec.volumes[1].configMap.defaultMode: Invalid value: 644: must be between 0 and 0777 (octal)"},
		},
		"DeploymentEnvName": {
			file: "deployment",
			old:  "- name: MODE",
			new:  "- name: A=B",
			want: []string{`spec.template.spec.containers[0].env[1].name: Invalid value: "A=B": a valid environment variable name must consist only of printable ASCII characters other than '='`},
		},
		"DeploymentEnvTwice": {
			reason: "Server-side apply refuses what create accepts.",
			file:   "deployment",
			old:    "- name: MODE",
			new:    "- name: DB_PASSWORD",
			want:   []string{`spec.template.spec.containers[0].env[1].name: Duplicate value: "DB_PASSWORD"`},
		},
		"DeploymentEnvBoth": {
			file: "deployment",
			old: `            - name: DB_PASSWORD
`,
			new: `            - name: DB_PASSWORD
              value: x
`,
			want: []string{"spec.template.spec.containers[0].env[0].valueFrom: Forbidden: value is set; only one of the two may be"},
		},
		"DeploymentEnvTwoSources": {
			file: "deployment",
			old: `              valueFrom:
`,
			new: `              valueFrom:
                fieldRef:
                  fieldPath: metadata.name
`,
			want: []string{`spec.template.spec.containers[0].env[0].valueFrom: Invalid value: "": exactly one source must be set`},
		},
		"DeploymentEnvSecretName": {
			file: "deployment",
			old:  "                  name: my-api-database",
			new:  "                  name: my_api",
			want: []string{`spec.template.spec.containers[0].env[0].valueFrom.secretKeyRef.name: Invalid value: "my_api": ` + notSubdomain},
		},
		"DeploymentEnvSecretKey": {
			file: "deployment",
			old:  "                  key: password",
			new:  "                  key: a/b",
			want: []string{`spec.template.spec.containers[0].env[0].valueFrom.secretKeyRef.key: Invalid value: "a/b": ` + notDataKey},
		},
		"DeploymentEnvFromEmpty": {
			file: "deployment",
			old: `            - configMapRef:
                name: my-api-main-env`,
			new:  "            - prefix: X",
			want: []string{`spec.template.spec.containers[0].envFrom[0]: Invalid value: "": exactly one of configMapRef and secretRef must be set`},
		},
		"DeploymentPortName": {
			reason: "Port names are at most 15 characters.",
			file:   "deployment",
			old: `            - name: metrics
              containerPort`,
			new: `            - name: prometheus-metrics
              containerPort`,
			want: []string{`spec.template.spec.containers[0].ports[1].name: Invalid value: "prometheus-metrics": must be no more than 15 characters`},
		},
		"DeploymentPortRange": {
			file: "deployment",
			old:  "containerPort: 9090",
			new:  "containerPort: 90900",
			want: []string{"spec.template.spec.containers[0].ports[1].containerPort: Invalid value: 90900: must be between 1 and 65535, inclusive"},
		},
		"DeploymentPortTwice": {
			file: "deployment",
			old:  "containerPort: 9090",
			new:  "containerPort: 8080",
			want: []string{`spec.template.spec.containers[0].ports[1]: Duplicate value: "TCP 8080"`},
		},
		"DeploymentPortProtocol": {
			file: "deployment",
			old:  "              protocol: TCP",
			new:  "              protocol: tcp",
			want: []string{`spec.template.spec.containers[0].ports[1].protocol: Unsupported value: "tcp": supported values: "SCTP", "TCP", "UDP"`},
		},
		"DeploymentProbeTwoHandlers": {
			file: "deployment",
			old: `          livenessProbe:
`,
			new: `          livenessProbe:
            exec:
              command: [/bin/true]
`,
			want: []string{`spec.template.spec.containers[0].livenessProbe: Invalid value: "2 handlers": exactly one of exec, grpc, httpGet and tcpSocket must be set`},
		},
		"DeploymentProbeNoHandler": {
			file: "deployment",
			old: `          readinessProbe:
            tcpSocket:
              port: 8080`,
			new:  "          readinessProbe:",
			want: []string{`spec.template.spec.containers[0].readinessProbe: Invalid value: "0 handlers": exactly one of exec, grpc, httpGet and tcpSocket must be set`},
		},
		"DeploymentProbePort": {
			file: "deployment",
			old: `            tcpSocket:
              port: 8080`,
			new: `            tcpSocket:
              port: "8080"`,
			want: []string{`spec.template.spec.containers[0].readinessProbe.tcpSocket.port: Invalid value: "8080": must contain at least one letter (a-z)`},
		},
		"DeploymentProbeThreshold": {
			file: "deployment",
			old: `          livenessProbe:
`,
			new: `          livenessProbe:
            successThreshold: 2
`,
			want: []string{"spec.template.spec.containers[0].livenessProbe.successThreshold: Invalid value: 2: must be 1"},
		},
		"DeploymentProbeNegative": {
			file: "deployment",
			old: `          livenessProbe:
`,
			new: `          livenessProbe:
            periodSeconds: -5
`,
			want: []string{"spec.template.spec.containers[0].livenessProbe.periodSeconds: Invalid value: -5: must be at least 0"},
		},
		"DeploymentInitProbe": {
			file: "deployment",
			old: `          restartPolicy: Always
`,
			new:  "",
			want: []string{"spec.template.spec.initContainers[1]: Forbidden: an init container has no probes and no lifecycle unless its restartPolicy is Always"},
		},
		"DeploymentRestartPolicy": {
			file: "deployment",
			old:  "      serviceAccountName: my-api",
			new: `      restartPolicy: Never
      serviceAccountName: my-api`,
			want: []string{`spec.template.spec.restartPolicy: Unsupported value: "Never": supported values: "Always"`},
		},
		"DeploymentPullPolicy": {
			file: "deployment",
			old:  "IfNotPresent",
			new:  "ifNotPresent",
			want: []string{`spec.template.spec.containers[0].imagePullPolicy: Unsupported value: "ifNotPresent": supported values: "Always", "IfNotPresent", "Never"`},
		},
		"DeploymentPrivilege": {
			file: "deployment",
			old:  "            readOnlyRootFilesystem: true",
			new:  "            privileged: true",
			want: []string{"spec.template.spec.containers[0].securityContext.allowPrivilegeEscalation: Invalid value: false: a privileged container can always escalate"},
		},
		"DeploymentSeccompLocalhost": {
			file: "deployment",
			old: `        seccompProfile:
          type: RuntimeDefault
        sysctls`,
			new: `        seccompProfile:
          type: Localhost
        sysctls`,
			want: []string{"spec.template.spec.securityContext.seccompProfile.localhostProfile: Required value: the type is Localhost"},
		},
		"DeploymentAppArmorProfile": {
			file: "deployment",
			old: `            appArmorProfile:
`,
			new: `            appArmorProfile:
              localhostProfile: p
`,
			want: []string{"spec.template.spec.containers[0].securityContext.appArmorProfile.localhostProfile: Forbidden: only with type Localhost"},
		},
		"DeploymentUser": {
			file: "deployment",
			old:  "        fsGroup: 65534",
			new:  "        fsGroup: -1",
			want: []string{"spec.template.spec.securityContext.fsGroup: Invalid value: -1: must be between 0 and 2147483647"},
		},
		"DeploymentSysctl": {
			file: "deployment",
			old:  "net.ipv4.ip_unprivileged_port_start",
			new:  "Net..x",
			want: []string{`spec.template.spec.securityContext.sysctls[0].name: Invalid value: "Net..x": must be lower-case segments separated by '.' or '/'`},
		},
		"DeploymentHostSysctl": {
			file: "deployment",
			old:  "      serviceAccountName: my-api",
			new: `      hostNetwork: true
      serviceAccountName: my-api`,
			want: []string{"spec.template.spec.securityContext.sysctls[0].name: Forbidden: would change the host: hostNetwork is true"},
		},
		"PodHostNetwork": {
			reason: "Lattice lists the ports of a service on every container; on the host's network they clash.",
			file:   "pod",
			old: `  containers:
    - name: main
`,
			new: `  hostNetwork: true
  containers:
    - name: other
      image: x
      ports: [{containerPort: 80}]
    - name: main
      ports: [{containerPort: 80}]
`,
			want: []string{"spec.containers[1].ports[0].hostPort: Duplicate value: 80"},
		},
		"PodSeveralMistakes": {
			reason: "Everything is reported, not the first mistake only.",
			file:   "pod",
			old:    "  restartPolicy: Never",
			new: `  restartPolicy: 1
  priority: high
  hostIPC: 'no'
  dnsPolicy: none
  wrong: 1`,
			want: []string{
				"spec.hostIPC: Invalid value: json: cannot unmarshal string into Go struct field PodSpec.spec.hostIPC of type bool",
				"spec.priority: Invalid value: json: cannot unmarshal string into Go struct field PodSpec.spec.priority of type int32",
				"spec.restartPolicy: Invalid value: json: cannot unmarshal number into Go struct field PodSpec.spec.restartPolicy of type v1.RestartPolicy",
				`unknown field "spec.wrong"`,
			},
		},
		"DeploymentToleration": {
			file: "deployment",
			old: `          operator: Exists
          effect: NoSchedule`,
			new: `          operator: exists
          effect: NoWay`,
			want: []string{
				`spec.template.spec.tolerations[0].effect: Unsupported value: "NoWay": supported values: "NoExecute", "NoSchedule", "PreferNoSchedule"`,
				`spec.template.spec.tolerations[0].operator: Unsupported value: "exists": supported values: "Equal", "Exists"`,
			},
		},
		"DeploymentAffinity": {
			file: "deployment",
			old: `            - topologyKey: kubernetes.io/hostname
              labelSelector`,
			new:  "            - labelSelector",
			want: []string{"spec.template.spec.affinity.podAffinity.requiredDuringSchedulingIgnoredDuringExecution[0].topologyKey: Required value"},
		},
		"DeploymentSpread": {
			file: "deployment",
			old:  "whenUnsatisfiable: ScheduleAnyway",
			new:  "whenUnsatisfiable: Always",
			want: []string{`spec.template.spec.topologySpreadConstraints[0].whenUnsatisfiable: Unsupported value: "Always": supported values: "DoNotSchedule", "ScheduleAnyway"`},
		},
		"DeploymentLabelValue": {
			file: "deployment",
			old: `lattice.io/vol-media: "true"
      annotations`,
			new: `lattice.io/vol-media: "yes, please"
      annotations`,
			want: []string{`spec.template.metadata.labels: Invalid value: "yes, please": ` + notLabelValue},
		},
		"DeploymentLabelType": {
			reason: "YAML makes a boolean of an unquoted true.",
			file:   "deployment",
			old: `lattice.io/vol-media: "true"
      annotations`,
			new: `lattice.io/vol-media: true
      annotations`,
			want: []string{"spec.template.metadata.labels.lattice.io/vol-media: Invalid value: json: cannot unmarshal bool into Go struct field ObjectMeta.spec.template.metadata.labels of type string"},
		},
		"DeploymentPullSecret": {
			file: "deployment",
			old:  "        - name: my-api-ghcr-credentials",
			new:  "        - name: my/api",
			want: []string{`spec.template.spec.imagePullSecrets[0].name: Invalid value: "my/api": ` + notSubdomain},
		},
		"ServicePortName": {
			file: "service",
			old:  "    - name: metrics",
			new:  "    - name: Metrics_1",
			want: []string{`spec.ports[1].name: Invalid value: "Metrics_1": ` + notLabel},
		},
		"ServicePortUnnamed": {
			file: "service",
			old: `    - name: metrics
      port: 9090`,
			new:  "    - port: 9090",
			want: []string{"spec.ports[1].name: Required value: a Service with several ports names each"},
		},
		"ServicePortNameTwice": {
			file: "service",
			old:  "    - name: metrics",
			new:  "    - name: http",
			want: []string{`spec.ports[1].name: Duplicate value: "http"`},
		},
		"ServicePortTwice": {
			file: "service",
			old:  "port: 9090",
			new:  "port: 80",
			want: []string{`spec.ports[1]: Duplicate value: "TCP 80"`},
		},
		"ServicePortZero": {
			file: "service",
			old:  "port: 9090",
			new:  "port: 0",
			want: []string{"spec.ports[1].port: Invalid value: 0: must be between 1 and 65535, inclusive"},
		},
		"ServiceTargetPort": {
			file: "service",
			old:  "targetPort: 8080",
			new:  `targetPort: "8080"`,
			want: []string{`spec.ports[0].targetPort: Invalid value: "8080": must contain at least one letter (a-z)`},
		},
		"ServiceProtocol": {
			file: "service",
			old:  "protocol: TCP",
			new:  "protocol: HTTP",
			want: []string{`spec.ports[0].protocol: Unsupported value: "HTTP": supported values: "SCTP", "TCP", "UDP"`},
		},
		"ServiceName": {
			reason: "A Service name begins with a letter.",
			file:   "service",
			old: `  name: my-api
  namespace`,
			new: `  name: 1api
  namespace`,
			want: []string{`metadata.name: Invalid value: "1api": a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')`},
		},
		"ServiceType": {
			file: "service",
			old: `spec:
`,
			new: `spec:
  type: Loadbalancer
`,
			want: []string{`spec.type: Unsupported value: "Loadbalancer": supported values: "ClusterIP", "ExternalName", "LoadBalancer", "NodePort"`},
		},
		"ServiceNodePort": {
			file: "service",
			old:  "      port: 9090",
			new: `      port: 9090
      nodePort: 30000`,
			want: []string{"spec.ports[1].nodePort: Forbidden: needs type NodePort or LoadBalancer"},
		},
		"ServiceHeadless": {
			file: "service",
			old: `spec:
`,
			new: `spec:
  type: LoadBalancer
  clusterIP: None
`,
			want: []string{`spec.clusterIP: Invalid value: "None": a LoadBalancer Service cannot be headless`},
		},
		"ServiceExternalName": {
			file: "service",
			old: `spec:
`,
			new: `spec:
  type: ExternalName
`,
			want: []string{"spec.externalName: Required value"},
		},
		"ServiceNoPorts": {
			file: "service",
			old: `  ports:
    - name: http
      port: 80
      targetPort: 8080
      protocol: TCP
    - name: metrics
      port: 9090
`,
			new:  "",
			want: []string{"spec.ports: Required value"},
		},
		"ServiceSelector": {
			file: "service",
			old: `    app.kubernetes.io/name: my-api
  ports`,
			new: `    app.kubernetes.io/name: -my-api
  ports`,
			want: []string{`spec.selector: Invalid value: "-my-api": ` + notLabelValue},
		},
		"ServiceAccountUnknownField": {
			file: "serviceaccount",
			old:  "automountServiceAccountToken",
			new:  "automountToken",
			want: []string{`unknown field "automountToken"`},
		},
		"ServiceAccountName": {
			file: "serviceaccount",
			old: `  name: my-api
`,
			new: `  name: My_API
`,
			want: []string{`metadata.name: Invalid value: "My_API": ` + notSubdomain},
		},
		"ServiceAccountNoName": {
			file: "serviceaccount",
			old: `  name: my-api
`,
			new:  "",
			want: []string{"metadata.name: Required value: name or generateName is required"},
		},
		"ServiceAccountNamespace": {
			file: "serviceaccount",
			old:  "  namespace: media",
			new:  "  namespace: Media",
			want: []string{`metadata.namespace: Invalid value: "Media": ` + notLabel},
		},
		"ServiceAccountLabelKey": {
			file: "serviceaccount",
			old:  "    app.kubernetes.io/managed-by: lattice",
			new:  "    app.kubernetes.io/managed/by: lattice",
			want: []string{`metadata.labels: Invalid value: "app.kubernetes.io/managed/by": a valid label key must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]') with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`},
		},
		"ConfigMapKey": {
			file: "configmap",
			old:  "  etc-app-config.yaml: |",
			new:  "  etc/app/config.yaml: |",
			want: []string{`data[etc/app/config.yaml]: Invalid value: "etc/app/config.yaml": ` + notDataKey},
		},
		"ConfigMapBothKeys": {
			file: "configmap",
			old:  "  logo:",
			new:  "  PORT:",
			want: []string{`data[PORT]: Invalid value: "PORT": is in binaryData as well`},
		},
		"ConfigMapNumber": {
			file: "configmap",
			old:  `PORT: "8080"`,
			new:  "PORT: 8080",
			want: []string{"data.PORT: Invalid value: json: cannot unmarshal number into Go struct field ConfigMap.data of type string"},
		},
		"ConfigMapBase64": {
			file: "configmap",
			old:  "iVBORw0KGgo=",
			new:  "not base64",
			want: []string{"binaryData.logo: Invalid value: illegal base64 data at input byte 3"},
		},
		"SecretKeys": {
			file: "secret",
			old:  "  tls.key:",
			new:  "  key:",
			want: []string{"data[tls.key]: Required value: a Secret of type kubernetes.io/tls has it"},
		},
		"SecretKeyName": {
			file: "secret",
			old:  "  tls.key:",
			new: `  tls.key: x
  a b:`,
			want: []string{`data[a b]: Invalid value: "a b": ` + notDataKey},
		},
		"ClaimSize": {
			file: "persistentvolumeclaim",
			old:  "      storage: 10Gi",
			new:  "      storage: 0",
			want: []string{`spec.resources.requests[storage]: Invalid value: "0": must be greater than 0`},
		},
		"ClaimNoSize": {
			file: "persistentvolumeclaim",
			old:  "      storage: 10Gi",
			new:  "      size: 10Gi",
			want: []string{"spec.resources.requests[storage]: Required value"},
		},
		"ClaimMode": {
			file: "persistentvolumeclaim",
			old:  "[ReadWriteOnce]",
			new:  "[RWO]",
			want: []string{`spec.accessModes[0]: Unsupported value: "RWO": supported values: "ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"`},
		},
		"ClaimNoMode": {
			file: "persistentvolumeclaim",
			old: `  accessModes: [ReadWriteOnce]
`,
			new:  "",
			want: []string{"spec.accessModes: Required value"},
		},
		"ClaimClass": {
			file: "persistentvolumeclaim",
			old:  "fast",
			new:  "Fast Disk",
			want: []string{`spec.storageClassName: Invalid value: "Fast Disk": ` + notSubdomain},
		},
		"PodRestartPolicy": {
			file: "pod",
			old:  "restartPolicy: Never",
			new:  "restartPolicy: never",
			want: []string{`spec.restartPolicy: Unsupported value: "never": supported values: "Always", "Never", "OnFailure"`},
		},
		"PodNoContainers": {
			file: "pod",
			old: `  containers:
    - name: main
      image: registry.example/probe@sha256:0000000000000000000000000000000000000000000000000000000000000000
`,
			new:  "",
			want: []string{"spec.containers: Required value"},
		},
		"StatefulSetName": {
			reason: "Pod names are made from it, and they are labels.",
			file:   "statefulset",
			old: `  name: store
  namespace`,
			new: `  name: store.main
  namespace`,
			want: []string{`metadata.name: Invalid value: "store.main": must not contain dots`},
		},
		"StatefulSetMount": {
			reason: "A claim template is a volume; nothing else is.",
			file:   "statefulset",
			old:    "            - name: data",
			new:    "            - name: dat",
			want:   []string{`spec.template.spec.containers[0].volumeMounts[0].name: Not found: "dat"`},
		},
		"JobRestartPolicy": {
			file: "job",
			old: `      restartPolicy: OnFailure
`,
			new:  "",
			want: []string{"spec.template.spec.restartPolicy: Required value: the default, Always, is not allowed in a Job"},
		},
		"JobRestartAlways": {
			file: "job",
			old:  "OnFailure",
			new:  "Always",
			want: []string{`spec.template.spec.restartPolicy: Unsupported value: "Always": supported values: "Never", "OnFailure"`},
		},
		"JobSelector": {
			file: "job",
			old:  "  backoffLimit: 3",
			new: `  selector:
    matchLabels: {a: b}`,
			want: []string{"spec.selector: Forbidden: a Job makes its own unless manualSelector is true"},
		},
		"CronJobSchedule": {
			file: "cronjob",
			old:  `"30 2 * * *"`,
			new:  `"30 2"`,
			want: []string{`spec.schedule: Invalid value: "30 2": must have five fields or be a macro such as @hourly`},
		},
		"CronJobTimeZone": {
			file: "cronjob",
			old:  `"30 2 * * *"`,
			new:  `"CRON_TZ=UTC 30 2 * * *"`,
			want: []string{`spec.schedule: Invalid value: "CRON_TZ=UTC 30 2 * * *": a time zone goes into timeZone`},
		},
		"CronJobPolicy": {
			file: "cronjob",
			old:  "Forbid",
			new:  "Never",
			want: []string{`spec.concurrencyPolicy: Unsupported value: "Never": supported values: "Allow", "Forbid", "Replace"`},
		},
		"CronJobName": {
			file: "cronjob",
			old:  "  name: nightly",
			new:  "  name: nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn",
			want: []string{`metadata.name: Invalid value: "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn": must be no more than 52 characters`},
		},
		"BudgetBoth": {
			file: "poddisruptionbudget",
			old:  "  minAvailable: 1",
			new: `  minAvailable: 1
  maxUnavailable: 1`,
			want: []string{"spec.maxUnavailable: Forbidden: minAvailable is set; only one of the two may be"},
		},
		"BudgetNegative": {
			file: "poddisruptionbudget",
			old:  "  minAvailable: 1",
			new:  "  minAvailable: -1",
			want: []string{"spec.minAvailable: Invalid value: -1: must be at least 0"},
		},
		"BudgetText": {
			file: "poddisruptionbudget",
			old:  "  minAvailable: 1",
			new:  `  minAvailable: "1"`,
			want: []string{`spec.minAvailable: Invalid value: "1": ` + notPercent},
		},
		"BudgetUnknownField": {
			file: "poddisruptionbudget",
			old:  "  minAvailable: 1",
			new:  "  minAvailble: 1",
			want: []string{`unknown field "spec.minAvailble"`},
		},
		"BudgetSelector": {
			file: "poddisruptionbudget",
			old:  "      app.kubernetes.io/name: my-api",
			new:  "      app.kubernetes.io/name: my api",
			want: []string{`spec.selector.matchLabels: Invalid value: "my api": ` + notLabelValue},
		},
		"BudgetRemovedVersion": {
			reason: "The decoder still knows versions that servers no longer serve.",
			file:   "poddisruptionbudget",
			old:    "policy/v1",
			new:    "policy/v1beta1",
			want:   []string{"policy/v1beta1 PodDisruptionBudget is not served since Kubernetes 1.25; use policy/v1 PodDisruptionBudget"},
		},
		"AutoscalerBounds": {
			file: "horizontalpodautoscaler",
			old:  "maxReplicas: 5",
			new:  "maxReplicas: 1",
			want: []string{"spec.maxReplicas: Invalid value: 1: must not be less than minReplicas"},
		},
		"AutoscalerMetric": {
			file: "horizontalpodautoscaler",
			old:  "    - type: Resource",
			new:  "    - type: Pods",
			want: []string{`spec.metrics[0]: Invalid value: "Pods": the source of this type, and no other, must be set`},
		},
		"AutoscalerTarget": {
			file: "horizontalpodautoscaler",
			old: `    kind: Deployment
    name: my-api`,
			new: "",
			want: []string{
				"spec.scaleTargetRef.kind: Required value",
				"spec.scaleTargetRef.name: Required value",
			},
		},
		"NetworkPolicyProtocol": {
			file: "networkpolicy",
			old:  "UDP",
			new:  "udp",
			want: []string{`spec.egress[0].ports[0].protocol: Unsupported value: "udp": supported values: "SCTP", "TCP", "UDP"`},
		},
		"NetworkPolicyEndPort": {
			file: "networkpolicy",
			old:  "endPort: 2000",
			new:  "endPort: 20",
			want: []string{"spec.egress[0].ports[0].endPort: Invalid value: 20: needs a numeric port that is not greater"},
		},
		"NetworkPolicyPeer": {
			file: "networkpolicy",
			old: `        - ipBlock:
            cidr: 10.0.0.0/8
            except: [10.1.0.0/16]`,
			new:  "        - {}",
			want: []string{"spec.egress[0].to[0]: Required value: an empty peer selects nothing"},
		},
		"NetworkPolicyBlock": {
			file: "networkpolicy",
			old:  "cidr: 10.0.0.0/8",
			new:  "cidr: 10.0.0.0",
			want: []string{`spec.egress[0].to[0].ipBlock.cidr: Invalid value: "10.0.0.0": must be an address and a prefix length`},
		},
		"NetworkPolicyExcept": {
			file: "networkpolicy",
			old:  "10.1.0.0/16",
			new:  "11.1.0.0/16",
			want: []string{`spec.egress[0].to[0].ipBlock.except[0]: Invalid value: "11.1.0.0/16": must be a smaller range inside 10.0.0.0/8`},
		},
		"IngressPathType": {
			file: "ingress",
			old: `            pathType: Prefix
`,
			new:  "",
			want: []string{"spec.rules[0].http.paths[0].pathType: Required value"},
		},
		"IngressPath": {
			file: "ingress",
			old:  "- path: /",
			new:  "- path: web",
			want: []string{`spec.rules[0].http.paths[0].path: Invalid value: "web": must begin with a slash`},
		},
		"IngressHost": {
			file: "ingress",
			old:  `"*.example.com"`,
			new:  `"*"`,
			want: []string{"spec.rules[0].host: Invalid value: \"*\": a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character (e.g. '*.example.com', regex used for validation is '\\*\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"},
		},
		"IngressBackend": {
			file: "ingress",
			old:  "                  name: http",
			new: `                  number: 80
                  name: http`,
			want: []string{`spec.rules[0].http.paths[0].backend.service.port: Invalid value: "": either name or number must be set`},
		},
		"RoleVerbs": {
			file: "role",
			old:  "    verbs: [get]",
			new:  "    verbs: []",
			want: []string{"rules[0].verbs: Required value"},
		},
		"RoleName": {
			file: "role",
			old:  "system:my-api",
			new:  "a/b",
			want: []string{`metadata.name: Invalid value: "a/b": may not contain '/'`},
		},
		"RoleURL": {
			file: "role",
			old: `  - apiGroups: [""]
    resources: [configmaps]`,
			new:  "  - nonResourceURLs: [/metrics]",
			want: []string{"rules[0].nonResourceURLs: Forbidden: only in a ClusterRole"},
		},
		"BindingKind": {
			file: "clusterrolebinding",
			old: `kind: ClusterRole
`,
			new: `kind: Role
`,
			want: []string{`roleRef.kind: Unsupported value: "Role": supported values: "ClusterRole"`},
		},
		"BindingSubject": {
			file: "clusterrolebinding",
			old: `    namespace: media
`,
			new:  "",
			want: []string{"subjects[0].namespace: Required value"},
		},
		"BindingNamespace": {
			reason: "A cluster-wide object has none.",
			file:   "clusterrolebinding",
			old: `  name: my-api
roleRef`,
			new: `  name: my-api
  namespace: media
roleRef`,
			want: []string{"metadata.namespace: Forbidden: not allowed on this type"},
		},
	})
}
