//! HTTP responses of Leadsman.

use std::collections::BTreeMap;
use std::time::Duration;

use reqwest::header::HeaderMap;
use reqwest::{RequestBuilder, Version};
use serde_json::Value;

/// A response, read completely.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The URL of the request.
    pub url: String,
    /// The status code.
    pub status: u16,
    /// The HTTP version.
    pub version: Version,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: String,
    /// The time from the request to the last byte.
    pub took: Duration,
}

/// A `Status` object of a failed request.
#[derive(Debug, Clone)]
pub struct Failure {
    /// The status code.
    pub code: u16,
    /// The reason code.
    pub reason: String,
    /// The message.
    pub message: String,
    /// The time until the failure.
    pub took: Duration,
}

impl Answer {
    /// Sends a request and reads the response. The error is the reason why there is no response.
    pub(crate) async fn read(request: RequestBuilder) -> Result<Self, String> {
        let begin = tokio::time::Instant::now();
        let response = request.send().await.map_err(|error| format!("{error:?}"))?;
        Ok(Self {
            url: response.url().to_string(),
            status: response.status().as_u16(),
            version: response.version(),
            headers: response.headers().clone(),
            body: response.text().await.map_err(|error| format!("{error:?}"))?,
            took: begin.elapsed(),
        })
    }

    /// The value of a header; empty if it is not set.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The texts of all `Warning` headers.
    pub fn warnings(&self) -> String {
        let all = self.headers.get_all("warning").iter();
        all.filter_map(|value| value.to_str().ok()).collect::<Vec<_>>().join("\n")
    }

    /// Checks that a `Warning` says how old the values of a metric are, and with all of these texts why
    /// there are no newer ones. The error is what is missing.
    pub fn tells_age(&self, metric: &str, reasons: &[&str]) -> Result<(), String> {
        let warnings = self.warnings();
        let told = warnings.split_once(&format!("{metric} is "));
        let Some((age, why)) = told.and_then(|(_, rest)| rest.split_once("s old: ")) else {
            return Err(format!("no age in {self:#?}"));
        };
        age.parse::<f64>().map_err(|error| format!("{age:?}: {error}"))?;
        // A header has no quotes within quotes.
        match reasons.iter().find(|reason| !why.contains(&reason.replace('"', "'"))) {
            Some(reason) => Err(format!("nothing of {reason:?} in {why}")),
            None => Ok(()),
        }
    }

    /// The body as JSON.
    ///
    /// # Panics
    /// If the body or its content type is not JSON.
    pub fn json(&self) -> Value {
        let content_type = self.header("content-type");
        assert!(content_type.starts_with("application/json"), "{content_type:?}: {self:#?}");
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:#?}"))
    }

    /// Whether the request succeeded.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// Whether the request succeeded. The error is the body of what did not.
    pub fn succeeded(self) -> Result<(), String> {
        if self.is_success() { Ok(()) } else { Err(self.body) }
    }

    /// The body of a successful response as JSON.
    ///
    /// # Panics
    /// If the status code is not 200.
    pub fn ok(&self) -> Value {
        assert_eq!(self.status, 200, "{self:#?}");
        self.json()
    }

    /// The items of a list of metric values.
    ///
    /// # Panics
    /// If the body is not a list.
    pub fn items(&self) -> Vec<Value> {
        let list = self.ok();
        let items = list["items"].as_array();
        items.unwrap_or_else(|| panic!("no items: {self:#?}")).clone()
    }

    /// The values of a custom metric by the name of the object.
    ///
    /// # Panics
    /// If the body is not such a list, or contains an object twice.
    pub fn values(&self) -> BTreeMap<String, String> {
        let mut values = BTreeMap::new();
        for item in self.items() {
            let name = item["describedObject"]["name"].as_str().unwrap_or_default().to_owned();
            let value = item["value"].as_str().unwrap_or_default().to_owned();
            assert!(!name.is_empty() && !value.is_empty(), "{item}");
            assert!(values.insert(name, value).is_none(), "twice: {self:#?}");
        }
        values
    }

    /// The value of the only item.
    ///
    /// # Panics
    /// If there is not exactly one.
    pub fn value(&self) -> String {
        let items = self.items();
        assert_eq!(items.len(), 1, "{self:#?}");
        items[0]["value"].as_str().unwrap_or_default().to_owned()
    }

    /// The failure in a `Status` body.
    ///
    /// # Panics
    /// If the body is not a failure, or its code is not the status code.
    pub fn failure(&self) -> Failure {
        assert!(self.status >= 400, "{self:#?}");
        let status = self.json();
        assert_eq!(status["kind"], "Status", "{self:#?}");
        assert_eq!(status["apiVersion"], "v1", "{self:#?}");
        assert_eq!(status["status"], "Failure", "{self:#?}");
        assert_eq!(status["code"], self.status, "{self:#?}");
        let text = |field: &str| status[field].as_str().unwrap_or_default().to_owned();
        let failure = Failure {
            code: self.status,
            reason: text("reason"),
            message: text("message"),
            took: self.took,
        };
        assert!(!failure.reason.is_empty() && !failure.message.is_empty(), "{self:#?}");
        failure
    }
}

impl Failure {
    /// Asserts that the message contains all of these texts, ignoring case. Alternatives of one
    /// text are separated by `|`.
    ///
    /// # Panics
    /// If a text is missing.
    pub fn assert_contains(&self, texts: &[&str]) -> &Self {
        assert_contains(&self.message, texts);
        self
    }
}

/// Asserts that a text contains all of these parts, as [`Failure::assert_contains`].
///
/// # Panics
/// If a part is missing.
pub(crate) fn assert_contains(text: &str, parts: &[&str]) {
    if let Err(part) = contains_all(text, parts) {
        panic!("nothing of {part:?} in:\n{text}");
    }
}

/// Checks that a text contains all of these parts. The error is the first missing part.
pub fn contains_all<'a>(text: &str, parts: &[&'a str]) -> Result<(), &'a str> {
    let lower = text.to_lowercase();
    let missing = parts
        .iter()
        .find(|part| !part.split('|').any(|spelling| lower.contains(&spelling.to_lowercase())));
    missing.map_or(Ok(()), |part| Err(*part))
}
