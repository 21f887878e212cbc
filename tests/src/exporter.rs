//! An application with metrics, for a Prometheus to scrape.

use crate::reply::Reply;
use crate::upstream::Upstream;

/// Serves a text exposition at any path.
pub struct Exporter(Upstream);

impl Exporter {
    /// Serves this text.
    pub async fn start(exposition: &str) -> Self {
        Self(Upstream::start(page(exposition)).await)
    }

    /// Serves another text from now on.
    pub fn set(&self, exposition: &str) {
        self.0.answer(page(exposition));
    }

    /// Its address.
    pub fn url(&self) -> String {
        self.0.url()
    }
}

fn page(exposition: &str) -> Reply {
    let mut text = exposition.trim().to_owned();
    text.push('\n');
    Reply::new(200, "text/plain; version=0.0.4", text)
}
