//! The caller of a scaler: its credentials, and the authorization of the reads that it requests.

use std::sync::Arc;

use axum::extract::Request;
use http::header::{AUTHORIZATION, USER_AGENT};
use http::{HeaderValue, StatusCode};

use super::Scaler;
use super::measure::{Measured, measure};
use super::permits::CallPermit;
use super::read::Read;
use leadsman_api::Status;
use leadsman_model::quantity::Quantity;
use leadsman_provider::Caller as Reader;
use leadsman_provider::snapshot::Snapshot;
use leadsman_server::auth::{Client, Denied, Peer};

/// The maximum recorded length of a client's `User-Agent`, in characters.
const MAX_AGENT: usize = 120;

/// The credentials of a client. They are checked again while a call is open.
#[derive(Debug, Clone)]
pub(super) struct Credentials {
    peer: Arc<Peer>,
    /// The header of this name.
    authorization: Option<HeaderValue>,
    /// The beginning of its `User-Agent`.
    agent: Box<str>,
}

/// An authenticated client.
pub(super) struct Caller {
    pub(super) scaler: Arc<Scaler>,
    credentials: Credentials,
    /// `None` where clients are not authenticated.
    client: Option<Client>,
    /// Counts the call.
    _permit: Option<CallPermit>,
}

impl Credentials {
    pub(super) fn of(peer: Arc<Peer>, request: &Request) -> Self {
        let text = |name| request.headers().get(name).and_then(|value| value.to_str().ok());
        let agent = text(USER_AGENT).unwrap_or_default();
        Self {
            peer,
            authorization: text(AUTHORIZATION).and_then(alone),
            agent: agent.chars().take(MAX_AGENT).collect(),
        }
    }
}

impl Caller {
    /// Authenticates a client, and takes a permit for a call.
    pub(super) async fn of(scaler: Arc<Scaler>, credentials: Credentials) -> Result<Self, Status> {
        let mut caller = Self::unbounded(scaler, credentials).await?;
        caller._permit = Some(caller.scaler.calls.take(caller.id())?);
        Ok(caller)
    }

    /// Authenticates a client whose call is counted elsewhere.
    pub(super) async fn unbounded(
        scaler: Arc<Scaler>,
        credentials: Credentials,
    ) -> Result<Self, Status> {
        let client = match &scaler.state.clients {
            None => None,
            Some(clients) => {
                let Credentials { peer, authorization, .. } = &credentials;
                let client = clients.authenticate(peer, authorization.as_ref()).await;
                Some(client.map_err(|denied| refused(&scaler, denied))?)
            }
        };
        Ok(Self { scaler, credentials, client, _permit: None })
    }

    /// Authenticates an open call again: its certificate may have expired, and its token may have been
    /// revoked.
    pub(super) async fn reauthenticated(&self) -> Result<Self, Status> {
        Self::unbounded(self.scaler.clone(), self.credentials.clone()).await
    }

    /// Identifies the user.
    pub(super) fn id(&self) -> u64 {
        self.client.as_ref().map_or(0, |client| client.id().0)
    }

    /// The same for the record of readers.
    fn reader(&self) -> Reader<'_> {
        Reader {
            id: self.id(),
            user: self.client.as_ref().map(Client::user),
            agent: &self.credentials.agent,
        }
    }

    /// Authorizes a read as one of the metrics APIs.
    pub(super) async fn authorize(&self, read: &Read) -> Result<(), Status> {
        let (Some(clients), Some(client)) = (&self.scaler.state.clients, &self.client) else {
            return Ok(());
        };
        let path = read.path().map_err(|error| {
            Status::new(StatusCode::BAD_REQUEST, format!("this cannot be read: {error}"))
        })?;
        let authorized = clients.authorize(&self.credentials.peer, client, &path).await;
        authorized.map_err(|denied| refused(&self.scaler, denied))
    }

    /// Makes an authorized read.
    pub(super) async fn measure(
        &self,
        snapshot: &Snapshot,
        read: &Read,
    ) -> Result<Measured, Status> {
        let measured = measure(snapshot, read, self.reader()).await;
        let state = &self.scaler.state;
        Ok(measured.inspect_err(|error| state.served.note_unserved(error, &state.metrics))?)
    }
}

/// A header on its own: without the space in it, which may be much, and without the head that it is a part of.
/// Calls stay open for long.
fn alone(header: &str) -> Option<HeaderValue> {
    let words: Vec<_> = header.split_ascii_whitespace().collect();
    let mut alone = HeaderValue::try_from(words.join(" ")).ok()?;
    alone.set_sensitive(true);
    Some(alone)
}

fn refused(scaler: &Scaler, denied: Denied) -> Status {
    scaler.state.metrics.denied(denied.reason());
    tracing::debug!(%denied, "a call of a scaler is refused");
    let nobody = matches!(denied, Denied::Unauthenticated(_));
    let status = Status::from(denied);
    if !nobody {
        return status;
    }
    let message = format!(
        "{}; a TriggerAuthentication gives KEDA a client certificate (tlsClientCert and tlsClientKey; for \
         metrics-api cert and key), or for metrics-api a bearerToken",
        status.message()
    );
    Status::new(status.code(), message)
}

/// The nearest whole number, for KEDA before 2.17.
pub(super) fn rounded(number: Quantity) -> i64 {
    let milli = number.milli();
    milli.div_euclid(1000) + i64::from(milli.rem_euclid(1000) >= 500)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each of some thousand calls that stay open had the whole head of its request.
    #[test]
    fn little_is_kept_of_a_request() {
        let mut request = Request::new(axum::body::Body::empty());
        let spaced = format!("Bearer {}a.b.c", " ".repeat(60_000));
        request.headers_mut().insert(AUTHORIZATION, spaced.parse().unwrap());
        request.headers_mut().insert(USER_AGENT, "x".repeat(60_000).parse().unwrap());
        let kept = Credentials::of(Arc::default(), &request);
        assert_eq!(kept.authorization.as_ref().unwrap(), "Bearer a.b.c");
        assert!(kept.authorization.unwrap().is_sensitive());
        assert_eq!(kept.agent.len(), MAX_AGENT);
        let none = Credentials::of(Arc::default(), &Request::new(axum::body::Body::empty()));
        assert!(none.authorization.is_none() && none.agent.is_empty());
    }

    #[test]
    fn whole_numbers_are_the_nearest() {
        for (milli, expected) in [
            (0, 0),
            (499, 0),
            (500, 1),
            (34_858, 35),
            (-400, 0),
            (-1600, -2),
            (i64::MAX, 9_223_372_036_854_776),
        ] {
            assert_eq!(rounded(Quantity::from_milli(milli)), expected, "{milli}");
        }
    }
}
