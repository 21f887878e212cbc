//! The endpoint of the collector: its URL, additional headers, and the share of traces that it gets.

use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};
use percent_encoding::percent_decode_str;
use reqwest::Url;

/// How long the collector may take for a batch, where nothing else is said.
const TIMEOUT: Duration = Duration::from_secs(10);

/// A collector that takes OTLP over HTTP, and who this process is to it.
#[derive(Debug, Clone)]
pub struct CollectorEndpoint {
    /// Where batches are posted.
    pub(crate) url: Url,
    /// Sent with each batch. They may be credentials.
    pub(crate) headers: HeaderMap,
    /// The authorities that its certificate is checked with; `None` for those of the system.
    pub(crate) ca_file: Option<PathBuf>,
    pub(crate) timeout: Duration,
    /// Attributes of this process.
    pub(crate) resource: Vec<(String, String)>,
}

/// Why a collector cannot be sent to.
#[derive(Debug, thiserror::Error)]
pub enum EndpointError {
    /// It has no address that can be used.
    #[error(
        "\"{text}\" is no http or https URL of a collector, such as http://otel-collector:4318"
    )]
    Url {
        /// What was given.
        text: String,
    },
    /// A variable of the environment cannot be read. Its value may be a credential and is not shown.
    #[error("the variable {name} cannot be read; expected {expected}")]
    Variable {
        /// The variable.
        name: &'static str,
        /// What it should be.
        expected: &'static str,
    },
}

/// How many traces are sampled, from 0 for none to 1 for all.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ratio(f64);

impl Ratio {
    /// One of a hundred.
    pub const DEFAULT: Self = Self(0.01);

    /// Whether a trace is sampled. As with other tracers, the lower half of its number decides.
    pub(crate) fn takes(self, low: u64) -> bool {
        // 53 bits are what a float has.
        ((low >> 11) as f64) < self.0 * (1_u64 << 53) as f64
    }
}

impl FromStr for Ratio {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.parse() {
            Ok(ratio) if (0.0..=1.0).contains(&ratio) => Ok(Self(ratio)),
            _ => Err(format!("\"{text}\" is no number from 0 to 1")),
        }
    }
}

