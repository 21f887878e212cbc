//! The nodes of a controller that plays a scenario.

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tokio::sync::Notify;

use super::scenario::Scenario;
use super::script::Script;
use super::values::Values;
use crate::alb::{Alb, PASSWORD, State, USER};
use crate::reply::Reply;
use crate::wire::Request;

/// All nodes: with the same accounts and objects, and sessions of their own.
pub(super) struct Nodes {
    all: Vec<Alb>,
    play: Arc<Play>,
}

/// What the nodes share.
struct Play {
    script: Mutex<Script>,
    values: Values,
    /// Told of each request, after which a node may be down.
    asked: Notify,
}

impl Nodes {
    /// Starts the nodes, and with them the time of the scenario.
    pub(super) async fn start(scenario: Scenario) -> Self {
        let Scenario { tls, nodes, basic, pools, values, faults } = scenario;
        let script = Mutex::new(Script::new(faults, Instant::now()));
        let play = Arc::new(Play { script, values, asked: Notify::new() });
        let mut all = Vec::new();
        for node in 0..nodes {
            let alb = if tls { Alb::start_tls(&pools).await } else { Alb::start(&pools).await };
            if basic {
                alb.allow_basic();
            }
            let (play, state) = (play.clone(), alb.state.clone());
            alb.server.reply_with(move |request| play.answer(node, &state, request));
            all.push(alb);
        }
        Self { all, play }
    }

    /// Their addresses.
    pub(super) fn urls(&self) -> Vec<String> {
        self.all.iter().map(|alb| alb.server.url()).collect()
    }

    /// Writes the files of the credentials, and with TLS that of the authorities, to a folder.
    pub(super) fn write_secret(&self, folder: &Path) -> std::io::Result<()> {
        std::fs::create_dir_all(folder)?;
        std::fs::write(folder.join("username"), USER)?;
        std::fs::write(folder.join("password"), format!("{PASSWORD}\n"))?;
        let authorities: String = self.all.iter().filter_map(|alb| alb.authority.clone()).collect();
        match authorities.is_empty() {
            true => Ok(()),
            false => std::fs::write(folder.join("ca.crt"), authorities),
        }
    }

    /// Stops and starts nodes as the scenario says. Does not end by itself.
    pub(super) async fn fail_and_return(&mut self) {
        let mut stopped = vec![false; self.all.len()];
        loop {
            let (down, next) = lock(&self.play.script).nodes_down(Instant::now());
            for (node, (alb, stopped)) in self.all.iter_mut().zip(&mut stopped).enumerate() {
                match (down.contains(&node), *stopped) {
                    (true, false) => alb.server.stop().await,
                    (false, true) => alb.server.restart().await,
                    _ => {}
                }
                *stopped = down.contains(&node);
            }
            let due = async {
                match next {
                    Some(next) => tokio::time::sleep_until(next.into()).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = due => {}
                () = self.play.asked.notified() => {}
            }
        }
    }
}

impl Play {
    /// What a node answers.
    fn answer(&self, node: usize, state: &Mutex<State>, request: &Request) -> Reply {
        let (effects, time) = {
            let (mut script, now) = (lock(&self.script), Instant::now());
            (script.meets(&request.path, now), script.elapsed(now))
        };
        self.asked.notify_one();
        if effects.down.contains(&node) {
            // Until its connections are closed.
            return Reply::NoReply;
        }
        let mut state = lock(state);
        if effects.expires {
            state.sessions.expire();
        }
        if let Some(reply) = effects.reply {
            return reply;
        }
        self.values.apply(time, &mut state.pools);
        state.gaps = effects.gaps;
        state.behind = effects.behind.as_secs();
        state.repeats = effects.repeats;
        let reply = state.answer(request);
        match effects.delay {
            Some(delay) => reply.after(delay),
            None => reply,
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
