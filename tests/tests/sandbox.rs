//! A plugin that misbehaves fails only its own evaluation, and the error names it.

use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use leadsman_tests::{
    Config, EXTRA_IMPORT, Exposition, Failure, HOSTILE, Leadsman, Mapping, Reply, Upstream,
    compile, core_module, endless_describe, endless_start, gzip, other_world_component, oversized,
    paths, schema_not_json, schema_of, slow_to_compile, table_grower, text, trapping_describe,
    truncated, wasi_component,
};
use tempfile::TempDir;
use tokio::task::JoinSet;

const METRIC: &str = "misdeed";
const PROMQL: &str = r#"load{namespace="${namespace}"}"#;
const SOON: Duration = Duration::from_secs(2);

fn good() -> Reply {
    Reply::pods(&[("web-0", "1"), ("web-1", "2")])
}

/// A mapping of the hostile plugin beside a well-behaved one.
fn config(upstream: &Upstream, deed: &str) -> Config {
    with_plugin(upstream, Path::new(HOSTILE), deed, "")
}

fn with_plugin(upstream: &Upstream, file: &Path, deed: &str, limits: &str) -> Config {
    let mapping = Mapping::custom(METRIC, "pods").query("q", PROMQL).plugin("guest", deed);
    Config::shop(&upstream.url())
        .plugin("guest", file)
        .plugin("hostile", HOSTILE)
        .mapping(if limits.is_empty() { mapping } else { mapping.set("limits", limits) })
        .mapping(behaved())
}

fn behaved() -> Mapping {
    Mapping::custom("behaved", "pods").query("q", PROMQL).plugin("hostile", "do: well-behaved")
}

async fn others_go_on(leadsman: &Leadsman) {
    let beside = leadsman.get(&paths::pods("shop", "behaved")).await;
    assert_eq!(beside.values().len(), 2);
    assert!(beside.took < SOON, "{beside:#?}");
}

async fn fails(leadsman: &Leadsman) -> Failure {
    let failure = leadsman.get(&paths::pods("shop", METRIC)).await.failure();
    assert!(failure.code >= 500, "{failure:?}");
    assert!(failure.took < SOON, "{failure:?}");
    failure
}

/// How many evaluations failed with a reason that contains one of these words.
fn counted(metrics: &Exposition, words: &str) -> f64 {
    let reasons = metrics.0.iter().filter(|sample| {
        let reason = sample.label("reason").to_lowercase();
        sample.name.starts_with("leadsman_") && words.split('|').any(|word| reason.contains(word))
    });
    reasons.map(|sample| sample.value).sum()
}

/// Asserts that each read of a misdeed fails, names it, and is counted by its reason.
async fn misdeed(deed: &str, limits: &str, says: &str, reason: &str) {
    let upstream = Upstream::start(good()).await;
    let config = with_plugin(&upstream, Path::new(HOSTILE), deed, limits);
    let leadsman = Leadsman::start(config).await;
    others_go_on(&leadsman).await;
    assert_eq!(counted(&leadsman.metrics().await, reason), 0.0, "{deed}");
    fails(&leadsman).await.assert_contains(&[METRIC, says]);
    others_go_on(&leadsman).await;
    fails(&leadsman).await.assert_contains(&[METRIC, says]);
    let metrics = leadsman.metrics().await;
    assert!(counted(&metrics, reason) >= 1.0, "{deed}: {metrics:#?}");
    assert!(leadsman.peak_memory() < 512 << 20, "{deed}");
}

#[tokio::test]
async fn a_loop_ends_at_the_limit_of_its_time() {
    misdeed("do: loop", "", "100ms|time", "time").await;
    misdeed("do: loop", "{time: 30ms}", "30ms", "time").await;
}

#[tokio::test]
async fn memory_ends_at_its_limit() {
    misdeed("do: allocate", "{time: 2s}", "memory", "memory").await;
    misdeed("do: allocate", "{time: 2s, memoryBytes: 4194304}", "memory", "memory").await;
}

