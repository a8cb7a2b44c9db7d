{{- define "weir.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "weir.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 52 | trimSuffix "-" }}
{{- else if contains (include "weir.name" .) .Release.Name }}
{{- .Release.Name | trunc 52 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name (include "weir.name" .) | trunc 52 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{- define "weir.selector" -}}
app.kubernetes.io/name: {{ include "weir.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "weir.labels" -}}
{{ include "weir.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end }}

{{- define "weir.serviceAccount" -}}
{{- if .Values.serviceAccount.create }}{{ default (include "weir.fullname" .) .Values.serviceAccount.name }}{{ else }}{{ default "default" .Values.serviceAccount.name }}{{ end }}
{{- end }}

{{- define "weir.image" -}}
{{- if .Values.image.digest }}{{ .Values.image.repository }}@{{ .Values.image.digest }}{{ else }}{{ .Values.image.repository }}:{{ default .Chart.AppVersion .Values.image.tag }}{{ end }}
{{- end }}

{{- define "weir.configMap" -}}
{{- default (include "weir.fullname" .) .Values.existingConfigMap }}
{{- end }}

{{- /* What the chart knows better than whoever writes the configuration: ports, and the times that the pod's own grace is made of. */}}
{{- define "weir.config" -}}
{{- $server := dict "host" "0.0.0.0" "port" (int .Values.service.targetPort) "drain_grace" (printf "%ds" (int .Values.drain.graceSeconds)) "drain_timeout" (printf "%ds" (int .Values.drain.timeoutSeconds)) }}
{{- $admin := dict "host" "0.0.0.0" "port" (int .Values.admin.port) "token" "${WEIR_ADMIN_TOKEN}" }}
{{- $set := dict "server" $server "admin" $admin }}
{{- if or .Values.redis.url .Values.redis.urlSecret.name }}
{{- $_ := set $set "redis" (dict "url" "${REDIS_URL}") }}
{{- end }}
{{- mergeOverwrite (deepCopy .Values.config) $set | toYaml }}
{{- end }}

{{- /* Mistakes that would show only when pods do not start, or worse: that they count limits each for itself. */}}
{{- define "weir.checked" -}}
{{- if not .Values.admin.tokenSecret.name }}
{{- fail "admin.tokenSecret.name: expected the name of a secret that holds the admin token (its key: admin.tokenSecret.key). kubectl create secret generic weir-admin --from-literal=token=\"$(openssl rand -hex 24)\"" }}
{{- end }}
{{- $most := ternary .Values.autoscaling.maxReplicas .Values.replicas .Values.autoscaling.enabled | int }}
{{- if and (gt $most 1) (not .Values.redis.url) (not .Values.redis.urlSecret.name) (not .Values.existingConfigMap) }}
{{- fail (printf "redis: expected redis.urlSecret.name or redis.url, since %d replicas without Redis would each count limits for themselves, and know only their own keys; or set replicas: 1" $most) }}
{{- end }}
{{- if and .Values.autoscaling.enabled (not .Values.autoscaling.callsInFlight) (not .Values.autoscaling.cpuPercent) }}
{{- fail "autoscaling: expected callsInFlight or cpuPercent above 0: there is nothing to scale by" }}
{{- end }}
{{- end }}
