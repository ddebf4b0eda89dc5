{{- define "service.hash" -}}
{{ sha256sum . | trunc 8 }}
{{- end }}

{{- define "service.labels" -}}
app.kubernetes.io/managed-by: lattice
app.kubernetes.io/name: {{ .name }}
{{- end }}

{{- define "service.metadata" -}}
name: {{ .name }}
namespace: {{ .root.Release.Namespace }}
labels:
  {{- include "service.labels" (dict "name" (.owner | default .root.Values.name)) | nindent 2 }}
{{- end }}

{{- define "service.selector" -}}
app.kubernetes.io/name: {{ .Values.name }}
{{- end }}

{{- define "service.waypoint" -}}
{{ .Release.Namespace }}-waypoint
{{- end }}

{{- define "service.derived" -}}
{{ .prefix }}{{ include "service.hash" (printf "%s/%s" .root.Release.Namespace .of) }}
{{- end }}

{{- define "service.principal" -}}
{{ .root.Values.cluster.trustDomain }}/ns/{{ .root.Release.Namespace }}/sa/{{ .account }}
{{- end }}

{{- define "service.fileKey" -}}
{{ . | trimPrefix "/" | replace "/" "-" }}
{{- end }}

{{- define "service.config" -}}
{{- $root := . }}
{{- range $container := .Values.containers }}
{{- range $key, $value := $container.variables }}
{{- printf "%s=%s\n" $key (tpl $value $root) }}
{{- end }}
{{- end }}
{{- range $container := .Values.containers }}
{{- range $path, $content := $container.files }}
{{- printf "file:%s=%s\n" (include "service.fileKey" $path) (tpl $content $root) }}
{{- end }}
{{- end }}
{{- end }}
