//! A controller of NSX ALB, as far as it can be told from the wire: sessions with a token against
//! forged requests, lists in pages, metrics of one object and of many. Used because no real one can
//! be had.
//!
//! What a real one makes of a request that leaves out a parameter, this one does, too: it pads
//! missing points, counts in steps of 5 s, and lists 25 objects a page.

mod metrics;
mod objects;
mod recorded;
mod sessions;
mod text;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::json;
use tempfile::TempDir;

use crate::certificates::Authority;
use crate::reply::Reply;
use crate::upstream::Upstream;
use crate::wire::Request;

use objects::Kind;
pub use objects::Pool;
pub use recorded::recorded_controller;
use sessions::Sessions;

/// The user that it knows.
const USER: &str = "scaler";
const PASSWORD: &str = "not-a-secret";

/// Where metrics of pools are in the Prometheus format.
const TEXT: &str = "/api/analytics/prometheus-metrics/pool/";

/// A controller.
pub struct Alb {
    /// The folder of the credentials, as a Secret is mounted.
    secret: TempDir,
    authority: Option<String>,
    state: Arc<Mutex<State>>,
    /// The server, to fail in other ways, and with a record of all requests.
    pub server: Upstream,
}

/// What it knows, and how it fails.
struct State {
    sessions: Sessions,
    pools: Vec<Pool>,
    /// Replies to what begins with a path, for so many requests.
    faults: Vec<(String, usize, Reply)>,
    /// Whether the last page says that there is another, and is given again.
    repeats: bool,
    /// Whether the newest points are null.
    gaps: bool,
    /// How old the newest sample is, in seconds, beyond what the step makes it.
    behind: u64,
    /// How much later than usual replies come.
    slow: Duration,
    /// Before which page of a list all sessions end, once.
    expires_before_page: Option<String>,
}

impl Alb {
    /// A controller with a pool.
    pub async fn start(pools: &[Pool]) -> Self {
        Self::new(pools, Upstream::start(Reply::NoReply).await, None)
    }

    /// The same over TLS.
    pub async fn start_tls(pools: &[Pool]) -> Self {
        let authority = Authority::new("controller-ca");
        let config = authority.server("controller").server_config(None);
        let server = Upstream::start_tls(Reply::NoReply, config).await;
        Self::new(pools, server, Some(authority.pem()))
    }

    fn new(pools: &[Pool], server: Upstream, authority: Option<String>) -> Self {
        let secret = TempDir::new().expect("a temporary folder");
        let state = State {
            sessions: Sessions::new(USER, PASSWORD, server.url()),
            pools: pools.to_vec(),
            faults: Vec::new(),
            repeats: false,
            gaps: false,
            behind: 0,
            slow: Duration::ZERO,
            expires_before_page: None,
        };
        let state = Arc::new(Mutex::new(state));
        let shared = state.clone();
        server.reply_with(move |request| {
            let mut state = lock(&shared);
            let reply = state.answer(request);
            if state.slow.is_zero() { reply } else { reply.after(state.slow) }
        });
        let alb = Self { secret, authority, state, server };
        alb.put("username", USER);
        alb.put("password", &format!("{PASSWORD}\n"));
        alb
    }

    /// The entry under `sources` of a configuration that asks it every 5 s.
    ///
    /// # Panics
    /// If the authority cannot be written to a file.
    pub fn source(&self) -> String {
        self.source_with("")
    }

    /// The same with further settings, each with a comma before it.
    ///
    /// # Panics
    /// If the authority cannot be written to a file.
    pub fn source_with(&self, settings: &str) -> String {
        let tls = self.ca_file().map(|file| format!(", tls: {{caFile: {file:?}}}"));
        let tls = tls.unwrap_or_default();
        let address = format!("url: '{}'", self.server.url());
        self.source_at(&address, &format!(", step: 5s, listEvery: 5s{tls}{settings}"))
    }

    /// The same with other addresses, given as `url` or `urls` of a flow mapping.
    pub fn source_at(&self, address: &str, settings: &str) -> String {
        format!("nsxAlb: {{{address}, credentials: {{secretDir: {:?}}}{settings}}}", self.secret())
    }

    /// The entry of a Prometheus' `scrape_configs` for a metric of all pools of the tenant `admin`,
    /// given as a flow mapping: with basic authentication, which is allowed from then on.
    ///
    /// # Panics
    /// If the authority cannot be written to a file.
    pub fn scrape_job(&self, metric: &str) -> String {
        self.allow_basic();
        let url = self.server.url();
        let (scheme, target) = url.split_once("://").expect("a scheme");
        let tls = self.ca_file().map(|file| format!("tls_config: {{ca_file: {file:?}}}, "));
        format!(
            "{{job_name: controller, scheme: {scheme}, metrics_path: {}, params: {{metric_id: \
             ['{metric}'], tenant: [admin], description: ['false']}}, basic_auth: {{username: {USER}, \
             password_file: {:?}}}, {}static_configs: [{{targets: ['{target}']}}]}}",
            TEXT,
            self.secret.path().join("password"),
            tls.unwrap_or_default()
        )
    }

    /// The file with the authority to trust, over TLS.
    fn ca_file(&self) -> Option<PathBuf> {
        let file = self.secret.path().join("ca.crt");
        std::fs::write(&file, self.authority.as_ref()?).expect("a file");
        Some(file)
    }

    /// The folder of the credentials.
    pub fn secret(&self) -> PathBuf {
        self.secret.path().to_owned()
    }

