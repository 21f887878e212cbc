//! The demo: a recording of real cases, played through the real pipeline.
//!
//! Only the source is recorded. Configuration, plugins, evaluations and the HTTPS API are those of
//! `serve`. The demo reads the API like an HPA and applies the HPA's algorithm. The values of the
//! load balancer's pool come from its controller where there is one: `cargo xtask demo` starts one
//! that is recorded, too.

mod autoscaler;
mod configuration;
mod reading;
mod table;

use std::io::{IsTerminal as _, Write as _};
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context as _;
use tokio::time::MissedTickBehavior;

use crate::app::{AdminAuth, App, ClusterOptions, Options};
use autoscaler::Autoscaler;
pub use configuration::DemoController;
use leadsman_autoscaler::AutoscalerStore;
use leadsman_config::Flags;
use leadsman_control::ConfigOrigin;
use reading::Reader;

const AUTOSCALERS: &str = include_str!("autoscalers.yaml");

/// The duration of a frame of the recording: 15 s at ten times the speed.
const FRAME_INTERVAL: Duration = Duration::from_millis(1500);

/// With `once`: the number of frames that are played.
const FRAMES_ONCE: usize = 6;

/// The options of the demo.
#[derive(Debug, Clone)]
pub struct DemoOptions {
    /// The address of the API.
    pub api: SocketAddr,
    /// The address of `/metrics` and the status page.
    pub admin: SocketAddr,
    /// Whether to print the table once and exit.
    pub once: bool,
    /// Where the values of the load balancer's pool come from, if not from the recording.
    pub controller: Option<DemoController>,
}

/// Plays the recording until `end` completes, or once.
pub async fn run(options: DemoOptions, end: impl Future<Output = ()>) -> anyhow::Result<()> {
    let folder =
        tempfile::tempdir().context("cannot make a folder for the demo's configuration")?;
    let config = configuration::write(folder.path(), options.once, options.controller.as_ref())?;
    let app = App::start(&Options {
        config: ConfigOrigin::File(config),
        flags: Flags::default(),
        cache: None,
        cluster: ClusterOptions::Never,
        address: Some(options.api.ip()),
        port: options.api.port(),
        tls: None,
        admin: options.admin,
        admin_auth: AdminAuth::ThisMachine,
        scaler: None,
        shutdown_delay: Duration::ZERO,
        traces: None,
        autoscaler_events: false,
    })
    .await?;
    let reader = Reader::new(app.api, app.certificate.as_deref().unwrap_or_default())?;
    let shown = app.autoscalers.clone();
    let intro = intro(&app, options.controller.as_ref());
    let mut played = Ok(());
    app.run(async { played = play(&reader, &shown, &intro, options.once, end).await }).await?;
    played
}

fn intro(app: &App, controller: Option<&DemoController>) -> String {
    let pool = controller.map(|DemoController { url, .. }| {
        format!(
            "The pool of kuard-deployment is asked for at {url}, as of NSX ALB; no Prometheus.\n"
        )
    });
    format!(
        "A recording of users' cases, ten times as fast, through real plugins and the real API.\n\
         {}page   http://{}\n\
         try    curl -sk 'https://{}/apis/custom.metrics.k8s.io/v1beta2/namespaces/default/pods/*/mqtt_publish_received'\n",
        pool.unwrap_or_default(),
        app.admin,
        app.api
    )
}

async fn play(
    reader: &Reader,
    shown: &AutoscalerStore,
    intro: &str,
    once: bool,
    end: impl Future<Output = ()>,
) -> anyhow::Result<()> {
    let mut autoscalers = Autoscaler::all(AUTOSCALERS)?;
    let terminal = std::io::stdout().is_terminal() && !once;
    let mut frames = tokio::time::interval(FRAME_INTERVAL);
    frames.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut end = std::pin::pin!(end);
    let mut played = 0;
    if !terminal {
        print(intro)?;
    }
    loop {
        tokio::select! {
            () = &mut end => return Ok(()),
            _ = frames.tick() => {}
        }
        for autoscaler in &mut autoscalers {
            let mut reads = Vec::new();
            for path in autoscaler.requests() {
                reads.push(reader.read(&path).await);
            }
            autoscaler.decide(&reads)?;
        }
        played += 1;
        let objects: Result<Vec<_>, _> = autoscalers.iter().map(Autoscaler::manifest).collect();
        // Their size does not matter: they are few.
        shown.replace(objects?.into_iter().map(|object| (object, 0)));
        let table = table::render(&autoscalers);
        if terminal {
            // Cursor home and clear screen, so that the table is updated in place.
            print(&format!("\x1b[H\x1b[2J{intro}\n{table}\nCtrl-C ends.\n"))?;
        } else if once && played == FRAMES_ONCE {
            return print(&format!("\n{table}"));
        } else if !once && played % 4 == 0 {
            print(&format!("\n{table}"))?;
        }
    }
}

fn print(text: &str) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).context("cannot print")
}
