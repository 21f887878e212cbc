//! The limits of a team's rights.

use super::*;

#[tokio::test]
async fn keys_and_files_of_the_operator_are_refused_to_teams() {
    let site = Site::new("limits").await;
    let opened = "namespaces: [limits-a], sources: [prometheus]";
    let base = site.config().prometheus("secret", &site.upstream.url()).team(opened);
    site.operator.write(base.mapping(external("all", 1))).await;
    let leadsman = site.start().await;
    let a = site.team("limits-a").await;
    let depth = || Config::new().mapping(external("depth", 2));
    let alone = "is for the operator's configuration alone";
    let section = |text: &str| format!("{}{text}\n", depth());
    let key = "publicKeyFile: /etc/passwd";
    for (config, said) in [
        (section("sources: {mine: {prometheus: {url: http://a}}}"), ["sources", alone]),
        (section("objects: [{resource: pods, namespace: a, name: a}]"), ["objects", alone]),
        (section("registries: [{prefix: registry.example}]"), ["registries", alone]),
        (section("teams: [{namespaces: ['*']}]"), ["teams", alone]),
        (section(&format!("verify: {{{key}}}")), ["verify", alone]),
        (
            section("plugins: {mine: {file: /etc/passwd}}"),
            ["plugins.mine.file", "no key \"/etc/passwd\" under binaryData"],
        ),
        (
            section("plugins: {mine: {file: ../../etc/passwd}}"),
            ["plugins.mine.file", "no key \"../../etc/passwd\" under binaryData"],
        ),
        (
            section("plugins: {mine: {oci: registry.example/a:1, pullSecretFile: /etc/passwd}}"),
            ["pullSecretFile", "files of the adapter are for the operator's"],
        ),
        (
            section(&format!(
                "plugins: {{mine: {{oci: registry.example/a:1, verify: {{{key}}}}}}}"
            )),
            ["publicKeyFile", "files of the adapter are for the operator's"],
        ),
        (
            depth().mapping(Mapping::external("x").query_from("secret", "q", "n1")).to_string(),
            ["mappings[1].queries.q.source", "no source \"secret\" that is open to limits-a"],
        ),
        (
            depth().mapping(external("x", 1).set("source", "secret")).to_string(),
            ["mappings[1].source", "no source \"secret\" that is open to limits-a"],
        ),
        (
            depth().mapping(of_all("namespaces")).to_string(),
            ["mappings[1].serve.custom.resource", "namespaces"],
        ),
        (
            depth().mapping(of_all("nodes")).to_string(),
            ["mappings[1].serve.custom.resource", "nodes live in no namespace"],
        ),
    ] {
        a.write(&config).await;
        let texts = [&said[..], &["config.yaml:"]].concat();
        let told = wait_rejected(&leadsman, &a.owner(), "ConfigInvalid", &texts).await;
        assert_eq!(told["serving"], false, "{told:#}");
        site.serves_not(&leadsman, &paths::external("limits-a", "depth")).await;
        // Messages contain nothing of a file's content.
        assert!(!told.to_string().contains("root:"), "{told:#}");
    }
    a.write(depth()).await;
    site.serves(&leadsman, &paths::external("limits-a", "depth"), "2").await;
    wait_accepted(&leadsman, &a.owner()).await;
    wait_accepted(&leadsman, "operator").await;
}

/// A metric of cluster-scoped objects.
fn of_all(resource: &str) -> Mapping {
    Mapping::custom("x", resource).plugin("per-object", "object: pod").query("q", "n1")
}

#[tokio::test]
async fn a_registry_that_is_not_opened_gets_no_request() {
    let site = Site::new("unregistered").await;
    let opened = "namespaces: [unregistered-a], sources: [prometheus]";
    let some = "namespaces: [unregistered-b], sources: [prometheus], \
                registries: [registry.example/team-b]";
    site.operator.write(site.config().team(opened).team(some)).await;
    let leadsman = site.start().await;
    let [a, b] = [site.team("unregistered-a").await, site.team("unregistered-b").await];
    // A request to it would be recorded: it is the source itself.
    let reference = format!("{}/team-bad/mine:1", site.upstream.url().replace("http://", ""));
    let config = format!(
        "{}plugins: {{mine: {{oci: '{reference}'}}}}\n",
        Config::new().mapping(external("depth", 2).plugin("mine", ""))
    );
    a.write(&config).await;
    wait_rejected(&leadsman, &a.owner(), "NotAllowed", &["no registry is open to it"]).await;
    b.write(config.replace(&reference, "registry.example/team-bad/mine:1")).await;
    wait_rejected(&leadsman, &b.owner(), "NotAllowed", &["registry.example/team-b"]).await;
    b.wait_event("NotAllowed", &["the operator opened registry.example/team-b"]).await;
    assert_eq!(site.upstream.requests().len(), 0);
}

