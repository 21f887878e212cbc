//! What the status page says of a controller.

use leadsman_tests::{Alb, Config, Leadsman, Pool, paths};

use super::scene::{ID, config, masked, of_ingress, of_ingresses, path, pool};

const INGRESSES: &str = "ingresses.networking.k8s.io";

/// The state of the controller, as of the mapping that asks it.
async fn state(leadsman: &Leadsman, alb: &Alb) -> String {
    let status = leadsman.status().await;
    let state = status["mappings"][0]["sourceStates"]["lb"].as_str();
    let state = state.unwrap_or_else(|| panic!("{status:#}"));
    masked(&state.replace(&alb.server.url(), "URL"))
}

#[tokio::test]
async fn the_session_and_what_is_known_and_what_calls_cost() {
    let alb = Alb::start_tls(&[
        of_ingress(1, "shop", "web", 7.0),
        of_ingress(2, "shop", "web", 8.0),
        Pool::of_ako("pool-9", "other--9", "other", &[("Namespace", "shop")]).with(ID, 5.0),
        pool(),
    ])
    .await;
    let config = Config::new().source_of("lb", &alb.source()).mapping(of_ingresses(""));
    let leadsman = Leadsman::start(config.object(INGRESSES, Some("shop"), "web", "")).await;
    assert_eq!(
        state(&leadsman, &alb).await,
        "not logged in at URL; 0 objects listed, 0 with markers of AKO"
    );
    let path = paths::object("shop", &format!("{INGRESSES}/web"), "connections");
    assert_eq!(leadsman.get(&path).await.value(), "15");
    assert_eq!(
        state(&leadsman, &alb).await,
        "logged in at URL, version 22.1.3; 2 objects listed, 2 with markers of AKO, newest sample TIME \
         old, real time metrics of 4; a call costs on average: login TIME and SIZE, objects TIME and SIZE, metrics TIME and SIZE"
    );
}

#[tokio::test]
async fn why_a_login_was_refused() {
    let alb = Alb::start(&[pool()]).await;
    alb.change_password("another");
    let leadsman = Leadsman::start(config(&alb.source())).await;
    let _ = leadsman.get(&path()).await.failure();
    let secret = alb.secret().display().to_string();
    assert_eq!(
        state(&leadsman, &alb).await.replace(&secret, "FOLDER"),
        "URL refused the login (401 Unauthorized: Invalid credentials); it is not asked again until a \
         file in FOLDER changes, so that the account is not locked; 0 objects listed, 0 with markers of \
         AKO; a call costs on average: login TIME and SIZE"
    );
}
