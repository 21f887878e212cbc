//! One scrape of one target: sends the request and parses the page while it arrives, within bounds.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, HeaderValue};
use reqwest::Response;

use super::arriving::{ArrivingFor, Reserved, TeamMemory};
use super::error::ScrapeError;
use super::history::POINT_BYTES;
use super::parse::{Format, PageLimits, PageReader, Sample};
use super::settings::ExpositionSettings;
use super::target::Target;
use crate::client::Client;
use crate::error::innermost;
use crate::prometheus::{excerpt, request_headers};
use leadsman_model::tenant::Tenant;
use leadsman_runtime::clock;
use leadsman_runtime::decoding::decode as decode_bounded;

/// The `Accept` header, as Prometheus sends it.
const ACCEPTED: HeaderValue = HeaderValue::from_static(
    "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,\
     text/plain;version=0.0.4;q=0.5,*/*;q=0.2,application/vnd.google.protobuf;\
     proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.1",
);

/// The size of the parts in which a page is parsed.
const BATCH: usize = 256 << 10;

/// How many bytes of a body may be quoted.
const MAX_QUOTED: usize = 4096;

/// The overhead of a series in addition to its labels and samples, in bytes.
pub(super) const SERIES_BYTES: usize = 160;

/// The metrics that queries request.
pub(super) type MetricDemands = Arc<HashMap<Arc<str>, MetricDemand>>;

/// The demand for a metric.
#[derive(Debug, Clone)]
pub(super) struct MetricDemand {
    /// The longest window.
    pub(super) longest: Duration,
    /// The team that requested it first, unless the operator requests it.
    pub(super) team: Option<Tenant>,
}

/// The result of a scrape.
#[derive(Debug)]
pub(super) struct Page {
    /// The samples of requested metrics.
    pub(super) samples: Vec<ScrapedSample>,
    /// Metrics of teams that exceeded the memory limit.
    pub(super) left_out: HashSet<Arc<str>>,
    /// The metrics that were requested.
    pub(super) wanted: MetricDemands,
    /// The size of the page.
    pub(super) bytes: usize,
    /// The number of all samples of the page.
    pub(super) series: usize,
    /// How long it took.
    pub(super) took: Duration,
    /// The reservation, until the samples are retained or dropped.
    _reserved: [Reserved; 2],
}

/// A sample of a requested metric.
#[derive(Debug)]
pub(super) struct ScrapedSample {
    pub(super) metric: Arc<str>,
    /// Sorted.
    pub(super) labels: Vec<(String, String)>,
    pub(super) value: f64,
    pub(super) time: i64,
}

impl ScrapedSample {
    /// The bytes of a series with so many samples.
    pub(super) fn bytes_of(labels: &[(String, String)], samples: usize) -> usize {
        let texts = labels
            .iter()
            .map(|(name, value)| name.len() + value.len() + size_of::<(String, String)>());
        SERIES_BYTES + samples * POINT_BYTES + texts.sum::<usize>()
    }
}

/// A page that is arriving.
struct Arrival {
    reader: PageReader,
    target: Arc<Target>,
    wanted: MetricDemands,
    /// When the scrape began, which is the time of samples that have none.
    time: i64,
    samples: Vec<ScrapedSample>,
    left_out: HashSet<Arc<str>>,
    reserved: Reserved,
    of_teams: TeamMemory,
}

impl Arrival {
    fn feed(&mut self, batch: &[u8], is_last: bool) -> Result<(), ScrapeError> {
        let Self { reader, target, wanted, time, samples, left_out, reserved, of_teams } = self;
        let mut take = |sample: Sample<'_>| {
            let Some((metric, demand)) = wanted.get_key_value(&*sample.name) else { return };
            let is_of_team = demand.team.is_some();
            if reserved.exceeded || (is_of_team && left_out.contains(metric)) {
                return;
            }
            let labels = target.labels_of(sample.labels);
            let bytes = ScrapedSample::bytes_of(&labels, 1);
            if is_of_team {
                if !of_teams.take(metric, bytes) {
                    // An incomplete metric would be taken for a complete one.
                    samples.retain(|taken: &ScrapedSample| taken.metric != *metric);
                    of_teams.give_back(metric);
                    left_out.insert(metric.clone());
                    return;
                }
            } else if !reserved.take(bytes) {
                return;
            }
            let time = sample.time.unwrap_or(*time);
            samples.push(ScrapedSample {
                metric: metric.clone(),
                labels,
                value: sample.value,
                time,
            });
        };
        reader.feed(batch, &mut take)?;
        if is_last {
            reader.end(&mut take)?;
        }
        match reserved.exceeded {
            true => Err(ScrapeError::Memory { limit: reserved.limit }),
            false => Ok(()),
        }
    }
}

