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

{{/* The plural and the group of a resource by any of its names; `{}` if it is not built into Kubernetes. */}}
{{- define "leadsman.knownResource" -}}
{{- $found := dict -}}
{{- range $group, $resources := include "leadsman.knownResources" . | fromYaml -}}
{{- range $singular, $plural := $resources -}}
{{- if and (has $.name (list $singular $plural)) (or (not $.group) (eq $.group $group)) (not $found) -}}
{{- $found = dict "group" $group "resource" $plural -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- toJson $found -}}
{{- end -}}

{{/*
The rules of the ClusterRole for objects: list and watch what mappings, resourceRules and the overrides
of rules serve, what is scraped, and for rules with a template what metrics are most often about.
*/}}
{{- define "leadsman.objectRules" -}}
{{- $known := include "leadsman.knownResources" . | fromYaml -}}
{{- $byGroup := dict -}}
{{- range .Values.rbac.resources -}}
{{- $_ := set $byGroup .group (append (get $byGroup .group | default list) .resource) -}}
{{- end -}}
{{- $usage := (include "leadsman.config" . | fromYaml).resourceRules | default dict -}}
{{- range $query, $plural := dict "containerQuery" "pods" "nodeQuery" "nodes" -}}
{{- if or (dig "cpu" $query "" $usage) (dig "memory" $query "" $usage) -}}
{{- $_ := set $byGroup "" (append (get $byGroup "" | default list) $plural) -}}
{{- end -}}
{{- end -}}
{{- range $rule := (include "leadsman.config" . | fromYaml).rules -}}
{{- range $label, $named := dig "resources" "overrides" dict $rule -}}
{{- $resource := include "leadsman.knownResource" (dict "name" $named.resource "group" $named.group) | fromJson -}}
{{- if not $resource }}{{ $resource = dict "group" ($named.group | default "") "resource" $named.resource }}{{ end -}}
{{- $_ := set $byGroup $resource.group (append (get $byGroup $resource.group | default list) $resource.resource) -}}
{{- end -}}
{{- if dig "resources" "template" "" $rule -}}
{{- $_ := set $byGroup "" (concat (get $byGroup "" | default list) (list "namespaces" "nodes" "persistentvolumeclaims" "pods" "services")) -}}
{{- $_ := set $byGroup "apps" (concat (get $byGroup "apps" | default list) (list "daemonsets" "deployments" "replicasets" "statefulsets")) -}}
{{- $_ := set $byGroup "batch" (concat (get $byGroup "batch" | default list) (list "cronjobs" "jobs")) -}}
{{- $_ := set $byGroup "networking.k8s.io" (append (get $byGroup "networking.k8s.io" | default list) "ingresses") -}}
{{- end -}}
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
{{- range $source := (include "leadsman.config" . | fromYaml).sources -}}
{{- if dig "exposition" "pods" "" $source -}}
{{- $_ := set $byGroup "" (append (get $byGroup "" | default list) "pods") -}}
{{- end -}}
{{- if dig "exposition" "service" "" $source -}}
{{- $_ := set $byGroup "discovery.k8s.io" (append (get $byGroup "discovery.k8s.io" | default list) "endpointslices") -}}
{{- end -}}
{{- end -}}
{{- range $group, $resources := $byGroup }}
- apiGroups: [{{ $group | quote }}]
  resources: {{ $resources | uniq | sortAlpha | toJson }}
  verbs: ["list", "watch"]
{{- end -}}
{{- end -}}
