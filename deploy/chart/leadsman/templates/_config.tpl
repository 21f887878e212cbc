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
{{- $custom := list -}}
{{- if .Values.rules.default }}{{ $custom = include "leadsman.defaultRules" . | fromYamlArray }}{{ end -}}
{{- with .Values.rules.custom }}{{ $custom = concat $custom . }}{{ end -}}
{{- with $custom }}{{ $_ := set $config "rules" . }}{{ end -}}
{{- with .Values.rules.external }}{{ $_ := set $config "externalRules" . }}{{ end -}}
{{- with .Values.rules.resource }}{{ $_ := set $config "resourceRules" . }}{{ end -}}
{{- $own := dict "apiVersion" "leadsman.dev/v1alpha1" "kind" "Config" "sources" $sources -}}
{{- toYaml (merge dict $config $own) -}}
{{- end -}}

{{/* Fails if two values contradict each other, before one of them is silently ignored. */}}
{{- define "leadsman.refuseRules" -}}
{{- $rules := .Values.rules -}}
{{- $config := .Values.config | default dict -}}
{{- if $config.objects -}}
{{- fail "config.objects: in a cluster objects are not listed; the cluster says which exist" -}}
{{- end -}}
{{- range $name, $key := dict "custom" "rules" "external" "externalRules" "resource" "resourceRules" -}}
{{- if and (get $rules $name) (get $config $key) -}}
{{- fail (printf "rules.%s and config.%s: both are %s of the configuration; leave one empty" $name $key $key) -}}
{{- end -}}
{{- end -}}
{{- if and $rules.default $config.rules -}}
{{- fail "rules.default and config.rules: both are rules of the configuration; leave one empty" -}}
{{- end -}}
{{- if and $rules.existing (or $config $rules.default $rules.custom $rules.external $rules.resource) -}}
{{- fail "rules.existing and config: the ConfigMap that rules.existing names holds a whole configuration; leave config and the other rules empty" -}}
{{- end -}}
{{- end -}}

{{/*
What the default rules of prometheus-adapter's chart give: the containers' series of cAdvisor, and every
other series with a namespace; of each the counters as rates and the rest as sums.
*/}}
{{- define "leadsman.defaultRules" -}}
{{- $containers := dict
  "seriesQuery" "{__name__=~\"^container_.*\",container!=\"POD\",namespace!=\"\",pod!=\"\"}"
  "resources" (dict "overrides" (dict "namespace" (dict "resource" "namespace") "pod" (dict "resource" "pod"))) -}}
{{- $others := dict
  "seriesQuery" "{namespace!=\"\",__name__!~\"^container_.*\"}"
  "resources" (dict "template" "<<.Resource>>") -}}
{{- $ofContainers := "<<.Series>>{<<.LabelMatchers>>,container!=\"POD\"}" -}}
{{- $ofOthers := "<<.Series>>{<<.LabelMatchers>>}" -}}
{{- $sum := "sum(%s) by (<<.GroupBy>>)" -}}
{{- $rate := "sum(rate(%s[5m])) by (<<.GroupBy>>)" -}}
{{- toYaml (list
  (merge (dict "seriesFilters" list "name" (dict "matches" "^container_(.*)_seconds_total$") "metricsQuery" (printf $rate $ofContainers)) $containers)
  (merge (dict "seriesFilters" (list (dict "isNot" "^container_.*_seconds_total$")) "name" (dict "matches" "^container_(.*)_total$") "metricsQuery" (printf $rate $ofContainers)) $containers)
  (merge (dict "seriesFilters" (list (dict "isNot" "^container_.*_total$")) "name" (dict "matches" "^container_(.*)$") "metricsQuery" (printf $sum $ofContainers)) $containers)
  (merge (dict "seriesFilters" (list (dict "isNot" ".*_total$")) "metricsQuery" (printf $sum $ofOthers)) $others)
  (merge (dict "seriesFilters" (list (dict "isNot" ".*_seconds_total")) "name" (dict "matches" "^(.*)_total$") "metricsQuery" (printf $rate $ofOthers)) $others)
  (merge (dict "seriesFilters" list "name" (dict "matches" "^(.*)_seconds_total$") "metricsQuery" (printf $rate $ofOthers)) $others)
) -}}
{{- end -}}

{{/* The ports of the sources, as their URLs name them: [9090, 443]. */}}
{{- define "leadsman.sourcePorts" -}}
{{- $ports := list -}}
{{- $config := include "leadsman.config" . | fromYaml -}}
{{- range $source := $config.sources -}}
{{- $scraped := $source.exposition | default dict -}}
{{- range $where := list $scraped.pods $scraped.service -}}
{{- with ($where | default dict).port -}}
{{- $ports = append $ports (kindIs "string" . | ternary . (printf "%v" (int .))) -}}
{{- end -}}
{{- end -}}
{{- $urls := concat (list ($source.prometheus | default dict).url $scraped.url) ($scraped.urls | default list) -}}
{{- range $urls | compact -}}
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
