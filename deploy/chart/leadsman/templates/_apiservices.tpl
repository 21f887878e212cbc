{{/* The APIServices that are registered: group, version, priority within the group. */}}
{{- define "leadsman.apiServices" -}}
{{- if .Values.apiService.custom }}
- {group: custom.metrics.k8s.io, version: v1beta1, priority: 100}
- {group: custom.metrics.k8s.io, version: v1beta2, priority: 200}
{{- end }}
{{- if .Values.apiService.external }}
- {group: external.metrics.k8s.io, version: v1beta1, priority: 100}
{{- end }}
{{- if .Values.apiService.resource }}
- {group: metrics.k8s.io, version: v1beta1, priority: 200}
- {group: metrics.k8s.io, version: v1, priority: 100}
{{- end }}
{{- end -}}

{{/* The names of the APIServices that the adapter writes its authority into: those that the chart
registers, and those that were taken over with `leadsman takeover`. */}}
{{- define "leadsman.trustingApiServices" -}}
{{- $taken := .Values.apiService.takenOver -}}
{{- if or .Values.apiService.custom (has "custom" $taken) }}
- v1beta1.custom.metrics.k8s.io
- v1beta2.custom.metrics.k8s.io
{{- end }}
{{- if or .Values.apiService.external (has "external" $taken) }}
- v1beta1.external.metrics.k8s.io
{{- end }}
{{- if or .Values.apiService.resource (has "resource" $taken) }}
- v1beta1.metrics.k8s.io
- v1.metrics.k8s.io
{{- end }}
{{- end -}}

{{/* The APIs that are read from delegates as the adapter's own service account. */}}
{{- define "leadsman.delegatedApis" -}}
{{- $apis := list -}}
{{- range $delegate := (.Values.config | default dict).delegates -}}
{{- if hasKey ($delegate.auth | default dict) "serviceAccount" -}}
{{- $apis = concat $apis ($delegate.apis | default list) -}}
{{- end -}}
{{- end -}}
{{- $apis | uniq | toYaml -}}
{{- end -}}

{{/* What an APIService was before it was taken over, for `leadsman takeover --undo`. Takes a dict: `root`
and the APIService's `name`. */}}
{{- define "leadsman.takenOver" -}}
{{- $own := printf "%s/%s" (include "leadsman.namespace" .root) (include "leadsman.fullname" .root) -}}
{{- $existing := lookup "apiregistration.k8s.io/v1" "APIService" "" .name -}}
{{- $kept := dig "metadata" "annotations" "leadsman.dev/taken-over" "" $existing -}}
{{- $service := dig "spec" "service" dict $existing -}}
{{- if $kept -}}
{{- $kept -}}
{{- else if and $service .root.Values.apiService.takeOver -}}
{{- if ne (printf "%s/%s" $service.namespace $service.name) $own -}}
{{- dict "spec" $existing.spec "annotations" dict | toJson -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* An APIService has one owner. Takes a dict: `root` and the APIService's `name`. */}}
{{- define "leadsman.refuseTakeOver" -}}
{{- $own := printf "%s/%s" (include "leadsman.namespace" .root) (include "leadsman.fullname" .root) -}}
{{- $existing := lookup "apiregistration.k8s.io/v1" "APIService" "" .name -}}
{{- $service := dig "spec" "service" dict $existing -}}
{{- if and $service (not .root.Values.apiService.takeOver) -}}
{{- $other := printf "%s/%s" $service.namespace $service.name -}}
{{- if ne $other $own -}}
{{- $key := "resource" -}}
{{- range $group := list "custom" "external" -}}
{{- if contains (printf ".%s.metrics.k8s.io" $group) $.name }}{{ $key = $group }}{{ end -}}
{{- end -}}
{{- $release := dig "metadata" "annotations" "meta.helm.sh/release-name" "" $existing -}}
{{- fail (printf "the APIService %s belongs to another adapter: it points to the Service %s%s, and an API group has one server. To keep that adapter, set apiService.%s to false. To migrate, install with that setting, see that this adapter works, remove the other one's APIServices, and upgrade without the setting. To take it over at once, set apiService.takeOver to true, and give helm --take-ownership."
      .name $other
      ($release | empty | ternary "" (printf " (Helm release %s)" $release))
      $key) -}}
{{- end -}}
{{- end -}}
{{- end -}}