#[tokio::test]
async fn a_kind_found_to_be_cluster_scoped_is_not_served_for_teams() {
    let site = Site::new("scopes").await;
    let opened = "namespaces: [scopes-a], sources: [prometheus]";
    site.operator.write(site.config().team(opened)).await;
    let leadsman = site.start().await;
    let a = site.team("scopes-a").await;
    let admin = site.plane.admin();
    // The adapter learns the kind from the cluster, and has the right to list it.
    let kind = "priorityclasses.scheduling.k8s.io";
    let rules = [Rule::new(&["list", "watch"], "scheduling.k8s.io", &["priorityclasses"])];
    admin.allow(&site.adapter.account().subject(), None, &rules).await;
    let classes = Mapping::custom("weight", kind)
        .plugin("per-object", "object: {name: system-node-critical}")
        .query("q", "n9");
    a.write(Config::new().mapping(classes).mapping(external("depth", 2))).await;
    site.serves(&leadsman, &paths::external("scopes-a", "depth"), "2").await;
    let everywhere = format!("{}/{kind}/system-node-critical/weight", paths::CUSTOM_V2);
    let inside = paths::object("scopes-a", &format!("{kind}/system-node-critical"), "weight");
    for path in [everywhere, inside] {
        let answer = site.read(&leadsman, &path).await;
        assert!(answer.status >= 400, "{answer:#?}");
    }
}

#[tokio::test]
async fn objects_of_another_namespace_are_refused() {
    let site = Site::new("foreign").await;
    let opened = "namespaces: [foreign-a], sources: [prometheus]";
    site.operator.write(site.config().team(opened)).await;
    let leadsman = site.start().await;
    let hostile = std::fs::read(HOSTILE).expect("a component");
    let a = site.team("foreign-a").await.with_binary("mine.wasm", &hostile);
    site.team("foreign-b").await;
    let lies = |metric: &str, promql: &str| {
        let config = "do: other-namespace, message: foreign-b";
        Mapping::pods(metric).plugin("mine", config).query("q", promql)
    };
    // Once with a query for its namespace, and once with one for the whole cluster.
    let config = Config::new()
        .plugin("mine", "mine.wasm")
        .mapping(lies("near", r#"n1{namespace="${namespace}"}"#))
        .mapping(lies("far", "n1"))
        .mapping(pods("load", 2));
    a.write(config).await;
    site.serves(&leadsman, &paths::pods("foreign-a", "load"), "2").await;
    // The plugin may be loaded later than the mapping without it is served.
    wait_accepted(&leadsman, &a.owner()).await;
    for metric in ["near", "far"] {
        let own = site.read(&leadsman, &paths::pods("foreign-a", metric)).await.failure();
        assert_eq!(own.code, 500, "{metric}: {own:?}");
        own.assert_contains(&["namespace"]);
        let other = site.read(&leadsman, &paths::pods("foreign-b", metric)).await;
        assert_eq!(other.status, 404, "{metric}: {other:#?}");
    }
}

/// What a changed mapping replaced is evaluated on where the changed one fails, but not beyond a change
/// of the rights that it had.
#[tokio::test]
async fn what_a_mapping_replaces_ends_with_the_rights_of_its_team() {
    let site = Site::new("replaced").await;
    let opened = "namespaces: [replaced-a], sources: [prometheus]";
    site.operator.write(site.config().team(opened)).await;
    let leadsman = site.start().await;
    let hostile = std::fs::read(HOSTILE).expect("a component");
    let a = site.team("replaced-a").await.with_binary("mine.wasm", &hostile);
    let load = |deed: &str| {
        let mapping = pods("load", 2).plugin("mine", &format!("do: {deed}"));
        Config::new().plugin("mine", "mine.wasm").mapping(mapping)
    };
    let path = paths::pods("replaced-a", "load");
    a.write(load("well-behaved")).await;
    site.serves(&leadsman, &path, "2").await;
    a.write(load("trap")).await;
    let handover = async || leadsman.mapping("load").await["evaluations"][0]["handover"].clone();
    eventually("what was there before", TIMEOUT, async || {
        let answer = site.read(&leadsman, &path).await;
        assert_eq!(answer.value(), "2", "{answer:#?}");
        let told = answer.header("warning").contains("before its last change");
        if told { Ok(()) } else { Err(format!("{answer:#?}")) }
    })
    .await;
    let before = handover().await;
    assert!(before["endsInSeconds"].is_number(), "{before:#}");

    let other = format!("{opened}, registries: [registry.example/nothing]");
    site.operator.write(site.config().team(&other)).await;
    eventually("the end of what was there before", TIMEOUT, async || {
        let now = handover().await;
        if now["endsInSeconds"].is_null() { Ok(()) } else { Err(format!("{now:#}")) }
    })
    .await;
}
