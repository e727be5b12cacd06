{{/* All labels that a pod has: with the chart's version among them, a new chart would restart every Redis. */}}
{{- define "vote-app.selector" -}}
app.kubernetes.io/name: vote-app
app.kubernetes.io/component: {{ . }}
{{- end }}

{{- define "vote-app.labels" -}}
{{ include "vote-app.selector" .component }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ .root.Chart.Name }}-{{ .root.Chart.Version }}
{{- end }}

{{- define "vote-app.image" -}}
{{- $images := .root.Values.images -}}
{{- $digest := get $images.digests .image -}}
{{ $images.prefix }}/{{ .image }}{{ if $digest }}@{{ $digest }}{{ else }}:{{ $images.tag | default .root.Chart.AppVersion }}{{ end }}
{{- end }}

{{/* What all pods have: they are nobody in the cluster, and no service's address passes for one of their settings
(REDIS_PORT, for one). */}}
{{- define "vote-app.pod" -}}
automountServiceAccountToken: false
enableServiceLinks: false
{{- with .root.Values.images.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
securityContext:
  runAsNonRoot: true
  runAsUser: {{ .user }}
  runAsGroup: {{ .user }}
  fsGroup: {{ .user }}
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile: {type: RuntimeDefault}
  {{- with .sysctls }}
  sysctls:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end }}

{{- define "vote-app.container" -}}
image: {{ include "vote-app.image" . }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: {drop: [ALL]}
{{- end }}

{{/* Memory is never promised twice; processor time is shared. */}}
{{- define "vote-app.resources" -}}
requests: {cpu: {{ .cpu | quote }}, memory: {{ .memory | quote }}}
limits: {memory: {{ .memory | quote }}}
{{- end }}

{{/* Copies of a service without data: on different nodes while there are enough. */}}
{{- define "vote-app.spread" -}}
- maxSkew: 1
  topologyKey: kubernetes.io/hostname
  whenUnsatisfiable: ScheduleAnyway
  labelSelector:
    matchLabels:
      {{- include "vote-app.selector" . | nindent 6 }}
{{- end }}

{{/* Nodes of a cluster: never two on one machine. */}}
{{- define "vote-app.apart" -}}
podAntiAffinity:
  requiredDuringSchedulingIgnoredDuringExecution:
    - topologyKey: kubernetes.io/hostname
      labelSelector:
        matchLabels:
          {{- include "vote-app.selector" . | nindent 10 }}
{{- end }}

{{- define "vote-app.servicesSecret" -}}
{{ .Values.secrets.services | default "vote-app" }}
{{- end }}

{{- define "vote-app.databaseSecret" -}}
{{- $named := dict "worker" .root.Values.secrets.databaseWorker "result" .root.Values.secrets.databaseResult -}}
{{ get $named .account | default (printf "postgres-%s" .account) }}
{{- end }}

{{/* Secrets as files, with the names that they have in the Swarm stack. */}}
{{- define "vote-app.secrets" -}}
name: secrets
projected:
  defaultMode: 0440
  sources:
    {{- with .services }}
    - secret:
        name: {{ include "vote-app.servicesSecret" $.root }}
        items:
          {{- range . }}
          - {key: {{ . }}, path: {{ . }}}
          {{- end }}
    {{- end }}
    {{- with .account }}
    - secret:
        name: {{ include "vote-app.databaseSecret" (dict "root" $.root "account" .) }}
        items:
          - {key: password, path: postgres_{{ . }}_password}
    {{- end }}
{{- end }}

{{/* What a read-only container may write to: in memory, as what is written there may be secret. */}}
{{- define "vote-app.scratch" -}}
name: {{ . }}
emptyDir: {medium: Memory, sizeLimit: 32Mi}
{{- end }}

{{/* The authority of the database's certificates. The operator renews it: a file that is mounted alone (subPath) would
stay the old one. */}}
{{- define "vote-app.databaseAuthority" -}}
name: database-authority
secret:
  secretName: postgres-ca
  defaultMode: 0440
  items:
    - {key: ca.crt, path: ca.crt}
{{- end }}

{{- define "vote-app.databaseTls" -}}
- {name: PGSSLMODE, value: verify-full}
- {name: PGSSLROOTCERT, value: /etc/database-authority/ca.crt}
{{- end }}

{{- define "vote-app.page" -}}
- {name: TITLE, value: {{ .title | quote }}}
- {name: QUESTION, value: {{ .question | quote }}}
- {name: OPTION_A, value: {{ .optionA | quote }}}
- {name: OPTION_B, value: {{ .optionB | quote }}}
- {name: VOTE_OPTIONS, value: {{ .options | quote }}}
- {name: VOTE_OPTION_KEYS, value: {{ .optionKeys | quote }}}
{{- end }}

{{/* Whether this process serves. A queue or a database that is away must not take its pages away. */}}
{{- define "vote-app.pageProbes" -}}
startupProbe:
  httpGet: {path: /healthz, port: http}
  periodSeconds: 2
  failureThreshold: 15
readinessProbe:
  httpGet: {path: /healthz, port: http}
  periodSeconds: 2
  timeoutSeconds: 3
livenessProbe:
  httpGet: {path: /healthz, port: http}
  periodSeconds: 10
  timeoutSeconds: 5
  failureThreshold: 3
{{- end }}