/// Scrapes a target. The caller keeps the time limit.
pub(super) async fn scrape(
    settings: &ExpositionSettings,
    client: &Client,
    arriving: &ArrivingFor,
    target: &Arc<Target>,
    wanted: &MetricDemands,
) -> Result<Page, ScrapeError> {
    let (begun, time) = (Instant::now(), clock::now());
    let mut headers =
        request_headers(&settings.headers, &settings.header_files, &settings.credentials)
            .map_err(|error| ScrapeError::Credential(error.to_string()))?;
    leadsman_trace::inject(&mut headers);
    let request = client.get().get(&target.key.url).headers(headers).header(ACCEPT, ACCEPTED);
    let timeout = settings.timeout;
    let mut response = request.send().await.map_err(|error| {
        if error.is_timeout() && error.is_connect() {
            ScrapeError::ConnectTimeout(client.connect_timeout())
        } else if error.is_timeout() {
            ScrapeError::Timeout(timeout)
        } else {
            ScrapeError::Unreachable(innermost(&error))
        }
    })?;
    let status = response.status();
    if !status.is_success() {
        let excerpt = excerpt(&beginning(&mut response).await);
        return Err(ScrapeError::Status { status, excerpt });
    }
    let format = match format_of(response.headers().get(CONTENT_TYPE)) {
        Ok(format) => format,
        Err(kind) => {
            let excerpt = excerpt(&beginning(&mut response).await);
            let excerpt = excerpt.unwrap_or_else(|| "an empty body".to_owned());
            return Err(ScrapeError::NotMetrics { kind, excerpt });
        }
    };
    let limit = settings.limits.bytes;
    let announced = response.content_length().and_then(|length| usize::try_from(length).ok());
    if announced.is_some_and(|length| length > limit) {
        return Err(ScrapeError::TooLarge { limit });
    }
    let limits = PageLimits { series: settings.limits.series, labels: settings.limits.labels };
    let memory = settings.limits.memory;
    let mut arrival = Arrival {
        reader: PageReader::new(format, limits),
        target: target.clone(),
        wanted: wanted.clone(),
        time,
        samples: Vec::new(),
        left_out: HashSet::new(),
        reserved: Reserved::new(&arriving.operator, memory),
        of_teams: TeamMemory::new(&arriving.teams, memory),
    };
    let mut bytes = 0;
    loop {
        let (batch, is_last) = batch(&mut response).await?;
        bytes += batch.len();
        if bytes > limit {
            return Err(ScrapeError::TooLarge { limit });
        }
        let fed = decode_bounded(batch.len(), move || {
            let fed = arrival.feed(&batch, is_last);
            fed.map(|()| arrival)
        });
        arrival = fed.await.map_err(|_| ScrapeError::Internal)??;
        if is_last {
            break;
        }
    }
    let Arrival { reader, samples, left_out, reserved, of_teams, .. } = arrival;
    Ok(Page {
        samples,
        left_out,
        wanted: wanted.clone(),
        bytes,
        series: reader.series(),
        took: begun.elapsed(),
        _reserved: [reserved, of_teams.reserved],
    })
}

/// The format of a page by its content type. The error is that content type.
fn format_of(content_type: Option<&HeaderValue>) -> Result<Format, String> {
    let Some(content_type) = content_type else { return Ok(Format::Text) };
    let text = String::from_utf8_lossy(content_type.as_bytes());
    let kind = text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match kind.as_str() {
        "application/openmetrics-text" => Ok(Format::OpenMetrics),
        "text/html" | "application/xhtml+xml" | "application/json" => Err(kind),
        "application/vnd.google.protobuf" => protobuf_of(&text),
        // As in Prometheus, whatever else it is called: many exporters call it something.
        _ => Ok(Format::Text),
    }
}

/// The protobuf format, if that is what its parameters name; as in Prometheus, they may be left out.
fn protobuf_of(content_type: &str) -> Result<Format, String> {
    let is_other = |parameter: &str| {
        let Some((name, value)) = parameter.split_once('=') else { return false };
        let value = value.trim().trim_matches('"');
        match name.trim().to_ascii_lowercase().as_str() {
            "proto" => value != "io.prometheus.client.MetricFamily",
            "encoding" => value != "delimited",
            _ => false,
        }
    };
    match content_type.split(';').skip(1).any(is_other) {
        true => Err("another message or encoding of protobuf".to_owned()),
        false => Ok(Format::Protobuf),
    }
}

/// The next part of a page, and whether it is the last.
async fn batch(response: &mut Response) -> Result<(Vec<u8>, bool), ScrapeError> {
    let mut batch = Vec::new();
    while batch.len() < BATCH {
        match chunk(response).await? {
            Some(chunk) => batch.extend_from_slice(&chunk),
            None => return Ok((batch, true)),
        }
    }
    Ok((batch, false))
}

/// The beginning of a body that is no page.
async fn beginning(response: &mut Response) -> Vec<u8> {
    let mut body = Vec::new();
    while body.len() < MAX_QUOTED {
        let Ok(Some(chunk)) = chunk(response).await else { break };
        body.extend_from_slice(&chunk);
    }
    body.truncate(MAX_QUOTED);
    body
}

async fn chunk(response: &mut Response) -> Result<Option<Bytes>, ScrapeError> {
    response.chunk().await.map_err(|error| ScrapeError::Broken(innermost(&error)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_content_type_says_how_a_page_is_written() {
        let of = |text: &str| format_of(Some(&HeaderValue::from_str(text).unwrap()));
        assert_eq!(of("application/openmetrics-text; version=1.0.0"), Ok(Format::OpenMetrics));
        assert_eq!(of("text/plain; version=0.0.4"), Ok(Format::Text));
        assert_eq!(of("application/octet-stream"), Ok(Format::Text));
        assert_eq!(format_of(None), Ok(Format::Text));
        assert_eq!(of("Text/HTML; charset=utf-8"), Err("text/html".to_owned()));
        let protobuf = "application/vnd.google.protobuf";
        let delimited = "proto=io.prometheus.client.MetricFamily; encoding=delimited";
        assert_eq!(of(protobuf), Ok(Format::Protobuf));
        assert_eq!(of(&format!("{protobuf}; {delimited}")), Ok(Format::Protobuf));
        for other in ["encoding=text", "proto=google.protobuf.Any; encoding=delimited"] {
            let read = of(&format!("{protobuf}; {other}"));
            assert_eq!(read, Err("another message or encoding of protobuf".to_owned()), "{other}");
        }
    }
}
