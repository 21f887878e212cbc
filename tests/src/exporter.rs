//! An application with metrics that a Prometheus scrapes.

use crate::reply::Reply;
use crate::upstream::Upstream;

/// A server that returns a text exposition at any path.
pub struct Exporter(Upstream);

impl Exporter {
    /// Starts to serve this text.
    pub async fn start(exposition: &str) -> Self {
        Self(Upstream::start(page(exposition)).await)
    }

    /// Replaces the text.
    pub fn set(&self, exposition: &str) {
        self.0.set_reply(page(exposition));
    }

    /// Its URL.
    pub fn url(&self) -> String {
        self.0.url()
    }
}

fn page(exposition: &str) -> Reply {
    let mut text = exposition.trim().to_owned();
    text.push('\n');
    Reply::new(200, "text/plain; version=0.0.4", text)
}
