//! A client of the metrics API: HTTPS, HTTP/2, JSON.

use std::net::SocketAddr;

use anyhow::Context as _;
use serde::Deserialize;

use leadsman_model::quantity::Quantity;

/// A client of the metrics API.
pub(super) struct Reader {
    client: reqwest::Client,
    base: String,
}

#[derive(Deserialize)]
struct List {
    items: Vec<Item>,
}

#[derive(Deserialize)]
struct Item {
    value: String,
}

#[derive(Deserialize)]
struct Status {
    message: String,
}

impl Reader {
    /// A client that trusts the server's own certificate.
    pub(super) fn new(api: SocketAddr, certificate: &str) -> anyhow::Result<Self> {
        let trusted = reqwest::Certificate::from_pem(certificate.as_bytes())?;
        let client = reqwest::Client::builder()
            .tls_certs_only([trusted])
            .no_proxy()
            .build()
            .context("cannot make a client for the demo")?;
        Ok(Self { client, base: format!("https://{api}") })
    }

    /// Reads the values at a path. The error is the message that an HPA would show.
    pub(super) async fn read(&self, path: &str) -> Result<Vec<Quantity>, String> {
        let response = self.client.get(format!("{}{path}", self.base)).send().await;
        let response = response.map_err(|error| error.to_string())?;
        let ok = response.status().is_success();
        let body = response.bytes().await.map_err(|error| error.to_string())?;
        if !ok {
            let status: Status =
                serde_json::from_slice(&body).map_err(|error| error.to_string())?;
            return Err(status.message);
        }
        let list: List = serde_json::from_slice(&body).map_err(|error| error.to_string())?;
        list.items
            .iter()
            .map(|item| item.value.parse().map_err(|error| format!("{error}")))
            .collect()
    }
}
