//! A start that uses the last good state while something that it needs is unavailable.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::time::Duration;

use leadsman_tests::{
    Exited, Folder, Leadsman, Registry, SigningKey, Upstream, eventually, text, version,
};
use tempfile::TempDir;

use crate::scene::{FILE, REPOSITORY, followed, of_file, of_registry, path, two_pods};

/// What remains when the process ends.
struct Remains {
    root: TempDir,
    folder: Folder,
    upstream: Upstream,
    registry: Registry,
}

impl Remains {
    /// A registry with the plugin's first version, and an empty cache folder.
    async fn new() -> Self {
        let registry = Registry::start().await;
        registry.push(REPOSITORY, "1", &version(1)).await;
        let upstream = Upstream::start(two_pods()).await;
        let root = TempDir::new().expect("a temporary folder");
        Self { root, folder: Folder::plain(), upstream, registry }
    }

    /// The plugin comes from the registry, with these settings.
    fn configure(&mut self, settings: &str) {
        let plugin = format!("{}{settings}", followed(&self.registry, ":1"));
        self.folder.configure(of_registry(&self.upstream, &self.registry, &plugin));
    }

    fn cache(&self) -> PathBuf {
        self.root.path().join("cache")
    }

    async fn launch(&self) -> Result<Leadsman, Exited> {
        let cache = self.cache().display().to_string();
        Leadsman::launch_file(&self.folder.config(), &["--cache-dir", &cache]).await
    }

    /// Starts it and waits until it serves this value.
    async fn starts(&self, value: f64) -> Leadsman {
        let leadsman = match self.launch().await {
            Ok(leadsman) => leadsman,
            Err(exited) => panic!("{exited:#?}"),
        };
        leadsman.wait_value(&path(), value).await;
        eventually("a start that is over", Duration::from_secs(30), async || {
            let ready = leadsman.get("/readyz").await;
            if ready.status == 200 { Ok(()) } else { Err(ready.body) }
        })
        .await;
        leadsman
    }

    /// Serves a good configuration once, which is cached, and ends.
    async fn serves_once(&self) {
        let leadsman = self.starts(1000.0).await;
        leadsman.wait_accepted().await;
        let kept = self.cache().join("documents");
        eventually("what is kept", Duration::from_secs(10), async || {
            let files = fs::read_dir(&kept).map_err(|error| error.to_string())?;
            if files.count() > 0 { Ok(()) } else { Err("nothing yet".to_owned()) }
        })
        .await;
        ends(leadsman).await;
    }
}

async fn ends(leadsman: Leadsman) {
    leadsman.terminate();
    let status = leadsman.exit().await;
    assert!(status.success(), "{status}");
}

#[tokio::test]
async fn a_start_while_the_registry_is_down_serves_the_last_good_plugins() {
    let mut remains = Remains::new().await;
    remains.configure("");
    remains.serves_once().await;
    remains.registry.stop().await;
    let leadsman = remains.starts(1000.0).await;
    let rejected = leadsman.wait_rejected("PullError", &["cannot be reached", REPOSITORY]).await;
    assert!(rejected.serving);
    remains.registry.restart().await;
    leadsman.wait_accepted().await;
    remains.registry.push(REPOSITORY, "1", &version(2)).await;
    leadsman.wait_value(&path(), 2000.0).await;
    ends(leadsman).await;
    // The newest version that was served is cached.
    remains.registry.stop().await;
    ends(remains.starts(2000.0).await).await;
}

/// A registry that accepts connections and does not answer delays the start only this long.
#[tokio::test]
async fn a_hanging_registry_does_not_delay_the_start() {
    let mut remains = Remains::new().await;
    remains.configure("");
    remains.serves_once().await;
    remains.registry.pause().await;
    let begun = std::time::Instant::now();
    let leadsman = remains.starts(1000.0).await;
    let took = begun.elapsed();
    assert!(took < Duration::from_secs(20), "served after {took:?}");
    remains.registry.resume();
    leadsman.wait_accepted().await;
    ends(leadsman).await;
}

/// A copy of the code of an interpreter would take 35 MiB for each plugin.
#[tokio::test]
async fn compiled_code_is_mapped_from_its_file() {
    let mut remains = Remains::new().await;
    remains.configure("");
    let leadsman = remains.starts(1000.0).await;
    let maps = format!("/proc/{}/maps", leadsman.pid());
    let maps = fs::read_to_string(maps).expect("what is mapped");
    let cache = remains.cache().display().to_string();
    let is_mapped = maps.lines().any(|line| line.contains(" r-xp ") && line.contains(&cache));
    assert!(is_mapped, "no code of {cache} is mapped:\n{maps}");
    ends(leadsman).await;
}

#[tokio::test]
async fn plugins_that_were_not_cached_are_not_served() {
    let mut remains = Remains::new().await;
    remains.configure("");
    remains.registry.stop().await;
    let Err(exited) = remains.launch().await else { panic!("it serves") };
    assert_eq!(exited.status.code(), Some(1));
    exited.assert_contains(&["cannot be reached", REPOSITORY]);
}