#[tokio::test]
async fn recursion_ends_with_the_stack() {
    misdeed("do: recurse", "{time: 2s}", "stack", "stack").await;
    misdeed("do: recurse-in-memory", "{time: 2s}", "stack|out of bounds", "stack|trap").await;
}

#[tokio::test]
async fn traps_and_panics_end_the_evaluation() {
    misdeed("do: trap", "", "trap", "trap").await;
    misdeed("do: panic", "", "trap|panic", "trap|panic").await;
}

/// Plugins in Rust have no operating system. What asks for one says so, and printing says nothing.
#[tokio::test]
async fn what_an_operating_system_has_is_an_error_that_says_so() {
    for what in ["files", "network", "threads"] {
        let deed = format!("do: reach, message: {what}");
        misdeed(&deed, "", "operation not supported on this platform", "fail|plugin").await;
    }
    let deed = "do: reach, message: environment";
    misdeed(deed, "", "environment variable not found", "fail|plugin").await;
    let deed = "do: reach, message: clock";
    misdeed(deed, "", "time not implemented on this platform", "trap|panic").await;
    let upstream = Upstream::start(good()).await;
    let leadsman = Leadsman::start(config(&upstream, "do: reach, message: output")).await;
    let printed = leadsman.get(&paths::pods("shop", METRIC)).await;
    assert_eq!(printed.values().len(), 2, "{printed:#?}");
    assert!(!leadsman.log().contains("nobody reads this"), "{}", leadsman.log());
}

#[tokio::test]
async fn too_much_output_is_refused() {
    let deed = "do: many-outputs, n: 5000";
    misdeed(deed, "{time: 2s, maxMeasures: 1000}", "5000|measures", "output").await;
    let deed = "do: long-name, bytes: 1048576";
    misdeed(deed, "{time: 2s}", "long|bytes|length", "output").await;
}

#[tokio::test]
async fn a_plugin_may_return_its_own_failure() {
    let deed = "do: fail, message: 'the moon is full'";
    misdeed(deed, "", "the moon is full", "fail|plugin").await;
}

#[tokio::test]
async fn values_that_are_not_numbers_are_not_served() {
    for (deed, word) in [("do: nan", "NaN"), ("do: infinity", "inf")] {
        let upstream = Upstream::start(good()).await;
        let leadsman = Leadsman::start(config(&upstream, deed)).await;
        leadsman.get(&paths::pods("shop", METRIC)).await.failure().assert_contains(&[METRIC, word]);
        others_go_on(&leadsman).await;
    }
}

#[tokio::test]
async fn tables_end_at_their_limit() {
    let folder = TempDir::new().expect("a folder");
    let file = folder.path().join("grower.wasm");
    std::fs::write(&file, table_grower()).expect("a file");
    let upstream = Upstream::start(good()).await;
    let leadsman = Leadsman::start(with_plugin(&upstream, &file, "", "")).await;
    // Growing failed, and the plugin returned no measures.
    let answer = leadsman.get(&paths::object("shop", "pods/web-0", METRIC)).await;
    answer.failure();
    assert!(answer.took < SOON, "{answer:#?}");
    assert!(leadsman.peak_memory() < 512 << 20);
    others_go_on(&leadsman).await;
}

#[tokio::test]
async fn values_for_others_are_not_served() {
    let upstream = Upstream::start(good()).await;
    let deed = "do: other-namespace, message: bank";
    let config = config(&upstream, deed).pods("bank", &["web-0"]).mapping(
        Mapping::custom("unasked", "pods").query("q", PROMQL).plugin("guest", "do: unasked-object"),
    );
    let leadsman = Leadsman::start(config).await;
    let evil = leadsman.get(&paths::pods("shop", METRIC)).await;
    assert!(!evil.body.contains("666"), "{evil:#?}");
    let unasked = leadsman.get(&paths::pods("shop", "unasked")).await;
    assert_eq!(unasked.values().keys().collect::<Vec<_>>(), ["web-0", "web-1"]);
    let named = leadsman.get(&paths::object("shop", "pods/nobody-asked", "unasked")).await;
    assert_eq!(named.failure().code, 404);
    others_go_on(&leadsman).await;
}

