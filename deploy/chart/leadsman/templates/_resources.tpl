{{/*
The resources that every cluster has: `singular: plural` by API group. What a mapping calls by any of
these names is known without its group.
*/}}
{{- define "leadsman.knownResources" -}}
"":
  configmap: configmaps
  endpoints: endpoints
  namespace: namespaces
  node: nodes
  persistentvolume: persistentvolumes
  persistentvolumeclaim: persistentvolumeclaims
  pod: pods
  replicationcontroller: replicationcontrollers
  resourcequota: resourcequotas
  service: services
apps:
  daemonset: daemonsets
  deployment: deployments
  replicaset: replicasets
  statefulset: statefulsets
autoscaling:
  horizontalpodautoscaler: horizontalpodautoscalers
batch:
  cronjob: cronjobs
  job: jobs
networking.k8s.io:
  ingress: ingresses
  ingressclass: ingressclasses
  networkpolicy: networkpolicies
policy:
  poddisruptionbudget: poddisruptionbudgets
{{- end -}}

{{/* The rules of the ClusterRole for objects: list and watch what mappings serve, and nothing else. */}}
{{- define "leadsman.objectRules" -}}
{{- $known := include "leadsman.knownResources" . | fromYaml -}}
{{- $byGroup := dict -}}
{{- range .Values.rbac.resources -}}
{{- $_ := set $byGroup .group (append (get $byGroup .group | default list) .resource) -}}
{{- end -}}
{{- range $index, $mapping := (.Values.config | default dict).mappings -}}
{{- $name := dig "serve" "custom" "resource" "" $mapping -}}
{{- if $name -}}
{{- $parts := splitn "." 2 $name -}}
{{- $found := "" -}}
{{- range $group, $resources := $known -}}
{{- if or (not $parts._1) (eq $parts._1 $group) -}}
{{- range $singular, $plural := $resources -}}
{{- if or (eq $parts._0 $singular) (eq $parts._0 $plural) -}}
{{- $found = $plural -}}
{{- $_ := set $byGroup $group (append (get $byGroup $group | default list) $plural) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if and (not $found) (not $parts._1) -}}
{{- fail (printf "config.mappings[%d].serve.custom.resource: %q is not a resource of every cluster; a custom resource is written plural.group" $index $name) -}}
{{- else if not $found -}}
{{- $_ := set $byGroup $parts._1 (append (get $byGroup $parts._1 | default list) $parts._0) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- range $group, $resources := $byGroup }}
- apiGroups: [{{ $group | quote }}]
  resources: {{ $resources | uniq | sortAlpha | toJson }}
  verbs: ["list", "watch"]
{{- end -}}
{{- end -}}
