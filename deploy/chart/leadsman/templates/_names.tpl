{{/* The chart's name. */}}
{{- define "leadsman.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{/* What everything is named after: Service names have 63 characters at most. */}}
{{- define "leadsman.fullname" -}}
{{- $name := include "leadsman.name" . -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" -}}
{{- else if contains $name .Release.Name -}}
{{- .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "leadsman.namespace" -}}
{{- default .Release.Namespace .Values.namespaceOverride -}}
{{- end -}}

{{/* The ConfigMap with the configuration, which the adapter watches. */}}
{{- define "leadsman.configMapName" -}}
{{- .Values.rules.existing | default (include "leadsman.fullname" .) -}}
{{- end -}}

{{- define "leadsman.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "leadsman.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "leadsman.selectorLabels" -}}
app.kubernetes.io/name: {{ include "leadsman.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{/*
Name, namespace, labels and annotations of an object. Takes a dict: `root`, `name`, and where they
apply `namespace`, `labels`, `annotations`. Maps are merged, so that no key stands twice.
*/}}
{{- define "leadsman.metadata" -}}
{{- $root := .root -}}
{{- $own := dict
      "helm.sh/chart" (printf "%s-%s" $root.Chart.Name $root.Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-")
      "app.kubernetes.io/managed-by" $root.Release.Service
      "app.kubernetes.io/component" "metrics"
      "app.kubernetes.io/part-of" (include "leadsman.name" $root)
      "app.kubernetes.io/version" $root.Chart.AppVersion -}}
{{- $selector := include "leadsman.selectorLabels" $root | fromYaml -}}
{{- $labels := merge dict $selector (.labels | default dict) $root.Values.customLabels $own -}}
{{- $annotations := merge dict (.annotations | default dict) $root.Values.customAnnotations -}}
metadata:
  name: {{ .name | quote }}
  {{- with .namespace }}
  namespace: {{ . | quote }}
  {{- end }}
  labels:
    {{- toYaml $labels | nindent 4 }}
  {{- with $annotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end -}}

{{/* The subject of every binding. */}}
{{- define "leadsman.subjects" -}}
subjects:
  - kind: ServiceAccount
    name: {{ include "leadsman.serviceAccountName" . | quote }}
    namespace: {{ include "leadsman.namespace" . | quote }}
{{- end -}}

{{/* The image. That of prometheus-adapter does not know the arguments that it would be started with. */}}
{{- define "leadsman.image" -}}
{{- $image := .Values.image -}}
{{- if regexMatch "(^|/)(k8s-)?prometheus-adapter(-[a-z0-9]+)?$" $image.repository -}}
{{- fail (printf "image.repository: %s is the image of prometheus-adapter, which this chart cannot start; leave image.repository and image.tag out, or name the image of Leadsman" $image.repository) -}}
{{- end -}}
{{- printf "%s:%s" $image.repository ($image.tag | default .Chart.AppVersion) -}}
{{- end -}}

{{/* Whether extraArguments have a flag. Takes a dict: `root`, `name`. */}}
{{- define "leadsman.hasArgument" -}}
{{- range .root.Values.extraArguments -}}
{{- if eq $.name (splitList "=" . | first) -}}yes{{- end -}}
{{- end -}}
{{- end -}}