#[tokio::test]
async fn no_state_is_left_by_an_evaluation() {
    let upstream = Upstream::start(good()).await;
    let config = config(&upstream, "do: remember").pods("bank", &["web-0"]);
    let leadsman = Leadsman::start(config).await;
    for namespace in ["shop", "bank"] {
        let answer = leadsman.get(&paths::pods(namespace, METRIC)).await;
        assert!(answer.values().values().all(|calls| calls == "1"), "{answer:#?}");
    }
    assert!(upstream.queries() >= 2);
}

#[tokio::test]
async fn a_flood_of_log_lines_is_limited_and_cannot_forge_lines() {
    let upstream = Upstream::start(good()).await;
    let deed = "do: log-flood, n: 2000, bytes: 1000";
    let config = with_plugin(&upstream, Path::new(HOSTILE), deed, "{time: 2s}");
    let leadsman = Leadsman::start(config).await;
    assert_eq!(leadsman.get(&paths::pods("shop", METRIC)).await.values().len(), 2);
    let log = leadsman.log();
    let lines: Vec<_> = log.lines().filter(|line| line.contains("flood")).collect();
    assert!((1..200).contains(&lines.len()), "{} lines", lines.len());
    assert!(lines.iter().all(|line| line.contains(METRIC)), "{lines:#?}");
    assert!(!log.contains('\u{1b}') && !log.contains("\\u001b"), "{lines:#?}");
    assert!(log.len() < 200_000, "{} bytes", log.len());
}

/// Many evaluations that use all of their time must not starve one that uses little.
#[tokio::test]
async fn many_loops_leave_slots_for_others() {
    let upstream = Upstream::start(good()).await;
    let namespaces: Vec<_> = (0..20).map(|number| format!("team-{number}")).collect();
    let config = namespaces
        .iter()
        .fold(config(&upstream, "do: loop"), |config, name| config.pods(name, &["web-0"]));
    let leadsman = Arc::new(Leadsman::start(config).await);
    let begin = Instant::now();
    let mut crowd = JoinSet::new();
    for namespace in &namespaces {
        let (leadsman, path) = (leadsman.clone(), paths::pods(namespace, METRIC));
        crowd.spawn(async move { leadsman.get(&path).await.failure() });
    }
    upstream.wait_for_requests(namespaces.len() / 2).await;
    others_go_on(&leadsman).await;
    crowd.join_all().await;
    assert!(begin.elapsed() < Duration::from_secs(30));
}

/// `check` and `serve` report the same for an unusable plugin, at the line that names it.
async fn refused(upstream: &Upstream, file: &Path, deed: &str, texts: &[&str]) {
    let config = with_plugin(upstream, file, deed, "");
    let begin = Instant::now();
    let checked = Leadsman::check(&config).await;
    assert_eq!(checked.code, Some(1), "{}", checked.output);
    checked.assert_contains(&["leadsman.yaml:"]);
    checked.assert_contains(texts);
    let Err(exited) = Leadsman::launch(&config, &[]).await else { panic!("it serves") };
    assert!(!exited.status.success());
    exited.assert_contains(&["leadsman.yaml:"]);
    exited.assert_contains(texts);
    assert!(begin.elapsed() < Duration::from_secs(20));
}

#[tokio::test]
async fn files_that_are_not_plugins_are_refused_with_their_fault() {
    let folder = TempDir::new().expect("a folder");
    let upstream = Upstream::start(good()).await;
    let broken = [&[0, b'a', b's', b'm', 0x0d, 0, 1, 0][..], b"no sections"].concat();
    for (name, bytes, texts) in [
        ("text.wasm", text(), &["not WebAssembly|no WebAssembly"][..]),
        ("packed.wasm", gzip(), &["not WebAssembly|no WebAssembly|compressed"]),
        ("half.wasm", truncated(), &["not a valid|malformed|not well-formed|invalid"]),
        ("empty.wasm", Vec::new(), &["empty"]),
        ("module.wasm", core_module(), &["core", "module"]),
        ("broken.wasm", broken, &["not a valid|malformed|invalid"]),
        ("alien.wasm", other_world_component(), &["world", "evaluate"]),
        ("wasi.wasm", wasi_component(), &["wasi:cli/environment@0.2.0", "wasi:random"]),
        ("large.wasm", oversized(), &["bytes|MiB|large"]),
    ] {
        let file = folder.path().join(name);
        std::fs::write(&file, bytes).expect("a file");
        refused(&upstream, &file, "", texts).await;
    }
    refused(&upstream, Path::new(EXTRA_IMPORT), "", &["acme:storage/keys"]).await;
    let missing = folder.path().join("missing.wasm");
    refused(&upstream, &missing, "", &["missing.wasm", "No such file|not found"]).await;
}