#[tokio::test]
async fn a_cached_plugin_is_served_only_if_verified_with_the_same_key() {
    let mut remains = Remains::new().await;
    let key = SigningKey::generate();
    let digest = remains.registry.push(REPOSITORY, "1", &version(1)).await;
    remains.registry.sign_tag_scheme(REPOSITORY, &digest, &key).await;
    let signed = |key: &SigningKey| format!(", verify: {{publicKey: {:?}}}", key.public_pem());
    remains.configure(&signed(&key));
    remains.serves_once().await;
    remains.registry.stop().await;
    ends(remains.starts(1000.0).await).await;

    remains.configure(&signed(&SigningKey::generate()));
    match remains.launch().await {
        Err(exited) => exited.assert_contains(&["cannot be reached"]),
        Ok(leadsman) => {
            leadsman.wait_rejected("PullError", &["cannot be reached"]).await;
            assert_ne!(leadsman.get(&path()).await.status, 200, "it trusts another's word");
        }
    }
    // Unsigned plugins are not served where a signature is required.
    remains.registry.restart().await;
    remains.configure("");
    remains.serves_once().await;
    remains.registry.stop().await;
    remains.configure(&signed(&SigningKey::generate()));
    if let Ok(leadsman) = remains.launch().await {
        assert_ne!(leadsman.get(&path()).await.status, 200, "it trusts nobody's word");
    }
}

#[tokio::test]
async fn a_start_with_a_faulty_configuration_serves_the_last_good_one() {
    let mut remains = Remains::new().await;
    remains.folder.put(FILE, version(1));
    remains.folder.configure(of_file(&remains.upstream, 3));
    ends(remains.starts(1003.0).await).await;

    let faulty = of_file(&remains.upstream, 4).set("mapings", "[]");
    remains.folder.configure(faulty);
    let leadsman = remains.starts(1003.0).await;
    let rejected = leadsman.wait_rejected("ConfigInvalid", &["mapings", "leadsman.yaml:"]).await;
    assert!(rejected.serving, "{rejected:#?}");
    // And again: the faulty version has not replaced the good one.
    ends(leadsman).await;
    let leadsman = remains.starts(1003.0).await;
    remains.folder.configure(of_file(&remains.upstream, 5));
    leadsman.wait_value(&path(), 1005.0).await;
    leadsman.wait_accepted().await;
    ends(leadsman).await;
}

#[tokio::test]
async fn the_last_good_document_of_another_file_is_not_used() {
    let mut remains = Remains::new().await;
    remains.folder.put(FILE, version(1));
    remains.folder.configure(of_file(&remains.upstream, 3));
    ends(remains.starts(1003.0).await).await;
    remains.folder = Folder::plain();
    remains.folder.configure("kind: Config\n");
    let Err(exited) = remains.launch().await else { panic!("it serves") };
    assert_eq!(exited.status.code(), Some(1));
    exited.assert_contains(&["apiVersion"]);
}

/// Every file under a folder.
fn files(folder: &std::path::Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("it").path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

#[tokio::test]
async fn damaged_cache_files_are_reported_and_not_used() {
    let mut remains = Remains::new().await;
    remains.configure("");
    remains.serves_once().await;
    let kept = files(&remains.cache());
    assert!(kept.len() >= 3, "{kept:#?}");
    for file in kept {
        let mut bytes = fs::read(&file).expect("a file");
        let middle = bytes.len() / 2;
        bytes[middle] ^= 0x55;
        bytes.truncate(bytes.len() - bytes.len() / 8);
        fs::write(&file, bytes).expect("a file");
    }
    // With the registry nothing of the cache is needed.
    let leadsman = remains.starts(1000.0).await;
    let log = leadsman.log().to_lowercase();
    assert!(log.contains("damaged") || log.contains("cannot be read"), "{log}");
    ends(leadsman).await;
    // And the cache is intact again.
    remains.registry.stop().await;
    ends(remains.starts(1000.0).await).await;
}

#[tokio::test]
async fn a_damaged_cached_component_is_not_served() {
    let mut remains = Remains::new().await;
    remains.configure("");
    remains.serves_once().await;
    let components = files(&remains.cache().join("components"));
    for file in components {
        // A plugin, but not the one whose signature was verified.
        fs::write(&file, version(66)).expect("a file");
    }
    remains.registry.stop().await;
    let Err(exited) = remains.launch().await else { panic!("it serves") };
    assert_eq!(exited.status.code(), Some(1));
    exited.assert_contains(&["cannot be reached", "damaged|whole|digest"]);
}

#[tokio::test]
async fn a_cache_folder_writable_by_others_is_refused() {
    let mut remains = Remains::new().await;
    remains.configure("");
    fs::create_dir(remains.cache()).expect("a folder");
    fs::set_permissions(remains.cache(), fs::Permissions::from_mode(0o777)).expect("its mode");
    let Err(exited) = remains.launch().await else { panic!("it serves") };
    assert_ne!(exited.status.code(), Some(0));
    exited.assert_contains(&["cache", "others", "0700"]);
    fs::set_permissions(remains.cache(), fs::Permissions::from_mode(0o700)).expect("its mode");
    ends(remains.starts(1000.0).await).await;
    // Its files are readable for nobody else.
    for file in files(&remains.cache()) {
        let mode = fs::metadata(&file).expect("a file").permissions().mode();
        assert_eq!(mode & 0o022, 0, "{} {mode:o}", file.display());
    }
}

/// The same process and the same bytes: nothing is compiled again.
#[tokio::test]
async fn compiled_code_is_reused() {
    let mut remains = Remains::new().await;
    remains.folder.put(FILE, version(1));
    remains.folder.configure(of_file(&remains.upstream, 0));
    ends(remains.starts(1000.0).await).await;
    let code = || {
        let mut files = files(&remains.cache().join("code"));
        files.sort();
        files.into_iter().map(|file| (fs::read(&file).expect("code"), file)).collect::<Vec<_>>()
    };
    let before = code();
    assert!(!before.is_empty());
    ends(remains.starts(1000.0).await).await;
    assert!(code() == before, "compiled anew");
    // A faulty one is not cached.
    remains.folder.put(FILE, text());
    if let Ok(leadsman) = remains.launch().await {
        ends(leadsman).await;
    }
}
