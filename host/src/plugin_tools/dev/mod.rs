//! A plugin that is served while it is edited: each change is built, tested as the adapter tests it,
//! and served by a local adapter, and the value that it gives is shown.

mod changes;
mod project;
mod recording;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use leadsman_api as api;
use leadsman_config::Flags;
use leadsman_control::{self as control, ConfigOrigin};
use leadsman_model::text::counted;
use leadsman_provider::explanation::With;
use leadsman_provider::snapshot::Snapshot;

use super::PluginError;
use super::origin::Tools;
use super::table;
use crate::app::{AdminAuth, App, ClusterOptions, Options, StartError};
use crate::explain::{MetricText, paths_in};
use changes::Changes;
use project::{Project, ServedPlugin};

/// How long the adapter may take to serve a component that has loaded already.
const SERVED_WITHIN: Duration = Duration::from_secs(20);

/// How often the adapter is looked at although nothing was published.
const LOOK_INTERVAL: Duration = Duration::from_millis(200);

/// What is worked on.
#[derive(Debug, Clone)]
pub struct DevOptions {
    /// The folder of the project.
    pub folder: PathBuf,
    /// A component that something else builds, in place of `leadsman plugin build`.
    pub component: Option<PathBuf>,
    /// The mapping that uses the plugin; `mapping.yaml` of the folder if left out.
    pub mapping: Option<PathBuf>,
    /// A configuration whose sources are asked, in place of a fixture of the folder.
    pub against: Option<PathBuf>,
    /// The namespace to read in; that of the fixture, or `default`, if left out.
    pub namespace: Option<String>,
    /// The address of the API.
    pub api: SocketAddr,
    /// The address of `/metrics` and the status page.
    pub admin: SocketAddr,
}

/// Builds, tests and serves a plugin at each change of its files, until `end` completes. `print` shows
/// what happens.
pub async fn dev(
    options: DevOptions,
    print: impl Fn(&str),
    end: impl Future<Output = ()>,
) -> anyhow::Result<()> {
    let (api, admin) = (options.api, options.admin);
    // Events name files by the folders that are watched.
    let folder = std::path::absolute(&options.folder)?;
    let component = options.component.as_ref().map(std::path::absolute).transpose()?;
    let options = DevOptions { folder, component: component.clone(), ..options };
    let project = Project::open(options)?;
    let mut changes = Changes::of(project.root(), component.as_deref())?;
    let tools = Tools::for_edits(&project.cache())?;
    let mut work = Work { project, tools, print };
    let mut end = std::pin::pin!(end);
    // The adapter starts with the first component and mapping that work.
    let (app, first) = loop {
        let attempt = async {
            let begun = Instant::now();
            let attempted = work.attempt().await;
            if work.reported(&attempted)
                && let Ok(attempt) = attempted
            {
                match start(&work.project, api, admin).await {
                    Ok(app) => return anyhow::Ok(Some((app, (attempt, begun)))),
                    Err(error) if error.is::<PluginError>() => work.tell(&error),
                    Err(error) => return Err(error),
                }
            }
            changes.next().await?;
            Ok(None)
        };
        let started = tokio::select! {
            () = &mut end => return Ok(()),
            started = attempt => started?,
        };
        if let Some(started) = started {
            break started;
        }
    };
    (work.print)(&format!("serving   https://{}, status page http://{}\n", app.api, app.admin));
    let served = app.served.clone();
    let mut done = Ok(());
    let working = async {
        let followed = work.follow(&served, &mut changes, first);
        tokio::select! {
            () = &mut end => {}
            ended = followed => done = ended,
        }
    };
    app.run(working).await?;
    done
}

/// Starts the adapter. Faults of the mapping are of the plugin's author.
async fn start(project: &Project, api: SocketAddr, admin: SocketAddr) -> anyhow::Result<App> {
    let options = Options {
        config: ConfigOrigin::File(project.config()),
        flags: Flags::default(),
        cache: Some(project.cache()),
        cluster: ClusterOptions::Never,
        address: Some(api.ip()),
        port: api.port(),
        tls: None,
        admin,
        admin_auth: AdminAuth::ThisMachine,
        scaler: None,
        shutdown_delay: Duration::ZERO,
        traces: None,
        autoscaler_events: false,
    };
    App::start(&options).await.map_err(|error| match error {
        StartError::Faults(documents) => {
            let faults: Vec<_> = documents.iter().map(ToString::to_string).collect();
            // The author wrote the mapping, and not the file that it is served from.
            let file = project.config().display().to_string();
            anyhow::Error::from(PluginError(faults.join("\n").replace(&file, "the mapping")))
        }
        other => anyhow::Error::from(other),
    })
}

/// A component that works, with its configuration.
struct Attempt {
    digest: String,
    served: ServedPlugin,
}

