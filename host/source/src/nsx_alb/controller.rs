//! The nodes of a controller: sends calls within a session, one at a time, and fails over to another node.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use http::StatusCode;
use http::header::{AUTHORIZATION, HeaderMap};

use super::costs::Costs;
use super::credentials::CredentialFiles;
use super::error::AlbError;
use super::login;
use super::request::{Call, CallKind};
use super::send::{Received, Sender};
use super::session::{OpenSession, Session, SessionStep};
use super::settings::{Login, NsxAlbSettings};
use crate::SourceError;
use crate::addresses::{Addresses, Preference};
use leadsman_runtime::telemetry::{CallOutcome, SourceMetrics};

/// How long a logout may take: the process waits for it at its end.
const LOGOUT_TIMEOUT: Duration = Duration::from_secs(2);

/// What may come before a request is sent: asking for the status, then a login.
const MAX_STEPS: usize = 4;

/// The nodes of a controller.
pub(super) struct Controller {
    sender: Sender,
    login: Login,
    credentials: CredentialFiles,
    addresses: Addresses,
    /// In the order of the addresses.
    nodes: Vec<Node>,
    metrics: SourceMetrics,
    costs: Costs,
}

struct Node {
    url: String,
    session: Mutex<Session>,
}

impl Controller {
    pub(super) fn new(
        settings: &NsxAlbSettings,
        metrics: SourceMetrics,
    ) -> Result<Self, SourceError> {
        let node = |url: &String| Node { url: url.clone(), session: Mutex::default() };
        // Going over to another node costs a login.
        let addresses = Addresses::new(&settings.urls, Preference::Last, metrics.clone());
        for kind in CallKind::ALL {
            metrics.will_call(kind.name());
        }
        Ok(Self {
            sender: Sender::new(settings)?,
            login: settings.login,
            credentials: CredentialFiles::new(&settings.secret_dir)?,
            addresses,
            nodes: settings.urls.iter().map(node).collect(),
            metrics,
            costs: Costs::default(),
        })
    }

    /// The address of the node that answered last.
    pub(super) fn address(&self) -> &str {
        self.addresses.url(self.addresses.current())
    }

    /// What calls have cost.
    pub(super) fn costs(&self) -> &Costs {
        &self.costs
    }

    /// The version that requests name, after a call.
    pub(super) fn version(&self) -> Option<String> {
        match self.next()? {
            SessionStep::Send(open) => open.version,
            _ => None,
        }
    }

    /// The state of the session, for people.
    pub(super) fn state(&self) -> String {
        let address = self.address();
        match self.next() {
            Some(SessionStep::Send(OpenSession { version: Some(version), .. })) => {
                format!("logged in at {address}, version {version}")
            }
            Some(SessionStep::Send(_)) => format!("logged in at {address}"),
            Some(SessionStep::LogIn) => format!("not logged in at {address}"),
            Some(SessionStep::AskStatus) | None => {
                format!("{address} failed, and is to be asked again")
            }
            Some(SessionStep::Fail(error)) => format!("{address} {error}"),
        }
    }

    fn next(&self) -> Option<SessionStep> {
        let node = self.nodes.get(self.addresses.current())?;
        Some(node.session().next(&self.credentials.get(), Instant::now()))
    }

    /// Sends a call to the first node that answers it, and gives the body.
    pub(super) async fn call(&self, call: &Call) -> Result<Vec<u8>, AlbError> {
        let mut failed = None;
        let begun = Instant::now();
        for next in self.addresses.in_order(begun, begun) {
            let Some(node) = self.nodes.get(next.at) else { continue };
            let sent = Instant::now();
            match self.call_node(node, call).await {
                Err(error) if error.is_of_the_node() => {
                    self.addresses.failed(next.at, &error.to_string(), sent, Instant::now());
                    failed.get_or_insert(error);
                }
                answered => {
                    self.addresses.answered(next.at, Instant::now());
                    return answered;
                }
            }
        }
        Err(failed.unwrap_or(AlbError::Unreachable("it has no address".to_owned())))
    }

    async fn call_node(&self, node: &Node, call: &Call) -> Result<Vec<u8>, AlbError> {
        // One new login, unless that did not help before.
        let mut again = node.session().is_good();
        loop {
            let open = self.open(node).await?;
            let received = match self.send(node, &open, call).await {
                Ok(received) => received,
                Err(error) => {
                    // A body that is too large says nothing of the node.
                    if error.is_of_the_node() {
                        node.session().failed(error.clone(), Instant::now());
                    }
                    return Err(error);
                }
            };
            node.session().answered(open.login, &received.headers);
            let retry = match received.status {
                status if status.is_success() => match of_kind(received, call.kind) {
                    Ok(body) => {
                        node.session().succeeded();
                        return Ok(body);
                    }
                    Err(error) => Retry::Never(error),
                },
                status if is_of_session(status, &received) => {
                    node.session().expired(open.login);
                    let message = received.message();
                    Retry::Once(AlbError::SessionRefused { status, message })
                }
                status if is_unavailable(status) => {
                    let error = AlbError::Unavailable { status, excerpt: received.excerpt() };
                    node.session().suspected(error.clone(), Instant::now());
                    Retry::Once(error)
                }
                StatusCode::FORBIDDEN => {
                    let message = received.message();
                    return Err(AlbError::Forbidden { what: call.kind.described(), message });
                }
                StatusCode::TOO_MANY_REQUESTS => Retry::Never(AlbError::Unavailable {
                    status: received.status,
                    excerpt: received.excerpt(),
                }),
                status => {
                    let message =
                        received.message().unwrap_or_else(|| "no reason given".to_owned());
                    return Err(AlbError::Refused { status, message });
                }
            };
            match retry {
                Retry::Once(_) if again => again = false,
                Retry::Once(error) | Retry::Never(error) => {
                    node.session().failed(error.clone(), Instant::now());
                    return Err(error);
                }
            }
        }
    }

