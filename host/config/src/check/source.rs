//! Sources: addresses, files and limits.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName, HeaderValue};

use super::super::written;
use super::Check;
use leadsman_document::{nearest, segment};
use leadsman_rules::promql::QUERY_PARAMETERS;
use leadsman_source::{
    Credentials, PrometheusSettings, RecordingSettings, SourceSettings, TlsSettings, Username,
};

/// The most addresses of one source: each is asked at most once for a query.
const MAX_URLS: usize = 10;

/// What the requests of a source carry, as the kinds that speak HTTP have it.
pub(super) struct RequestKeys<'w> {
    pub(super) headers: &'w BTreeMap<String, String>,
    pub(super) header_files: &'w BTreeMap<String, String>,
    pub(super) bearer_token_file: Option<&'w str>,
    pub(super) basic_auth: Option<&'w written::BasicAuth>,
}

impl Check<'_> {
    pub(super) fn source(
        &mut self,
        source: written::Source,
        place: &str,
    ) -> Option<SourceSettings> {
        match source {
            written::Source::Prometheus(prometheus) => {
                let place = format!("{place}/prometheus");
                let prometheus = self.prometheus(*prometheus, &place)?;
                Some(SourceSettings::Prometheus(Box::new(prometheus)))
            }
            written::Source::Recording(recording) => {
                let speed = recording.speed.unwrap_or(1.0);
                if !(speed.is_finite() && speed > 0.0) {
                    self.fault(format!("{place}/recording/speed"), "must be above 0");
                }
                let start_at = recording.start_at.as_deref();
                let start_at =
                    self.duration(start_at, Duration::ZERO, &format!("{place}/recording/startAt"));
                let file = self.origin.file(&recording.file);
                let file = self.take(file, &format!("{place}/recording/file"))?;
                Some(SourceSettings::Recording(RecordingSettings { file, speed, start_at }))
            }
            written::Source::NsxAlb(controller) => {
                let controller = self.controller(&controller, &format!("{place}/nsxAlb"))?;
                Some(SourceSettings::NsxAlb(Box::new(controller)))
            }
            written::Source::Exposition(exposition) => {
                let exposition = self.exposition(*exposition, &format!("{place}/exposition"))?;
                Some(SourceSettings::Exposition(Box::new(exposition)))
            }
        }
    }

    fn prometheus(
        &mut self,
        written: written::Prometheus,
        place: &str,
    ) -> Option<PrometheusSettings> {
        let urls = self.urls(written.url.as_deref(), &written.urls, place);
        let timeout = self.duration(
            written.timeout.as_deref(),
            Duration::from_secs(5),
            &format!("{place}/timeout"),
        );
        let requests = RequestKeys {
            headers: &written.headers,
            header_files: &written.header_files,
            bearer_token_file: written.bearer_token_file.as_deref(),
            basic_auth: written.basic_auth.as_ref(),
        };
        let headers = self.headers(&requests, place);
        let header_files = self.header_files(&requests, place);
        let query_parameters = self.query_parameters(&written, place);
        let credentials = self.credentials(&requests, place);
        let tls = self.tls(written.tls.as_ref(), &format!("{place}/tls"));
        if urls.is_empty() {
            return None;
        }
        Some(PrometheusSettings {
            urls,
            timeout,
            max_body_bytes: usize::try_from(written.max_body_bytes.unwrap_or(16 << 20))
                .unwrap_or(usize::MAX),
            max_concurrent: written.max_concurrent.unwrap_or(20) as usize,
            method: written.method,
            headers,
            header_files,
            query_parameters,
            credentials,
            tls,
            fail_on_warnings: written.fail_on_warnings,
        })
    }

    /// One address, or several that are tried in turn.
    pub(super) fn urls(&mut self, url: Option<&str>, urls: &[String], place: &str) -> Vec<String> {
        if urls.len() > MAX_URLS {
            self.fault(format!("{place}/urls"), format!("must be at most {MAX_URLS} addresses"));
            return Vec::new();
        }
        match (url, urls) {
            (Some(url), []) => self.url(url, &format!("{place}/url")).into_iter().collect(),
            (None, [_, ..]) => {
                let mut found = Vec::new();
                for (at, url) in urls.iter().enumerate() {
                    let place = format!("{place}/urls/{at}");
                    let Some(url) = self.url(url, &place) else { continue };
                    if found.contains(&url) {
                        self.fault(place, "this address stands here twice; leave one of them out");
                    } else {
                        found.push(url);
                    }
                }
                found
            }
            (None, []) => {
                if !self.is_misspelt(place, &["url", "urls"]) {
                    self.fault(place, "the key \"url\" is missing, or \"urls\" with several");
                }
                Vec::new()
            }
            (Some(_), _) => {
                self.fault(format!("{place}/urls"), "only one of url and urls may stand here");
                Vec::new()
            }
        }
    }

    /// Whether an unknown key that is reported already is meant to be one of these.
    fn is_misspelt(&self, place: &str, keys: &[&str]) -> bool {
        self.faults.iter().filter(|fault| fault.unknown_key).any(|fault| {
            let key = fault.path.strip_prefix(place).and_then(|rest| rest.strip_prefix('/'));
            key.is_some_and(|key| nearest(key, keys.iter().copied()).is_some())
        })
    }

    pub(super) fn url(&mut self, text: &str, place: &str) -> Option<String> {
        let parsed = match reqwest::Url::parse(text) {
            Ok(url) => url,
            Err(error) => {
                let hint =
                    if text.contains("://") { "" } else { "; it begins with http:// or https://" };
                self.fault(place, format!("\"{text}\" is not an address: {error}{hint}"));
                return None;
            }
        };
        if !matches!(parsed.scheme(), "http" | "https") {
            self.fault(place, format!("\"{text}\" does not begin with http:// or https://"));
        }
        if !parsed.username().is_empty() || parsed.password().is_some() {
            self.fault(place, "holds credentials; use basicAuth, which reads them from a file");
        }
        if parsed.query().is_some() || parsed.fragment().is_some() {
            let message = "has a query or fragment; give only the address and the path, and \
                           parameters under `queryParameters`";
            self.fault(place, message);
        }
        Some(parsed.as_str().trim_end_matches('/').to_owned())
    }

    pub(super) fn headers(&mut self, written: &RequestKeys<'_>, place: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in written.headers {
            let place = format!("{place}/headers/{}", segment(name));
            let name = self.take(HeaderName::try_from(name), &place);
            let value = self.take(HeaderValue::try_from(value), &place);
            if let (Some(name), Some(value)) = (name, value) {
                headers.insert(name, value);
            }
        }
        headers
    }

    pub(super) fn header_files(
        &mut self,
        written: &RequestKeys<'_>,
        place: &str,
    ) -> Vec<(HeaderName, PathBuf)> {
        let credentials = written.bearer_token_file.is_some() || written.basic_auth.is_some();
        let twice = |one: &str, other: &HeaderName| other.as_str().eq_ignore_ascii_case(one);
        let mut headers: Vec<(HeaderName, PathBuf)> = Vec::new();
        for (name, file) in written.header_files {
            let place = format!("{place}/headerFiles/{}", segment(name));
            let file = self.file(file, &place);
            let Some(name) = self.take(HeaderName::try_from(name), &place) else { continue };
            if name == AUTHORIZATION && credentials {
                let message =
                    "bearerTokenFile or basicAuth makes this header; leave one of them out";
                self.fault(&*place, message);
            }
            if written.headers.keys().any(|one| twice(one, &name))
                || headers.iter().any(|(other, _)| *other == name)
            {
                self.fault(&*place, "this header is written twice; leave one of them out");
            }
            headers.push((name, file));
        }
        headers
    }

    fn query_parameters(
        &mut self,
        written: &written::Prometheus,
        place: &str,
    ) -> Vec<(String, String)> {
        for name in written.query_parameters.keys() {
            if QUERY_PARAMETERS.contains(&name.as_str()) {
                let place = format!("{place}/queryParameters/{}", segment(name));
                self.fault(
                    place,
                    "is a parameter of the query itself, which mappings and rules set",
                );
            }
        }
        written.query_parameters.clone().into_iter().collect()
    }

    pub(super) fn credentials(&mut self, written: &RequestKeys<'_>, place: &str) -> Credentials {
        match (written.bearer_token_file, written.basic_auth) {
            (None, None) => Credentials::None,
            (Some(file), None) => {
                Credentials::BearerFile(self.file(file, &format!("{place}/bearerTokenFile")))
            }
            (None, Some(basic)) => Credentials::Basic {
                username: self.username(basic, &format!("{place}/basicAuth")),
                password_file: self
                    .file(&basic.password_file, &format!("{place}/basicAuth/passwordFile")),
            },
            (Some(_), Some(_)) => {
                self.fault(
                    format!("{place}/basicAuth"),
                    "only one of basicAuth and bearerTokenFile may stand here",
                );
                Credentials::None
            }
        }
    }

    fn username(&mut self, written: &written::BasicAuth, place: &str) -> Username {
        match (&written.username, &written.username_file) {
            (Some(name), None) => return Username::Written(name.clone()),
            (None, Some(file)) => {
                return Username::File(self.file(file, &format!("{place}/usernameFile")));
            }
            (Some(_), Some(_)) => self.fault(
                format!("{place}/usernameFile"),
                "only one of username and usernameFile may stand here",
            ),
            (None, None) if !self.is_misspelt(place, &["username", "usernameFile"]) => {
                let message = "the key \"username\" is missing, or \"usernameFile\"";
                self.fault(place, message);
            }
            (None, None) => {}
        }
        Username::Written(String::new())
    }

    pub(super) fn tls(&mut self, written: Option<&written::Tls>, place: &str) -> TlsSettings {
        let Some(written) = written else { return TlsSettings::default() };
        let ca_file =
            written.ca_file.as_ref().map(|file| self.file(file, &format!("{place}/caFile")));
        let identity = match (&written.cert_file, &written.key_file) {
            (None, None) => None,
            (Some(cert), Some(key)) => Some((
                self.file(cert, &format!("{place}/certFile")),
                self.file(key, &format!("{place}/keyFile")),
            )),
            _ => {
                self.fault(place, "certFile and keyFile go together");
                None
            }
        };
        if ca_file.is_some() && written.insecure_skip_verify {
            let place = format!("{place}/insecureSkipVerify");
            self.fault(place, "trusts anyone, so caFile would have no effect; drop one of them");
        }
        TlsSettings { ca_file, identity, insecure_skip_verify: written.insecure_skip_verify }
    }
}