impl CollectorEndpoint {
    /// The collector of a flag, or else of the variables that OpenTelemetry names; `None` if neither
    /// names one. `host` is the name of this pod or machine.
    pub fn new(
        flag: Option<&str>,
        variable: impl Fn(&str) -> Option<String>,
        host: &str,
    ) -> Result<Option<Self>, EndpointError> {
        let variable = |name: &'static str| variable(name).filter(|text| !text.is_empty());
        let of_traces = variable("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT");
        let url = match (flag, of_traces, variable("OTEL_EXPORTER_OTLP_ENDPOINT")) {
            (Some(base), _, _) => below(base)?,
            // This one is used as it is.
            (None, Some(whole), _) => url(&whole)?,
            (None, None, Some(base)) => below(&base)?,
            (None, None, None) => return Ok(None),
        };
        if variable("OTEL_SDK_DISABLED").is_some_and(|text| text.eq_ignore_ascii_case("true")) {
            return Ok(None);
        }
        let either = |of_traces: &'static str, of_all: &'static str| {
            variable(of_traces)
                .map(|text| (of_traces, text))
                .or_else(|| variable(of_all).map(|text| (of_all, text)))
        };
        let headers = either("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "OTEL_EXPORTER_OTLP_HEADERS");
        let headers = headers.map(|(name, text)| headers_of(name, &text)).transpose()?;
        let ca_file =
            either("OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE", "OTEL_EXPORTER_OTLP_CERTIFICATE");
        let timeout = either("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "OTEL_EXPORTER_OTLP_TIMEOUT");
        let timeout = timeout.map(|(name, text)| milliseconds(name, &text)).transpose()?;
        Ok(Some(Self {
            url,
            headers: headers.unwrap_or_default(),
            ca_file: ca_file.map(|(_, path)| path.into()),
            timeout: timeout.unwrap_or(TIMEOUT),
            resource: resource(&variable, host)?,
        }))
    }
}

/// Where traces are posted below a collector's address.
fn below(base: &str) -> Result<Url, EndpointError> {
    let mut url = url(base)?;
    let path = format!("{}/v1/traces", url.path().trim_end_matches('/'));
    url.set_path(&path);
    Ok(url)
}

fn url(text: &str) -> Result<Url, EndpointError> {
    let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
    url.filter(|url| url.has_host()).ok_or_else(|| EndpointError::Url { text: text.to_owned() })
}

fn milliseconds(name: &'static str, text: &str) -> Result<Duration, EndpointError> {
    let expected = "a number of milliseconds";
    match text.parse() {
        Ok(time) if time > 0 => Ok(Duration::from_millis(time)),
        _ => Err(EndpointError::Variable { name, expected }),
    }
}

/// Pairs as in `a=1,b=2`, with percent-encoded values.
fn pairs(text: &str) -> Option<Vec<(String, String)>> {
    let pair = |pair: &str| {
        let (name, value) = pair.split_once('=')?;
        let value = percent_decode_str(value.trim()).decode_utf8().ok()?;
        Some((name.trim().to_owned(), value.into_owned()))
    };
    text.split(',').filter(|one| !one.trim().is_empty()).map(pair).collect()
}

fn headers_of(name: &'static str, text: &str) -> Result<HeaderMap, EndpointError> {
    let wrong = || EndpointError::Variable { name, expected: "headers such as a=1,b=2" };
    let mut headers = HeaderMap::new();
    for (key, value) in pairs(text).ok_or_else(wrong)? {
        let key = HeaderName::try_from(key).map_err(|_| wrong())?;
        let mut value = HeaderValue::try_from(value).map_err(|_| wrong())?;
        value.set_sensitive(true);
        headers.insert(key, value);
    }
    Ok(headers)
}

/// The attributes of this process: those of the variables win.
fn resource(
    variable: &impl Fn(&'static str) -> Option<String>,
    host: &str,
) -> Result<Vec<(String, String)>, EndpointError> {
    let name = "OTEL_RESOURCE_ATTRIBUTES";
    let wrong = EndpointError::Variable { name, expected: "attributes such as a=1,b=2" };
    let mut attributes = match variable(name) {
        Some(text) => pairs(&text).ok_or(wrong)?,
        None => Vec::new(),
    };
    if let Some(service) = variable("OTEL_SERVICE_NAME") {
        attributes.retain(|(name, _)| name != "service.name");
        attributes.push(("service.name".to_owned(), service));
    }
    for (name, value) in [
        ("service.name", "leadsman"),
        ("service.version", env!("CARGO_PKG_VERSION")),
        ("service.instance.id", host),
    ] {
        if !attributes.iter().any(|(known, _)| known == name) {
            attributes.push((name.to_owned(), value.to_owned()));
        }
    }
    Ok(attributes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(
        flag: Option<&str>,
        variables: &[(&str, &str)],
    ) -> Result<Option<CollectorEndpoint>, String> {
        let variable = |name: &str| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        CollectorEndpoint::new(flag, variable, "pod-1").map_err(|error| error.to_string())
    }

    fn url_of(flag: Option<&str>, variables: &[(&str, &str)]) -> Option<String> {
        of(flag, variables).unwrap().map(|endpoint| endpoint.url.to_string())
    }

    #[test]
    fn the_address_is_that_of_the_flag_or_of_the_variables() {
        let all = ("OTEL_EXPORTER_OTLP_ENDPOINT", "https://all/base/");
        let traces = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://traces/as/it/is");
        assert_eq!(url_of(None, &[]), None);
        assert_eq!(url_of(None, &[all]).unwrap(), "https://all/base/v1/traces");
        assert_eq!(url_of(None, &[all, traces]).unwrap(), "http://traces/as/it/is");
        let flag = Some("http://localhost:4318");
        assert_eq!(url_of(flag, &[all, traces]).unwrap(), "http://localhost:4318/v1/traces");
        assert_eq!(url_of(None, &[all, ("OTEL_SDK_DISABLED", "true")]), None);
        for bad in ["localhost:4317", "grpc://a", "http://", "no"] {
            assert!(of(Some(bad), &[]).unwrap_err().contains(bad), "{bad}");
        }
    }

    #[test]
    fn headers_and_attributes_are_those_of_the_variables() {
        let endpoint = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://all");
        let headers = ("OTEL_EXPORTER_OTLP_HEADERS", "Authorization=Bearer%20secret, x-a = 1");
        let attributes = ("OTEL_RESOURCE_ATTRIBUTES", "k8s.cluster.name=one,service.name=a");
        let service = ("OTEL_SERVICE_NAME", "b");
        let found = of(None, &[endpoint, headers, attributes, service]).unwrap().unwrap();
        assert_eq!(found.headers["authorization"], "Bearer secret");
        assert_eq!(found.headers["x-a"], "1");
        assert!(!format!("{found:?}").contains("secret"), "{found:?}");
        let value = |name: &str| -> Vec<String> {
            let of = found.resource.iter().filter(|(known, _)| known == name);
            of.map(|(_, value)| value.clone()).collect()
        };
        assert_eq!(value("service.name"), ["b"]);
        assert_eq!(value("service.instance.id"), ["pod-1"]);
        assert_eq!(value("k8s.cluster.name"), ["one"]);
        let bad = [endpoint, ("OTEL_EXPORTER_OTLP_HEADERS", "secret")];
        let error = of(None, &bad).unwrap_err();
        assert!(error.contains("OTEL_EXPORTER_OTLP_HEADERS") && !error.contains("secret"));
    }

    #[test]
    fn a_ratio_takes_that_many() {
        let of = |text: &str| text.parse::<Ratio>();
        for bad in ["", "x", "-0.1", "1.1", "NaN", "inf"] {
            assert!(of(bad).is_err(), "{bad}");
        }
        let (none, all, some) = (of("0").unwrap(), of("1").unwrap(), of("0.25").unwrap());
        assert!(!none.takes(0) && all.takes(u64::MAX));
        assert!(some.takes(u64::MAX / 4 - (1 << 12)) && !some.takes(u64::MAX / 4 + (1 << 12)));
    }
}
