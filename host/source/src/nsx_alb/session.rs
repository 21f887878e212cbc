//! The session with one node of a controller: a state machine without I/O or clock.
//!
//! After a refused login there is no other attempt until the credentials change, so that no account is
//! locked. After a failure, the status of the cluster is requested before anything else, with back-off.

use std::sync::Arc;
use std::time::{Duration, Instant};

use http::HeaderMap;

use super::cookies::Cookies;
use super::credentials::Credentials;
use super::error::AlbError;
use leadsman_runtime::backoff::Backoff;

/// The back-off between two attempts to reach a node that failed.
const MIN_BACKOFF: Duration = Duration::from_secs(1);
const MAX_BACKOFF: Duration = Duration::from_secs(30);

/// The session with a node.
pub(super) struct Session {
    state: SessionState,
    backoff: Backoff,
    /// Whether a request has failed since the last one that succeeded.
    is_failing: bool,
    /// The number of the next login.
    next_login: u64,
}

enum SessionState {
    LoggedOut,
    LoggedIn(OpenSession),
    /// The login was refused, and is not tried again with these credentials.
    Refused(Arc<Credentials>, AlbError),
    /// The status of the cluster is requested next, not before a time. The session may continue then.
    Suspect(Instant, AlbError, Option<OpenSession>),
}

/// A session that the controller has opened.
#[derive(Clone, Default)]
pub(super) struct OpenSession {
    /// The number of its login.
    pub(super) login: u64,
    /// What identifies it.
    pub(super) cookies: Cookies,
    /// The version of the API that requests name.
    pub(super) version: Option<String>,
}

/// What a request needs next: to be sent, or something before that.
pub(super) enum SessionStep {
    Send(OpenSession),
    LogIn,
    AskStatus,
    Fail(AlbError),
}

impl Default for Session {
    fn default() -> Self {
        Self {
            state: SessionState::LoggedOut,
            backoff: Backoff::new(MIN_BACKOFF, MAX_BACKOFF),
            is_failing: false,
            next_login: 1,
        }
    }
}

impl Session {
    /// The next step for a request.
    pub(super) fn next(&self, credentials: &Arc<Credentials>, now: Instant) -> SessionStep {
        match &self.state {
            SessionState::LoggedIn(open) => SessionStep::Send(open.clone()),
            SessionState::LoggedOut => SessionStep::LogIn,
            SessionState::Refused(refused, error) if refused == credentials => {
                SessionStep::Fail(error.clone())
            }
            SessionState::Refused(..) => SessionStep::LogIn,
            SessionState::Suspect(until, error, _) if now < *until => {
                SessionStep::Fail(error.clone())
            }
            SessionState::Suspect(..) => SessionStep::AskStatus,
        }
    }

    /// A login succeeded.
    pub(super) fn logged_in(&mut self, cookies: Cookies, version: Option<String>) {
        let login = self.next_login;
        self.next_login += 1;
        self.state = SessionState::LoggedIn(OpenSession { login, cookies, version });
    }

    /// The controller refuses these credentials.
    pub(super) fn refused(&mut self, credentials: Arc<Credentials>, error: AlbError) {
        self.state = SessionState::Refused(credentials, error);
    }

    /// An answer came. Its cookies replace those before.
    pub(super) fn answered(&mut self, login: u64, headers: &HeaderMap) {
        if let SessionState::LoggedIn(open) = &mut self.state
            && open.login == login
        {
            open.cookies.absorb(headers);
        }
    }

    /// Whether no request has failed since the last one that succeeded.
    pub(super) fn is_good(&self) -> bool {
        !self.is_failing
    }

    /// A request succeeded.
    pub(super) fn succeeded(&mut self) {
        self.backoff.reset();
        self.is_failing = false;
    }

    /// The session of a login is over.
    pub(super) fn expired(&mut self, login: u64) {
        if matches!(&self.state, SessionState::LoggedIn(open) if open.login == login) {
            self.state = SessionState::LoggedOut;
        }
    }

    /// The answer of the node suggests a failure of its cluster, whose status is requested at once.
    pub(super) fn suspected(&mut self, error: AlbError, now: Instant) {
        self.state = SessionState::Suspect(now, error, None);
    }

    /// The node failed: it gets no requests during the back-off. A session that it did not end is kept, so that a
    /// network outage leaves no sessions behind at the controller.
    pub(super) fn failed(&mut self, error: AlbError, now: Instant) {
        self.is_failing = true;
        let before = std::mem::replace(&mut self.state, SessionState::LoggedOut);
        let kept = match before {
            SessionState::LoggedIn(open) if error.leaves_session() => Some(open),
            SessionState::Suspect(_, _, kept) if error.leaves_session() => kept,
            _ => None,
        };
        self.state = SessionState::Suspect(now + self.backoff.next_delay(), error, kept);
    }

    /// The cluster reports that it is ready.
    pub(super) fn is_healthy(&mut self) {
        if let SessionState::Suspect(_, _, kept) = &mut self.state {
            self.state = kept.take().map_or(SessionState::LoggedOut, SessionState::LoggedIn);
        }
    }

