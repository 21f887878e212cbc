{{/* Where certificates come from: self, helm, cert-manager, existingSecret, or given in the values. */}}
{{- define "leadsman.tlsType" -}}
{{- $tls := .Values.tls -}}
{{- if and $tls.enable .Values.certManager.enabled -}}
{{- fail "tls.enable and certManager.enabled: choose one of them" -}}
{{- else if and (or $tls.enable .Values.certManager.enabled) (ne $tls.type "self")
      (not (and .Values.certManager.enabled (eq $tls.type "cert-manager"))) -}}
{{- fail (printf "tls.type is %s, and %s says otherwise: choose one of them" $tls.type ($tls.enable | ternary "tls.enable" "certManager.enabled")) -}}
{{- else if $tls.enable -}}
given
{{- else if .Values.certManager.enabled -}}
cert-manager
{{- else -}}
{{- $tls.type -}}
{{- end -}}
{{- end -}}

{{/* The Secret with the serving certificate; nothing for `self`. */}}
{{- define "leadsman.tlsSecretName" -}}
{{- $type := include "leadsman.tlsType" . -}}
{{- if eq $type "existingSecret" -}}
{{- required "tls.existingSecret.name: name the Secret with the certificate" .Values.tls.existingSecret.name -}}
{{- else if ne $type "self" -}}
{{- include "leadsman.fullname" . }}-tls
{{- end -}}
{{- end -}}

{{/* The names that the certificate is for; kube-apiserver asks for the second. */}}
{{- define "leadsman.dnsNames" -}}
{{- $name := printf "%s.%s" (include "leadsman.fullname" .) (include "leadsman.namespace" .) -}}
- {{ $name }}
- {{ $name }}.svc
- {{ $name }}.svc.{{ .Values.tls.clusterDomain }}
{{- end -}}

{{/*
The certificate that Helm makes, as base64 in JSON: crt, key, ca, caBundle. The one that the cluster
has is kept. It is made once for all templates, which is why it is kept among the values.
*/}}
{{- define "leadsman.helmCertificate" -}}
{{- $helm := .Values.tls.helm -}}
{{- if not (hasKey $helm "made") -}}
{{- $old := (lookup "v1" "Secret" (include "leadsman.namespace" .) (include "leadsman.tlsSecretName" .)).data | default dict -}}
{{- $oldCa := get $old "ca.crt" -}}
{{- if and $oldCa (get $old "tls.crt") (get $old "tls.key") (not $helm.renew) -}}
{{- $_ := set $helm "made" (dict "crt" (get $old "tls.crt") "key" (get $old "tls.key") "ca" $oldCa "caBundle" $oldCa) -}}
{{- else -}}
{{- $days := int $helm.certDurationDays -}}
{{- $name := include "leadsman.fullname" . -}}
{{- $ca := genCA (printf "%s-ca" $name) $days -}}
{{- $cert := genSignedCert $name nil (include "leadsman.dnsNames" . | fromYamlArray) $days $ca -}}
{{- $_ := set $helm "made" (dict "crt" (b64enc $cert.Cert) "key" (b64enc $cert.Key) "ca" (b64enc $ca.Cert)
      "caBundle" (printf "%s%s" $ca.Cert (b64dec $oldCa) | b64enc)) -}}
{{- end -}}
{{- end -}}
{{- toJson $helm.made -}}
{{- end -}}

{{/* The caBundle of the APIServices, where the chart knows it. */}}
{{- define "leadsman.caBundle" -}}
{{- $type := include "leadsman.tlsType" . -}}
{{- $existing := .Values.tls.existingSecret -}}
{{- $insecure := .Values.apiService.insecureSkipTLSVerify -}}
{{- if and $insecure (or (ne $type "existingSecret") $existing.caBundle) -}}
{{- fail "apiService.insecureSkipTLSVerify: only for tls.type existingSecret without tls.existingSecret.caBundle; in every other case the authority is known" -}}
{{- else if eq $type "helm" -}}
{{- (include "leadsman.helmCertificate" . | fromJson).caBundle -}}
{{- else if eq $type "given" -}}
{{- required "tls.ca: with tls.enable, give the authority that signed tls.certificate" .Values.tls.ca | b64enc -}}
{{- else if eq $type "existingSecret" -}}
{{- if not (or $existing.caBundle $insecure .Values.apiService.annotations) -}}
{{- fail "tls.existingSecret.caBundle: give the authority that signed the certificate (or set apiService.insecureSkipTLSVerify to true, or name something in apiService.annotations that puts it in)" -}}
{{- end -}}
{{- $existing.caBundle | b64enc -}}
{{- end -}}
{{- end -}}
