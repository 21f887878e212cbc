{{/* The configuration of the adapter, as the ConfigMap has it. */}}
{{- define "leadsman.config" -}}
{{- include "leadsman.refuseRules" . -}}
{{- $config := deepCopy (.Values.config | default dict) -}}
{{- $sources := $config.sources | default dict -}}
{{- if and .Values.prometheus.url (not (hasKey $sources "prometheus")) -}}
{{- $url := tpl .Values.prometheus.url . -}}
{{- with .Values.prometheus.port }}{{ $url = printf "%s:%v" $url . }}{{ end -}}
{{- $url = printf "%s%s" $url .Values.prometheus.path -}}
{{- $_ := set $sources "prometheus" (dict "prometheus" (dict "url" $url)) -}}
{{- end -}}
{{- $own := dict "apiVersion" "leadsman.dev/v1alpha1" "kind" "Config" "sources" $sources -}}
{{- toYaml (merge dict $config $own) -}}
{{- end -}}

{{/* Says what this version does not run, before it is silently left out. */}}
{{- define "leadsman.refuseRules" -}}
{{- $rules := .Values.rules -}}
{{- $config := .Values.config | default dict -}}
{{- $how := "write each as a mapping under config.mappings, as docs/coming-from-prometheus-adapter.md shows" -}}
{{- if $rules.default -}}
{{- fail (printf "rules.default: this version does not run prometheus-adapter's rules; set it to false, and for each metric that you use, %s" $how) -}}
{{- end -}}
{{- range $name := list "custom" "external" "resource" -}}
{{- if get $rules $name -}}
{{- fail (printf "rules.%s: this version does not run prometheus-adapter's rules; %s" $name $how) -}}
{{- end -}}
{{- end -}}
{{- range $name := list "rules" "externalRules" "resourceRules" -}}
{{- if get $config $name -}}
{{- fail (printf "config.%s: this version does not run prometheus-adapter's rules; %s" $name $how) -}}
{{- end -}}
{{- end -}}
{{- if $config.objects -}}
{{- fail "config.objects: in a cluster objects are not listed; the cluster says which exist" -}}
{{- end -}}
{{- if and $rules.existing $config -}}
{{- fail "rules.existing and config: the ConfigMap that rules.existing names holds a whole configuration; leave config empty" -}}
{{- end -}}
{{- end -}}

{{/* The ports of the sources, as their URLs name them: [9090, 443]. */}}
{{- define "leadsman.sourcePorts" -}}
{{- $ports := list -}}
{{- $config := include "leadsman.config" . | fromYaml -}}
{{- range $source := $config.sources -}}
{{- with ($source.prometheus | default dict).url -}}
{{- $url := urlParse . -}}
{{- $port := regexFind ":[0-9]+$" $url.host | trimPrefix ":" -}}
{{- $ports = append $ports (int ($port | default (eq $url.scheme "https" | ternary 443 80))) -}}
{{- end -}}
{{- end -}}
{{- $ports | uniq | sortAlpha | join "," -}}
{{- end -}}

{{/* klog's numbers are prometheus-adapter's; a text is a filter of this adapter's own. */}}
{{- define "leadsman.logLevel" -}}
{{- if kindIs "string" .Values.logLevel -}}
{{- .Values.logLevel -}}
{{- else -}}
{{- gt (int .Values.logLevel) 4 | ternary "debug" "info" -}}
{{- end -}}
{{- end -}}
