//! Changes of certificates and replicas.

use super::*;

/// Readers of a metric through the aggregator.
fn through_the_aggregator(plane: &ControlPlane, path: &str) -> Readers {
    Readers::start(4, &format!("{}{path}", plane.url()), || root(plane))
}

#[tokio::test]
async fn no_read_fails_while_certificates_and_replicas_change() {
    let plane = ControlPlane::shared().await;
    Workload::deployment(&plane.admin(), "rolled", "web", 2).await;
    let upstream = thirty(&["web-0", "web-1"]).await;
    let config = config(&upstream.url());
    let adapter = Adapter::new(plane, "rolled", &["pods"]).await;
    let next = Authority::new("next-adapter-ca");
    let files = adapter.serving_certificate("rolled", adapter.authority());
    let [certificate, key] = [&files.0, &files.1].map(|path| path.to_str().expect("a path"));
    let delay = ["--shutdown-delay-duration", "1s"];
    let from_files = ["--tls-cert-file", certificate, "--tls-private-key-file", key];
    let arguments = [&from_files[..], &delay].concat();
    let first = adapter.start_with(&config, &arguments).await;
    let second = adapter.start_with(&config, &arguments).await;
    let mut balancer = Balancer::start().await;
    balancer.add(&first).await;
    balancer.add(&second).await;
    let both = format!("{}{}", adapter.authority().pem(), next.pem());
    let registration = adapter.register(balancer.port(), Trust::Authority(&both)).await;
    let path = paths::pods("rolled", "load");
    reads("a value", async || plane.admin().read(&path).await, Answer::is_success).await;

    let readers = through_the_aggregator(plane, &path);
    readers.wait_reads(100).await;
    adapter.identity(&next).write(&files.0, &files.1);
    for replica in [&first, &second] {
        replica.get_trusting("/livez", &next.pem()).await.expect("the new certificate");
    }
    // All connections go to the remaining replica, which presents the new certificate.
    ends(second).await;
    readers.wait_reads(100).await;
    let third = adapter.start_with(&config, &arguments).await;
    balancer.add(&third).await;
    ends(first).await;
    readers.wait_reads(100).await;
    assert_eq!(readers.stop().await, [""; 0]);
    registration.remove().await;
}

/// Stops a replica and waits until it has ended.
async fn ends(leadsman: Leadsman) {
    leadsman.terminate();
    assert_eq!(leadsman.exit().await.code(), Some(0));
}

/// Another authority for an APIService.
fn trusting(bundle: &str) -> Value {
    json!({"spec": {"caBundle": STANDARD.encode(bundle)}})
}

#[tokio::test]
async fn the_own_authority_is_shared_trusted_and_stored() {
    let plane = ControlPlane::shared().await;
    let admin = plane.admin();
    Workload::deployment(&admin, "own", "web", 1).await;
    let upstream = thirty(&["web-0"]).await;
    let config = config(&upstream.url());
    let adapter = Adapter::new(plane, "own", &["pods"]).await;
    let service = ["--service", "own/leadsman"];
    let first = adapter.start_with(&config, &service).await;
    let mut balancer = Balancer::start().await;
    balancer.add(&first).await;
    let registration = adapter.register(balancer.port(), Trust::Injected).await;
    let bundle = adapter.wait_trusted(&registration).await;
    let path = paths::pods("own", "load");
    let read = async || admin.read(&path).await;
    assert_eq!(reads("a value", read, Answer::is_success).await.value(), "30");

    // Another replica, and a restarted one, use the same authority.
    let second = adapter.start_with(&config, &service).await;
    balancer.add(&second).await;
    ends(first).await;
    let first = adapter.start_with(&config, &service).await;
    for replica in [&first, &second] {
        eventually("a certificate that is trusted", TIMEOUT, async || {
            replica.get_trusting("/livez", &bundle).await
        })
        .await;
    }
    assert_eq!(adapter.wait_trusted(&registration).await, bundle);
    reads("a value again", read, Answer::is_success).await;

    // Somebody overwrites it.
    let other = Authority::new("other").pem();
    registration.merge(API_SERVICES[1], &trusting(&other)).await;
    assert_eq!(adapter.wait_trusted(&registration).await, bundle);
    reads("a value again", read, Answer::is_success).await;

    // An APIService that points to another Service is left alone.
    registration.merge(EXTERNAL, &of_keda()).await;
    let whose = "it belongs to the Service keda/metrics and is left alone";
    for replica in [&first, &second] {
        eventually(whose, TIMEOUT, async || {
            let log = replica.log();
            let line = log.lines().find(|line| line.contains(whose) && line.contains(EXTERNAL));
            line.map(drop).ok_or(log.clone())
        })
        .await;
    }
    registration.merge(EXTERNAL, &trusting(&other)).await;
    registration.merge(API_SERVICES[0], &trusting(&other)).await;
    eventually("the one that is ours", TIMEOUT, async || {
        let trusted = registration.authority(API_SERVICES[0]).await;
        if trusted.as_ref() == Some(&bundle) { Ok(()) } else { Err(format!("{trusted:?}")) }
    })
    .await;
    assert_eq!(registration.authority(EXTERNAL).await, Some(other));
    registration.remove().await;
}

#[tokio::test]
async fn a_lost_authority_is_replaced_without_a_failed_read() {
    let plane = ControlPlane::shared().await;
    let admin = plane.admin();
    Workload::deployment(&admin, "lost", "web", 1).await;
    let upstream = thirty(&["web-0"]).await;
    let config = config(&upstream.url());
    let adapter = Adapter::new(plane, "lost", &["pods"]).await;
    let service = ["--service", "lost/leadsman"];
    let (first, second) =
        (adapter.start_with(&config, &service).await, adapter.start_with(&config, &service).await);
    let mut balancer = Balancer::start().await;
    balancer.add(&first).await;
    balancer.add(&second).await;
    let registration = adapter.register(balancer.port(), Trust::Injected).await;
    let before = adapter.wait_trusted(&registration).await;
    let path = paths::pods("lost", "load");
    reads("a value", async || admin.read(&path).await, Answer::is_success).await;

    let readers = through_the_aggregator(plane, &path);
    readers.wait_reads(100).await;
    admin.delete("/api/v1/namespaces/lost/secrets/leadsman-ca").await;
    let after = eventually("a new authority", TIMEOUT, async || {
        let bundle = adapter.wait_trusted(&registration).await;
        if bundle == before { Err(bundle) } else { Ok(bundle) }
    })
    .await;
    assert!(after.contains(before.trim()), "what was trusted stays so");
    // Not every kube-apiserver has seen the new one yet.
    for replica in [&first, &second] {
        replica.get_trusting("/livez", &before).await.expect("a certificate that all trust");
    }
    readers.wait_reads(200).await;
    assert_eq!(readers.stop().await, [""; 0]);
    registration.remove().await;
}
