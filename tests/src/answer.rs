//! Responses of Leadsman.

use std::collections::BTreeMap;
use std::time::Duration;

use reqwest::header::HeaderMap;
use reqwest::{RequestBuilder, Version};
use serde_json::Value;

/// A response, read completely.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The request.
    pub url: String,
    /// The status code.
    pub status: u16,
    /// The version of HTTP.
    pub version: Version,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: String,
    /// How long it took from the request to the last byte.
    pub took: Duration,
}

/// A `Status` object of a failed request.
#[derive(Debug, Clone)]
pub struct Failure {
    /// The status code.
    pub code: u16,
    /// The reason code.
    pub reason: String,
    /// The message for people.
    pub message: String,
    /// The time until the failure.
    pub took: Duration,
}

impl Answer {
    /// Sends a request and reads the response, or returns why there is none.
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

    /// A header's value, empty where it is not set.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The texts of all `Warning` headers.
    pub fn warnings(&self) -> String {
        let all = self.headers.get_all("warning").iter();
        all.filter_map(|value| value.to_str().ok()).collect::<Vec<_>>().join("\n")
    }

    /// The body as JSON.
    ///
    /// # Panics
    /// If it is not, or is not said to be.
    pub fn json(&self) -> Value {
        let content_type = self.header("content-type");
        assert!(content_type.starts_with("application/json"), "{content_type:?}: {self:#?}");
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:#?}"))
    }

    /// Whether the request succeeded.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The body of a successful response.
    ///
    /// # Panics
    /// If it is none.
    pub fn ok(&self) -> Value {
        assert_eq!(self.status, 200, "{self:#?}");
        self.json()
    }

    /// The items of a list of metric values.
    ///
    /// # Panics
    /// If it is none.
    pub fn items(&self) -> Vec<Value> {
        let list = self.ok();
        let items = list["items"].as_array();
        items.unwrap_or_else(|| panic!("no items: {self:#?}")).clone()
    }

    /// The values of a custom metric by the name of the object.
    ///
    /// # Panics
    /// If it is not a list of such, or an object stands in it twice.
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
    /// If it is none, or does not agree with the status code.
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
    /// If it does not.
    pub fn says(&self, texts: &[&str]) -> &Self {
        assert_says(&self.message, texts);
        self
    }
}

/// The same for any text.
///
/// # Panics
/// If it does not.
pub(crate) fn assert_says(text: &str, parts: &[&str]) {
    if let Err(part) = says_all(text, parts) {
        panic!("nothing of {part:?} in:\n{text}");
    }
}

/// Whether a text contains all of these parts, as [`Failure::says`], or the first part that is
/// missing.
pub fn says_all<'a>(text: &str, parts: &[&'a str]) -> Result<(), &'a str> {
    let lower = text.to_lowercase();
    let missing = parts
        .iter()
        .find(|part| !part.split('|').any(|spelling| lower.contains(&spelling.to_lowercase())));
    missing.map_or(Ok(()), |part| Err(*part))
}