    /// A session that a request can be sent with.
    async fn open(&self, node: &Node) -> Result<OpenSession, AlbError> {
        for _ in 0..MAX_STEPS {
            let credentials = self.credentials.get();
            let next = node.session().next(&credentials, Instant::now());
            match next {
                SessionStep::Send(open) => return Ok(open),
                SessionStep::Fail(error) => return Err(error),
                SessionStep::AskStatus => self.ask_status(node).await?,
                SessionStep::LogIn => {
                    let login = login::call(self.login, &credentials);
                    let login = login.ok_or_else(|| {
                        AlbError::UnusableCredential(self.credentials.folder().to_owned())
                    })?;
                    let answered = self.send(node, &OpenSession::default(), &login).await;
                    match answered
                        .and_then(|received| login::outcome(received, self.credentials.folder()))
                    {
                        Ok(login::Outcome { cookies, version }) => {
                            tracing::info!(
                                node = node.url,
                                ?version,
                                "logged in to the controller"
                            );
                            node.session().logged_in(cookies, version);
                        }
                        Err(error @ AlbError::LoginRefused { .. }) => {
                            let reason = error.to_string();
                            tracing::error!(
                                node = node.url,
                                reason,
                                "the controller refused the login"
                            );
                            // The other nodes have the same accounts.
                            for node in &self.nodes {
                                node.session().refused(credentials.clone(), error.clone());
                            }
                            return Err(error);
                        }
                        Err(error) => {
                            node.session().failed(error.clone(), Instant::now());
                            return Err(error);
                        }
                    }
                }
            }
        }
        Err(AlbError::SessionRefused { status: StatusCode::UNAUTHORIZED, message: None })
    }

    /// The nodes besides the one that answered last, and why those that do not answer do not.
    pub(super) async fn others(&self) -> Vec<(String, Option<AlbError>)> {
        let current = self.addresses.current();
        let mut others = Vec::new();
        for (_, node) in self.nodes.iter().enumerate().filter(|(at, _)| *at != current) {
            others.push((node.url.clone(), self.ask_status(node).await.err()));
        }
        others
    }

    /// Whether the cluster can answer again.
    async fn ask_status(&self, node: &Node) -> Result<(), AlbError> {
        let answered = self.send(node, &OpenSession::default(), &login::status()).await;
        let error = match answered {
            // It is no matter what it says, and whether to everybody.
            Ok(received) if !received.status.is_server_error() => {
                node.session().is_healthy();
                return Ok(());
            }
            Ok(received) => {
                AlbError::Unavailable { status: received.status, excerpt: received.excerpt() }
            }
            Err(error) => error,
        };
        node.session().failed(error.clone(), Instant::now());
        Err(error)
    }

    async fn send(
        &self,
        node: &Node,
        open: &OpenSession,
        call: &Call,
    ) -> Result<Received, AlbError> {
        let credentials = self.credentials.get();
        let mut headers = HeaderMap::new();
        if self.login == Login::Basic && call.kind != CallKind::Status {
            let unusable = || AlbError::UnusableCredential(self.credentials.folder().to_owned());
            headers.insert(AUTHORIZATION, login::basic(&credentials).ok_or_else(unusable)?);
        }
        let begun = Instant::now();
        let sent = self.sender.send(&node.url, open, call, headers).await;
        if let Ok(received) = &sent {
            self.costs.add(call.kind, begun.elapsed(), received.body.len());
        }
        let outcome = match &sent {
            Ok(received) if received.status.is_success() => CallOutcome::Ok,
            Ok(_) => CallOutcome::Refused,
            Err(_) => CallOutcome::Failed,
        };
        self.metrics.called(call.kind.name(), outcome);
        sent
    }

    /// Ends the sessions that there are.
    pub(super) async fn log_out(&self) {
        for node in &self.nodes {
            let Some(open) = node.session().take() else { continue };
            if self.login == Login::Basic {
                continue;
            }
            let call = login::logout();
            let sent = tokio::time::timeout(LOGOUT_TIMEOUT, self.send(node, &open, &call)).await;
            match sent {
                Ok(Ok(received)) if received.status.is_success() => {
                    tracing::info!(node = node.url, "logged out of the controller");
                }
                // It ends by itself after some minutes.
                _ => {
                    tracing::info!(node = node.url, "the session with the controller was not ended")
                }
            }
        }
    }
}

/// Whether a request that was refused is sent again after a new login.
enum Retry {
    Once(AlbError),
    Never(AlbError),
}

impl Node {
    fn session(&self) -> MutexGuard<'_, Session> {
        self.session.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The body of an answer, if it can be one to this kind of call.
fn of_kind(received: Received, kind: CallKind) -> Result<Vec<u8>, AlbError> {
    match kind {
        CallKind::MetricsText => received.text(),
        _ => received.json(),
    }
}

/// Whether a status is about the session: it is over, or its token is refused.
fn is_of_session(status: StatusCode, received: &Received) -> bool {
    let of_token = || received.message().is_some_and(|text| text.to_lowercase().contains("csrf"));
    status == StatusCode::UNAUTHORIZED || (status == StatusCode::FORBIDDEN && of_token())
}

fn is_unavailable(status: StatusCode) -> bool {
    // 419: the session is unknown, as after a failover within the cluster.
    status.as_u16() == 419 || status.is_server_error()
}