    /// Changes a file of the credentials.
    ///
    /// # Panics
    /// If that fails.
    pub fn put(&self, name: &str, content: &str) {
        crate::certificates::replace(&self.secret.path().join(name), content);
    }

    /// Changes the user's password at the controller alone.
    pub fn change_password(&self, password: &str) {
        lock(&self.state).sessions.change_password(password);
    }

    /// Ends all sessions, as after 20 minutes.
    pub fn expire_sessions(&self) {
        lock(&self.state).sessions.expire();
    }

    /// Ends all sessions when this page of a list is asked for next, once.
    pub fn expire_before_page(&self, page: u32) {
        lock(&self.state).expires_before_page = Some(page.to_string());
    }

    /// Never accepts a token against forged requests.
    pub fn refuse_csrf(&self) {
        lock(&self.state).sessions.refuse_csrf();
    }

    /// Whether basic authentication is switched on.
    pub fn allow_basic(&self) {
        lock(&self.state).sessions.allow_basic();
    }

    /// Sessions that are open.
    pub fn open_sessions(&self) -> usize {
        lock(&self.state).sessions.open()
    }

    /// Changes the pools.
    pub fn pools(&self, change: impl FnOnce(&mut Vec<Pool>)) {
        change(&mut lock(&self.state).pools);
    }

    /// Sets the value of a metric of the pools of this name.
    pub fn set(&self, pool: &str, metric: &str, value: f64) {
        self.pools(|pools| {
            for pool in pools.iter_mut().filter(|known| known.name() == pool) {
                pool.set(metric, value);
            }
        });
    }

    /// Gives this reply to the next requests of paths that begin so.
    pub fn fail(&self, path: &str, times: usize, reply: Reply) {
        lock(&self.state).faults.push((path.to_owned(), times, reply));
    }

    /// Answers as usual again.
    pub fn recover(&self) {
        lock(&self.state).faults.clear();
    }

    /// Gives the last page of a list again and again.
    pub fn repeat_pages(&self) {
        lock(&self.state).repeats = true;
    }

    /// Whether the newest points are null, or padded where padding is not switched off.
    pub fn leave_gaps(&self, gaps: bool) {
        lock(&self.state).gaps = gaps;
    }

    /// Gives samples that are older by this, as when the duration of real time metrics has ended.
    pub fn lag_behind(&self, seconds: u64) {
        lock(&self.state).behind = seconds;
    }

    /// Gives each reply so much later than usual.
    pub fn slow_down(&self, by: Duration) {
        lock(&self.state).slow = by;
    }

    /// The same for the pools of this name alone.
    pub fn lag_behind_of(&self, pool: &str, seconds: u64) {
        self.pools(|pools| {
            for pool in pools.iter_mut().filter(|known| known.name() == pool) {
                pool.lag_behind(seconds);
            }
        });
    }

    /// The headers `traceparent` of the requests so far, of those that had one.
    pub fn parents(&self) -> Vec<String> {
        let requests = self.server.requests();
        let parents = requests.iter().filter_map(|request| request.header("traceparent"));
        parents.map(str::to_owned).collect()
    }

    /// How many requests there were of paths that begin so.
    pub fn count(&self, path: &str) -> usize {
        self.server.requests().iter().filter(|request| request.path.starts_with(path)).count()
    }
}

impl State {
    fn answer(&mut self, request: &Request) -> Reply {
        let fault = self
            .faults
            .iter_mut()
            .find(|(path, left, _)| *left > 0 && request.path.starts_with(path.as_str()));
        if let Some((_, left, reply)) = fault {
            *left -= 1;
            return reply.clone();
        }
        match (request.method.as_str(), request.path.as_str()) {
            ("POST", "/login") => return self.sessions.log_in(request),
            ("GET", "/api/cluster/status") => {
                let up = json!({"cluster_state": {"state": "CLUSTER_UP_NO_HA"}});
                return Reply::json(200, &up);
            }
            _ => {}
        }
        if self.expires_before_page.is_some()
            && request.parameter("page") == self.expires_before_page.as_deref()
        {
            self.expires_before_page = None;
            self.sessions.expire();
        }
        if let Some(refusal) = self.sessions.refusal(request) {
            return refusal;
        }
        let tenant = request.header("x-avi-tenant").unwrap_or("admin").to_owned();
        let seen: Vec<_> = self
            .pools
            .iter()
            .filter(|pool| tenant == "*" || pool.tenant() == tenant)
            .cloned()
            .collect();
        let reply = match (request.method.as_str(), request.path.as_str()) {
            ("POST", "/logout") => self.sessions.log_out(request),
            ("GET", "/api/cluster/version") => sessions::version(),
            // The tenant is a parameter, whatever the header says.
            ("GET", TEXT) => text::page(request, &self.pools, self.gaps),
            ("POST", "/api/analytics/metrics/collection") => {
                metrics::collection(request, &seen, self.gaps, self.behind)
            }
            ("GET", path) => match (Kind::of_list(path), Kind::of_metrics(path)) {
                (Some(kind), _) => objects::page(request, kind, &seen, self.repeats),
                (None, Some(object)) => {
                    metrics::one(request, &seen, object, self.gaps, self.behind)
                }
                (None, None) => not_found(),
            },
            _ => not_found(),
        };
        self.sessions.rotate(request, reply)
    }
}

fn not_found() -> Reply {
    Reply::json(404, &json!({"error": "not found"}))
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    // A panic of another test must not change the reply.
    state.lock().unwrap_or_else(PoisonError::into_inner)
}
