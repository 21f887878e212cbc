//! Who may ask a controller: sessions, their tokens, and basic authentication.

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::reply::Reply;
use crate::wire::{Request, Response};

const VERSION: &str = "22.1.3";

/// The sessions of a controller with one user.
pub(super) struct Sessions {
    user: String,
    password: String,
    url: String,
    basic: bool,
    refuses_csrf: bool,
    /// The token that is accepted for each session.
    open: HashMap<String, String>,
    made: usize,
}

impl Sessions {
    pub(super) fn new(user: &str, password: &str, url: String) -> Self {
        Self {
            user: user.to_owned(),
            password: password.to_owned(),
            url,
            basic: false,
            refuses_csrf: false,
            open: HashMap::new(),
            made: 0,
        }
    }

    pub(super) fn change_password(&mut self, password: &str) {
        password.clone_into(&mut self.password);
        self.open.clear();
    }

    pub(super) fn expire(&mut self) {
        self.open.clear();
    }

    pub(super) fn refuse_csrf(&mut self) {
        self.refuses_csrf = true;
    }

    pub(super) fn allow_basic(&mut self) {
        self.basic = true;
    }

    pub(super) fn open(&self) -> usize {
        self.open.len()
    }

    /// `POST /login`.
    pub(super) fn log_in(&mut self, request: &Request) -> Reply {
        let body: Value = serde_json::from_str(&request.body).unwrap_or_default();
        let secret = body["password"].as_str().or(body["token"].as_str());
        // A real one refuses a login with the cookies of a session.
        if body["username"] != self.user.as_str()
            || secret != Some(self.password.as_str())
            || request.header("cookie").is_some()
        {
            return Reply::json(401, &json!({"error": "Invalid credentials"}));
        }
        self.made += 1;
        let (session, token) = (format!("session-{}", self.made), self.token());
        self.open.insert(session.clone(), token.clone());
        let body = json!({
            "version": {"Version": VERSION, "build": 9000},
            "session_cookie_name": "avi-sessionid",
            "tenants": [{"name": "admin"}],
        });
        Reply::Complete(
            Response::new(200, "application/json", body.to_string())
                .header("Set-Cookie", format!("csrftoken={token}; Path=/; Secure"))
                .header("Set-Cookie", format!("avi-sessionid={session}; HttpOnly; Path=/")),
        )
    }

    /// Why a request is not answered.
    pub(super) fn refusal(&self, request: &Request) -> Option<Reply> {
        if let Some(version) = request.header("x-avi-version")
            && numbers(version) > numbers(VERSION)
        {
            let error = format!("version {version} is newer than {VERSION}");
            return Some(Reply::json(400, &json!({"error": error})));
        }
        let pair = STANDARD.encode(format!("{}:{}", self.user, self.password));
        let basic = format!("Basic {pair}");
        if self.basic && request.header("authorization") == Some(basic.as_str()) {
            return None;
        }
        let unauthorized = || Some(Reply::json(401, &json!({"error": "Unauthorized"})));
        let Some(token) = self.session(request).and_then(|session| self.open.get(&session)) else {
            return unauthorized();
        };
        let referer = request.header("referer").unwrap_or_default();
        let is_told = request.header("x-csrftoken") == Some(token.as_str())
            && cookie(request, "csrftoken").as_ref() == Some(token)
            && referer.starts_with(&self.url);
        if request.method != "GET" && (self.refuses_csrf || !is_told) {
            let detail = "CSRF Failed: CSRF token missing or incorrect.";
            return Some(Reply::json(403, &json!({"detail": detail})));
        }
        None
    }

    /// The same reply with another token, for a request that used one up.
    pub(super) fn rotate(&mut self, request: &Request, reply: Reply) -> Reply {
        let Reply::Complete(response) = reply else { return reply };
        let Some(session) = self.session(request).filter(|_| request.method != "GET") else {
            return Reply::Complete(response);
        };
        self.made += 1;
        let next = self.token();
        match self.open.get_mut(&session) {
            Some(token) => next.clone_into(token),
            None => return Reply::Complete(response),
        }
        Reply::Complete(response.header("Set-Cookie", format!("csrftoken={next}; Path=/; Secure")))
    }

    /// `POST /logout`.
    pub(super) fn log_out(&mut self, request: &Request) -> Reply {
        if let Some(session) = self.session(request) {
            self.open.remove(&session);
        }
        Reply::json(200, &json!({}))
    }

    fn token(&self) -> String {
        format!("token-{}", self.made)
    }

    /// The session of a request, which has to be named in both ways.
    fn session(&self, request: &Request) -> Option<String> {
        let [one, other] = ["sessionid", "avi-sessionid"].map(|name| cookie(request, name));
        one.filter(|one| other.as_ref() == Some(one))
    }
}

/// `GET /api/cluster/version`.
pub(super) fn version() -> Reply {
    Reply::json(200, &json!({"Version": VERSION, "build": 9000}))
}

fn cookie(request: &Request, name: &str) -> Option<String> {
    let all = request.header("cookie")?;
    let mut pairs = all.split("; ").filter_map(|pair| pair.split_once('='));
    pairs.find(|(known, _)| *known == name).map(|(_, value)| value.to_owned())
}

fn numbers(version: &str) -> Vec<u32> {
    version.split('.').map(|number| number.parse().unwrap_or(0)).collect()
}