struct Work<P> {
    project: Project,
    tools: Tools,
    print: P,
}

impl<P: Fn(&str)> Work<P> {
    /// Builds, loads and tests the plugin, and gives it to the adapter if all of that works.
    async fn attempt(&mut self) -> anyhow::Result<Attempt> {
        let begun = Instant::now();
        let mut new_snapshot = false;
        let (component, plugin, built) = loop {
            let built = self.project.build(new_snapshot).await?;
            let took = begun.elapsed();
            match self.tools.load("what was built", built.bytes.clone()).await {
                // Its sources may import, or read, what that snapshot does not have.
                Err(_) if built.reuses_snapshot => {
                    (self.print)("snapshot  this edit needs a new one\n");
                    new_snapshot = true;
                }
                loaded => break (built.bytes, loaded?, took),
            }
        };
        let digest = plugin.digest().to_owned();
        let size = component.len();
        let tested = control::self_test(&plugin).await.map_err(PluginError)?;
        let served = self.project.configure(&plugin.description().name)?;
        self.project.put(&component)?;
        (self.print)(&format!(
            "built     {} in {}, {} passed after {}\n",
            table::bytes(size),
            table::time(built),
            counted(tested, "fixture"),
            table::time(begun.elapsed())
        ));
        Ok(Attempt { digest, served })
    }

    /// Shows what went wrong. Gives back whether nothing did.
    fn reported(&self, attempted: &anyhow::Result<Attempt>) -> bool {
        if let Err(error) = attempted {
            self.tell(error);
        }
        attempted.is_ok()
    }

    fn tell(&self, error: &anyhow::Error) {
        (self.print)(&format!("error     {error:#}\n          waiting for a change\n"));
    }

    /// Shows the value of each component, and makes one of each change.
    async fn follow(
        &mut self,
        served: &api::CurrentSnapshot,
        changes: &mut Changes,
        first: (Attempt, Instant),
    ) -> anyhow::Result<()> {
        let mut next = Some(first);
        loop {
            if let Some((attempt, begun)) = next.take() {
                let shown = show(served, &attempt).await;
                let took = table::time(begun.elapsed());
                let text = match shown {
                    Ok(text) => format!("{text}\nvalue     {took} after the change\n"),
                    Err(reason) => format!("error     {reason}\n"),
                };
                (self.print)(&text);
            }
            changes.next().await?;
            let begun = Instant::now();
            let attempted = self.attempt().await;
            if self.reported(&attempted) {
                next = attempted.ok().map(|attempt| (attempt, begun));
            }
        }
    }
}

/// Waits until a component is served, and reads its metric.
async fn show(served: &api::CurrentSnapshot, attempt: &Attempt) -> Result<String, String> {
    let ServedPlugin { metric, namespace, source, mapping, config, .. } = &attempt.served;
    let mut published = served.subscribe();
    let in_force = async {
        loop {
            let snapshot = served.now().snapshot.clone();
            if is_in_force(&snapshot, attempt) {
                return snapshot;
            }
            // That only places moved is not published.
            let _ = tokio::time::timeout(LOOK_INTERVAL, published.changed()).await;
        }
    };
    let Ok(snapshot) = tokio::time::timeout(SERVED_WITHIN, in_force).await else {
        let snapshot = served.now().snapshot.clone();
        let refused: Vec<_> = snapshot
            .rejections()
            .iter()
            .map(|rejection| format!("{}: {}", rejection.title, rejection.message))
            .collect();
        return Err(match refused.is_empty() {
            true => format!("the local adapter does not serve it after {SERVED_WITHIN:?}"),
            false => refused.join("\n          "),
        });
    };
    let mut texts = vec![format!("source    {source}")];
    for path in paths_in(&snapshot, namespace, metric) {
        let mut explained = api::explain(&snapshot, &path, With { fixture: false }).await?;
        mapping.amend(&mut explained, config);
        texts.push(MetricText(&explained).to_string());
    }
    Ok(texts.join("\n"))
}

/// Whether the metric is that of this component and this configuration. What is refused is not.
fn is_in_force(snapshot: &Snapshot, attempt: &Attempt) -> bool {
    let places = snapshot.places();
    let mut entries = snapshot.of_name(&attempt.served.metric);
    entries.any(|entry| {
        entry.evaluations().is_some_and(|of| {
            let mapping = of.mapping();
            let place = places.mappings.get(&mapping.title());
            // It may stand anywhere in a chain.
            let then = mapping.then.iter().map(|link| link.plugin.digest());
            std::iter::once(mapping.plugin.digest()).chain(then).any(|of| of == attempt.digest)
                && place.is_some_and(|place| *place.revision == *attempt.served.revision)
        })
    })
}