#[tokio::test]
async fn plugins_whose_describe_fails_are_refused() {
    let folder = TempDir::new().expect("a folder");
    let upstream = Upstream::start(good()).await;
    for (name, bytes, texts) in [
        ("start.wasm", endless_start(), &["describe", "time|limit of"][..]),
        ("loops.wasm", endless_describe(), &["describe", "time|limit of"]),
        ("traps.wasm", trapping_describe(), &["describe", "trap"]),
        ("schema.wasm", schema_not_json(), &["describe", "schema"]),
    ] {
        let file = folder.path().join(name);
        std::fs::write(&file, bytes).expect("a file");
        refused(&upstream, &file, "", texts).await;
    }
}

/// The schema is kept for as long as the plugin is in use.
#[tokio::test]
async fn a_schema_longer_than_its_bound_is_refused() {
    let folder = TempDir::new().expect("a folder");
    let upstream = Upstream::start(good()).await;
    let limit = 256 << 10;
    let write = |bytes: u32| {
        let file = folder.path().join(format!("schema-{bytes}.wasm"));
        std::fs::write(&file, schema_of(bytes)).expect("a file");
        file
    };
    let longest = with_plugin(&upstream, &write(limit), "", "");
    let checked = Leadsman::check(&longest).await;
    assert_eq!(checked.code, Some(0), "{}", checked.output);
    let texts = ["describe", "schema", "262145 bytes; the limit is 262144"];
    refused(&upstream, &write(limit + 1), "", &texts).await;
}

#[tokio::test]
async fn a_misdeed_in_configure_is_found_when_the_configuration_is_checked() {
    let upstream = Upstream::start(good()).await;
    for (deed, word) in [
        ("loop", "time|limit of"),
        ("allocate", "memory"),
        ("recurse", "stack"),
        ("trap", "trap"),
        ("panic", "trap|panic"),
        ("fail, message: 'no moon today'", "no moon today"),
        ("plan-queries, n: 21, bytes: 1", "21 queries of its own; the limit is 20"),
        ("plan-queries, n: 1, bytes: 20000", "20000 bytes in the query \"q0\"; the limit is 16384"),
        ("plan-labels, n: 257", "257 labels of objects; the limit is 256"),
    ] {
        let deed = format!("in: configure, do: {deed}");
        refused(&upstream, Path::new(HOSTILE), &deed, &[word]).await;
    }
}

#[tokio::test]
async fn a_plugin_does_not_get_a_configuration_that_its_schema_refuses() {
    let upstream = Upstream::start(good()).await;
    let config = config(&upstream, "do: well-behaved, dou: 1").to_string();
    let line = config.lines().position(|line| line.contains("dou")).expect("a line") + 1;
    let checked = Leadsman::check(&config).await;
    assert_eq!(checked.code, Some(1), "{}", checked.output);
    assert!(
        checked.faults_at(line).iter().any(|fault| fault.contains("dou")),
        "{}",
        checked.output
    );
}

/// A busy or throttled node gives a compilation little of the time that passes, which says nothing of
/// the plugin.
#[tokio::test]
async fn compiling_is_limited_in_processor_time_and_not_in_the_time_that_passes() {
    let late = compile(&endless_describe(), 1, Duration::from_secs(2)).await;
    assert!(late.success(), "{late:?}");
    let expensive = compile(&slow_to_compile(), 1, Duration::ZERO).await;
    let xcpu = rustix::process::Signal::XCPU.as_raw();
    assert_eq!(expensive.signal(), Some(xcpu), "{expensive:?}");
}
