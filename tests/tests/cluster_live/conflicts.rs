//! Two owners of one metric.

use super::*;

#[tokio::test]
async fn the_operator_has_precedence_and_then_the_older_one() {
    let site = Site::new("claims").await;
    let opened = "namespaces: [claims-a, claims-b], sources: [prometheus]";
    let base = || site.config().team(opened);
    site.operator.write(base()).await;
    let leadsman = site.start().await;
    let admin = site.plane.admin();
    let older = site.team("claims-a").await;
    let depth = paths::external("claims-a", "depth");
    older.write(Config::new().mapping(external("depth", 1))).await;
    site.serves(&leadsman, &depth, "1").await;
    // A ConfigMap's age has a precision of seconds; among equally old ones the name decides.
    let younger = ConfigMap::of_team(&admin, "claims-a", "zz");
    let config = Config::new().mapping(external("depth", 2)).mapping(external("width", 3));
    younger.write(&config).await;
    site.serves(&leadsman, &paths::external("claims-a", "width"), "3").await;
    let owner = older.owner();
    let what = ["depth", "is served for claims-a/metrics already"];
    assert!(younger.wait_event("Conflict", &what).await.warning);
    let told = wait_rejected(&leadsman, &younger.owner(), "Conflict", &what).await;
    assert_eq!(told["serving"], false, "{told:#}");
    site.serves(&leadsman, &depth, "1").await;
    wait_accepted(&leadsman, &owner).await;

    // The operator takes it from both, and from no other namespace.
    let other = site.team("claims-b").await;
    other.write(Config::new().mapping(external("height", 4))).await;
    site.operator.write(base().mapping(external("depth", 5))).await;
    site.serves(&leadsman, &depth, "5").await;
    older.wait_event("Conflict", &["depth", "is served for operator already"]).await;
    wait_rejected(&leadsman, &younger.owner(), "Conflict", &["served for operator"]).await;
    site.serves(&leadsman, &paths::external("claims-b", "height"), "4").await;
    site.serves(&leadsman, &paths::external("claims-b", "depth"), "5").await;

    // Each is served as soon as those with precedence are gone.
    site.operator.write(base()).await;
    site.serves(&leadsman, &depth, "1").await;
    site.serves_not(&leadsman, &paths::external("claims-b", "depth")).await;
    older.wait_event("Loaded", &["depth"]).await;
    older.delete().await;
    site.serves(&leadsman, &depth, "2").await;
    younger.wait_event("Loaded", &["depth"]).await;
    wait_accepted(&leadsman, &younger.owner()).await;
}
