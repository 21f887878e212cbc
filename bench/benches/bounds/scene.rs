//! The attacked installation: an adapter with a configuration file, or an adapter in a cluster with
//! ConfigMaps of teams.

use leadsman_bench::load::{Connection, Reader};
use leadsman_tests::cluster::{Adapter, ConfigMap, ControlPlane};
use leadsman_tests::{Config, Folder, Leadsman, Reply, Upstream};

use super::teams;

/// The setup of the adapter.
#[derive(Clone, Copy)]
pub(super) enum Setup {
    /// With a configuration file. The function returns its content for the URL of the source.
    File(fn(&str) -> Config),
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
            Setup::Teams => Self::in_cluster(upstream).await,
        }
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