    /// The session, to be logged out.
    pub(super) fn take(&mut self) -> Option<OpenSession> {
        match std::mem::replace(&mut self.state, SessionState::LoggedOut) {
            SessionState::LoggedIn(open) => Some(open),
            other => {
                self.state = other;
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::credentials::Secret;
    use super::*;
    use http::StatusCode;
    use http::header::SET_COOKIE;

    fn credentials(password: &str) -> Arc<Credentials> {
        let secret = Secret::Password(password.to_owned());
        Arc::new(Credentials { username: "scaler".to_owned(), secret })
    }

    fn refusal() -> AlbError {
        let status = StatusCode::UNAUTHORIZED;
        AlbError::LoginRefused { status, message: None, folder: "/etc/alb".into() }
    }

    fn reported(next: SessionStep) -> &'static str {
        match next {
            SessionStep::Send(_) => "send",
            SessionStep::LogIn => "log in",
            SessionStep::AskStatus => "ask status",
            SessionStep::Fail(_) => "fail",
        }
    }

    #[test]
    fn a_login_comes_first_and_its_cookies_change_with_answers() {
        let (mut session, now, user) = (Session::default(), Instant::now(), credentials("a"));
        assert_eq!(reported(session.next(&user, now)), "log in");
        session.logged_in(Cookies::default(), Some("22.1.3".to_owned()));
        let SessionStep::Send(open) = session.next(&user, now) else { panic!() };
        assert_eq!((open.login, open.version.as_deref()), (1, Some("22.1.3")));
        assert!(open.cookies.csrf().is_none());
        let mut headers = HeaderMap::new();
        headers.insert(SET_COOKIE, "csrftoken=b".parse().unwrap());
        session.answered(1, &headers);
        let SessionStep::Send(open) = session.next(&user, now) else { panic!() };
        assert_eq!(open.cookies.csrf().unwrap(), "b");
    }

    #[test]
    fn an_expired_session_is_renewed_once_for_all_that_used_it() {
        let (mut session, now, user) = (Session::default(), Instant::now(), credentials("a"));
        session.logged_in(Cookies::default(), None);
        session.expired(1);
        assert_eq!(reported(session.next(&user, now)), "log in");
        session.logged_in(Cookies::default(), None);
        // Another request that was sent with the first session.
        session.expired(1);
        assert_eq!(reported(session.next(&user, now)), "send");
    }

    #[test]
    fn a_refused_login_stops_everything_until_the_credentials_change() {
        let (mut session, now, user) = (Session::default(), Instant::now(), credentials("a"));
        session.refused(user.clone(), refusal());
        let later = now + Duration::from_secs(3600);
        assert_eq!(reported(session.next(&user, later)), "fail");
        assert_eq!(
            reported(session.next(&credentials("a"), later)),
            "fail",
            "read anew, and the same"
        );
        assert_eq!(reported(session.next(&credentials("b"), later)), "log in");
    }

    #[test]
    fn after_failures_the_status_is_asked_with_growing_pauses() {
        let (mut session, start, user) = (Session::default(), Instant::now(), credentials("a"));
        let (status, excerpt) = (StatusCode::SERVICE_UNAVAILABLE, None);
        let error = || AlbError::Unavailable { status, excerpt: excerpt.clone() };
        session.logged_in(Cookies::default(), None);
        for pause in [1, 2, 4, 8, 16, 30, 30] {
            session.failed(error(), start);
            let at = |seconds| start + Duration::from_secs(seconds);
            assert_eq!(reported(session.next(&user, at(pause - 1))), "fail", "{pause}");
            assert_eq!(reported(session.next(&user, at(pause))), "ask status", "{pause}");
        }
        session.is_healthy();
        assert_eq!(reported(session.next(&user, start)), "log in");
        session.logged_in(Cookies::default(), None);
        session.succeeded();
        session.failed(error(), start);
        assert_eq!(reported(session.next(&user, start + Duration::from_secs(1))), "ask status");
    }

    #[test]
    fn an_outage_of_the_network_does_not_end_a_session() {
        let (mut session, start, user) = (Session::default(), Instant::now(), credentials("a"));
        let later = start + Duration::from_secs(60);
        session.logged_in(Cookies::default(), None);
        session.failed(AlbError::Timeout(Duration::from_secs(10)), start);
        session.failed(AlbError::Unreachable("refused".to_owned()), start);
        assert_eq!(reported(session.next(&user, later)), "ask status");
        session.is_healthy();
        let SessionStep::Send(open) = session.next(&user, later) else { panic!() };
        assert_eq!(open.login, 1);
        // What the controller answers may mean that it has forgotten the session.
        let (status, excerpt) = (StatusCode::SERVICE_UNAVAILABLE, None);
        session.suspected(AlbError::Unavailable { status, excerpt }, start);
        session.is_healthy();
        assert_eq!(reported(session.next(&user, later)), "log in");
    }

    #[test]
    fn a_session_is_ended_once() {
        let mut session = Session::default();
        assert!(session.take().is_none());
        session.logged_in(Cookies::default(), None);
        assert!(session.take().is_some());
        assert!(session.take().is_none());
        session.refused(credentials("a"), refusal());
        assert!(session.take().is_none());
        assert_eq!(reported(session.next(&credentials("a"), Instant::now())), "fail");
    }
}
