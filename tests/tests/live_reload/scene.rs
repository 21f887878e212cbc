//! Leadsman with a changing configuration, under continuous reads.

use leadsman_tests::{
    Config, Folder, Leadsman, Load, Mapping, Registry, Rejection, Reply, Upstream,
    assert_monotonic, paths, version,
};

/// The metric of the plugin named [`PLUGIN`].
pub(crate) const METRIC: &str = "load";
pub(crate) const PLUGIN: &str = "versioned";
/// The file of that plugin.
pub(crate) const FILE: &str = "versioned.wasm";
/// The repository of that plugin.
pub(crate) const REPOSITORY: &str = "team/versioned";

/// A process that serves [`METRIC`] of two pods.
pub(crate) struct Scene {
    pub(crate) leadsman: Leadsman,
    pub(crate) folder: Folder,
    pub(crate) upstream: Upstream,
}

impl Scene {
    /// The plugin's first version from a file, with edition 0.
    pub(crate) async fn of_file(mut folder: Folder) -> Self {
        folder.put(FILE, version(1));
        Self::new(folder, &[], |upstream| of_file(upstream, 0)).await
    }

    pub(crate) async fn new(
        mut folder: Folder,
        arguments: &[&str],
        config: impl FnOnce(&Upstream) -> Config,
    ) -> Self {
        let upstream = Upstream::start(two_pods()).await;
        folder.configure(config(&upstream));
        let leadsman = Leadsman::start_file(&folder.config(), arguments).await;
        Self { leadsman, folder, upstream }
    }

    pub(crate) async fn serves(&self, value: f64) {
        self.leadsman.wait_value(&path(), value).await;
    }

    /// Asserts that something is rejected, that the last good version is served, and that the
    /// metrics show it.
    pub(crate) async fn rejects(&self, reason: &str, says: &[&str]) -> Rejection {
        let rejected = self.leadsman.wait_rejected(reason, says).await;
        assert!(rejected.serving, "{rejected:#?}");
        let metric = "leadsman_configuration_rejected";
        self.leadsman.wait_metric(metric, &[("reason", &rejected.reason)], 1.0).await;
        rejected
    }

    /// Asserts that nothing is rejected any more.
    pub(crate) async fn accepts(&self) {
        self.leadsman.wait_accepted().await;
        let metric = self.leadsman.metric("leadsman_configuration_rejected", &[]).await;
        assert!(metric.is_none_or(|rejected| rejected == 0.0), "{metric:?}");
    }

    /// Starts reading the metric this often per second.
    pub(crate) fn load(&self, per_second: u32) -> Load {
        Load::start(self.leadsman.api(), &path(), per_second)
    }

    /// Stops reading. Asserts that no read failed or returned an older generation, and prints the
    /// process's memory.
    pub(crate) async fn went_well(&self, load: Load) {
        // The last generation was read, too.
        load.wait_reads(20).await;
        let reads = load.stop().await;
        assert_monotonic(&reads);
        let peak = self.leadsman.peak_memory() >> 20;
        println!("{} reads, peak {peak} MiB", reads.len());
        assert!(peak < 512, "{peak} MiB");
    }
}

pub(crate) fn path() -> String {
    paths::pods("shop", METRIC)
}

pub(crate) fn two_pods() -> Reply {
    Reply::pods(&[("web-0", "1"), ("web-1", "2")])
}

/// The mapping of the plugin with this edition.
pub(crate) fn mapping(edition: u32) -> Mapping {
    mapping_of(METRIC, PLUGIN, edition)
}

pub(crate) fn mapping_of(metric: &str, plugin: &str, edition: u32) -> Mapping {
    Mapping::custom(metric, "pods")
        .query("q", &format!(r#"{metric}{{namespace="${{namespace}}"}}"#))
        .plugin(plugin, &format!("edition: {edition}"))
}

/// That mapping with the plugin from a file.
pub(crate) fn of_file(upstream: &Upstream, edition: u32) -> Config {
    Config::shop(&upstream.url()).plugin(PLUGIN, FILE).mapping(mapping(edition))
}

/// The reference of a plugin in a registry: `version` is `:TAG` or `@DIGEST`.
pub(crate) fn oci(registry: &Registry, version: &str) -> String {
    format!("oci: \"{}/{REPOSITORY}{version}\"", registry.address())
}

/// The reference of a plugin by a moving tag.
pub(crate) fn followed(registry: &Registry, version: &str) -> String {
    format!("{}, checkEvery: 1s", oci(registry, version))
}

/// A registry without TLS, with these further settings.
pub(crate) fn plain(registry: &Registry, settings: &str) -> String {
    format!("[{{prefix: \"{}\", plainHttp: true{settings}}}]", registry.address())
}

/// The mapping with the plugin from a registry.
pub(crate) fn of_registry(upstream: &Upstream, registry: &Registry, plugin: &str) -> Config {
    Config::shop(&upstream.url())
        .plugin_from(PLUGIN, plugin)
        .mapping(mapping(0))
        .set("registries", &plain(registry, ""))
}
