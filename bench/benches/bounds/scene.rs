//! The attacked installation: an adapter with a configuration file, or an adapter in a cluster with
//! ConfigMaps of teams.

use leadsman_bench::load::{Connection, Reader};
use leadsman_tests::cluster::{Adapter, ConfigMap, ControlPlane};
use leadsman_tests::{Config, Folder, HOSTILE, Leadsman, Reply, Upstream, eventually};

use super::measure::MAX_RECOVERY;
use super::{edits, teams};

/// The setup of the adapter.
#[derive(Clone, Copy)]
pub(super) enum Setup {
    /// With a configuration file. The function returns its content for the URL of the source.
    File(fn(&str) -> Config),
    /// The same with the plugin of [`edits::PLUGIN`] and with a folder for what is kept, in which an earlier
    /// process has left compiled code, and somebody has put named pipes in its place.
    PipesForCode(fn(&str) -> Config),
    /// In a cluster with the teams of [`teams`].
    Teams,
}

/// The attacked installation.
pub(super) struct Scene {
    /// The adapter.
    pub(super) leadsman: Leadsman,
    upstream: Upstream,
    reader: Reader,
    origin: Origin,
}

/// Where the configuration is.
enum Origin {
    Folder(Folder),
    Cluster {
        plane: &'static ControlPlane,
        /// The files of its account, which the process needs.
        _adapter: Box<Adapter<'static>>,
    },
}

impl Scene {
    /// Starts the adapter and its source.
    pub(super) async fn start(setup: Setup) -> Self {
        let upstream = Upstream::start(Reply::pods(&[("web-0", "1"), ("web-1", "2")])).await;
        match setup {
            Setup::File(config) => {
                let mut folder = Folder::plain();
                folder.configure(config(&upstream.url()));
                let leadsman = Leadsman::start_file(&folder.config(), &[]).await;
                let origin = Origin::Folder(folder);
                Self { leadsman, upstream, reader: Reader::default(), origin }
            }
            Setup::PipesForCode(config) => Self::with_pipes(upstream, config).await,
            Setup::Teams => Self::in_cluster(upstream).await,
        }
    }

    async fn with_pipes(upstream: Upstream, config: fn(&str) -> Config) -> Self {
        let mut folder = Folder::plain();
        folder.put(edits::PLUGIN, std::fs::read(HOSTILE).expect("a component"));
        folder.configure(config(&upstream.url()));
        let cache = folder.path("cache").display().to_string();
        let arguments = ["--cache-dir", cache.as_str()];
        let earlier = Leadsman::start_file(&folder.config(), &arguments).await;
        eventually("a value of the plugin", MAX_RECOVERY, async || {
            let answer = earlier.get(edits::OF_PLUGIN).await;
            if answer.is_success() { Ok(()) } else { Err(answer.body) }
        })
        .await;
        earlier.terminate();
        assert!(earlier.exit().await.success(), "it does not end");
        let replaced = edits::replace_all_by_pipes(&folder.path("cache").join("code"));
        assert!(replaced > 0, "no code was kept");
        let leadsman = Leadsman::start_file(&folder.config(), &arguments).await;
        let origin = Origin::Folder(folder);
        Self { leadsman, upstream, reader: Reader::default(), origin }
    }

    async fn in_cluster(upstream: Upstream) -> Self {
        let plane = ControlPlane::shared().await;
        let admin = plane.admin();
        let namespace = teams::namespace();
        let adapter = Adapter::new(plane, &namespace, &["pods"]).await;
        adapter.account().allow_config_map(&admin, &namespace, "settings").await;
        adapter.account().allow_team_config_maps(&admin).await;
        teams::create(&admin).await;
        let operator = ConfigMap::of_operator(&admin, &namespace, "settings");
        operator.write(teams::operator(&upstream.url())).await;
        let leadsman =
            Leadsman::expect_ready(adapter.launch_config_map(&operator.owner(), &[]).await).await;
        let admin = plane.authorities().admin();
        let identity = Some((admin.certificate.clone(), admin.key.clone()));
        let reader = Reader { identity, ..Reader::default() };
        Self {
            leadsman,
            upstream,
            reader,
            origin: Origin::Cluster { plane, _adapter: Box::new(adapter) },
        }
    }

    /// A new connection of a client with all rights.
    pub(super) async fn connect(&self) -> Connection {
        Connection::open_as(self.leadsman.api(), self.reader.clone()).await
    }

    /// The source.
    pub(super) fn upstream(&self) -> &Upstream {
        &self.upstream
    }

    /// The certificate of the front proxy, and its key.
    pub(super) fn front_proxy(&self) -> (String, String) {
        match &self.origin {
            Origin::Folder(_) => panic!("there is no cluster"),
            Origin::Cluster { plane, .. } => {
                let identity = plane.authorities().aggregator();
                (identity.certificate.clone(), identity.key.clone())
            }
        }
    }

    /// The folder with the configuration.
    pub(super) fn folder(&self) -> &Folder {
        match &self.origin {
            Origin::Folder(folder) => folder,
            Origin::Cluster { .. } => panic!("there is no folder"),
        }
    }

    /// Changes a file beside the configuration.
    pub(super) fn put(&mut self, name: &str, content: &[u8]) {
        match &mut self.origin {
            Origin::Folder(folder) => folder.put(name, content),
            Origin::Cluster { .. } => panic!("there is no folder"),
        }
    }

    /// The URL of the source.
    pub(super) fn url(&self) -> String {
        self.upstream.url()
    }

    /// Replaces the configuration file.
    pub(super) fn configure(&mut self, config: Config) {
        match &mut self.origin {
            Origin::Folder(folder) => folder.configure(config),
            Origin::Cluster { .. } => panic!("there is no file"),
        }
    }

    /// A ConfigMap of a team.
    pub(super) fn config_map(&self, namespace: &str, name: &str) -> ConfigMap {
        match &self.origin {
            Origin::Folder(_) => panic!("there is no cluster"),
            Origin::Cluster { plane, .. } => ConfigMap::of_team(&plane.admin(), namespace, name),
        }
    }
}
