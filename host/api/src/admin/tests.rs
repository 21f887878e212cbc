//! Pages of metrics that several clients ask for at once.

use std::pin::{Pin, pin};
use std::sync::mpsc;
use std::task::Poll;

use super::*;
use leadsman_provider::snapshot::{Contents, Snapshot};

/// Counted after the first page is written, and before the second one is.
const BETWEEN: &str = "between_the_pages";

fn state(served: Arc<CurrentSnapshot>) -> AdminState {
    AdminState::new(AdminSetup {
        served,
        readiness: Readiness::default(),
        metrics: Metrics::new(),
        hours: Arc::default(),
        access: Access::ThisMachine,
        end: CancellationToken::new(),
    })
}

/// Polls once. Gives whether there is nothing yet.
async fn is_pending<T>(mut future: Pin<&mut impl Future<Output = T>>) -> bool {
    std::future::poll_fn(|context| Poll::Ready(future.as_mut().poll(context).is_pending())).await
}

async fn text(response: Result<Response, Status>) -> String {
    let body = axum::body::to_bytes(response.unwrap().into_body(), usize::MAX).await.unwrap();
    String::from_utf8(body.to_vec()).unwrap()
}

/// Asks for a page while another one is being written, whose client may have left.
async fn ask_for_two(first_leaves: bool) {
    let snapshot = Arc::new(Snapshot::new(0, Contents::default()));
    let served = Arc::new(CurrentSnapshot::new(snapshot));
    let state = state(served);
    // Until this ends, the only thread that writes pages does nothing else.
    let (end, ended) = mpsc::sync_channel::<()>(1);
    let before = tokio::task::spawn_blocking(move || ended.recv());
    let mut first = Some(Box::pin(metrics(State(state.clone()))));
    assert!(is_pending(first.as_mut().unwrap().as_mut()).await);
    if first_leaves {
        first = None;
    }
    let mut second = pin!(metrics(State(state.clone())));
    assert!(is_pending(second.as_mut()).await);
    // The thread does one after the other: if the second page were begun as well, it would be
    // written before this.
    let counted = state.metrics.clone();
    let between = tokio::task::spawn_blocking(move || counted.denied(BETWEEN));
    end.send(()).unwrap();
    before.await.unwrap().unwrap();
    between.await.unwrap();
    if let Some(first) = first {
        assert!(!text(first.await).await.contains(BETWEEN));
    }
    assert!(text(second.await).await.contains(BETWEEN), "it did not wait for the first one");
    assert_eq!(state.pages.turn.available_permits(), 1);
}

#[test]
fn one_page_of_metrics_is_written_at_a_time() {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.max_blocking_threads(1).build().unwrap();
    runtime.block_on(ask_for_two(false));
    runtime.block_on(ask_for_two(true));
}

fn empty() -> AdminState {
    let snapshot = Arc::new(Snapshot::new(7, Contents::default()));
    state(Arc::new(CurrentSnapshot::new(snapshot)))
}

#[tokio::test]
async fn clients_of_the_page_share_what_is_made_once_a_second() {
    let state = empty();
    let first = state.newest().await.unwrap();
    assert!(Arc::ptr_eq(&first, &state.newest().await.unwrap()));
    let head: serde_json::Value = serde_json::from_str(&first["head"]).unwrap();
    assert_eq!(
        (&head["generation"], &head["autoscalers"]["state"]),
        (&7.into(), &"noCluster".into())
    );
}

#[tokio::test]
async fn the_number_of_clients_is_bounded_and_a_stream_ends_with_the_process() {
    let state = empty();
    let mut streams = Vec::new();
    for _ in 0..board::MAX_CLIENTS {
        let query = axum::extract::RawQuery(None);
        streams.push(events::events(State(state.clone()), query).await.unwrap());
    }
    let query = axum::extract::RawQuery(None);
    assert!(events::events(State(state.clone()), query).await.is_err());
    // A client that leaves makes room.
    let last = streams.pop().unwrap();
    drop(streams);
    let query = axum::extract::RawQuery(Some("trends=false".to_owned()));
    assert!(events::events(State(state.clone()), query).await.is_ok());
    state.end.cancel();
    let reported = axum::body::to_bytes(last.into_body(), usize::MAX).await.unwrap();
    let reported = String::from_utf8(reported.to_vec()).unwrap();
    assert!(reported.is_empty() || reported.starts_with("event: whole\ndata: {"), "{reported}");
}

#[tokio::test]
async fn one_status_is_written_at_a_time_and_keeps_nobody_from_the_metrics() {
    let state = empty();
    let turn = state.pages.turn_of_values.clone().try_acquire_owned().unwrap();
    let mut waiting = pin!(status(State(state.clone())));
    assert!(is_pending(waiting.as_mut()).await, "another one is being written");
    assert!(!text(metrics(State(state.clone())).await).await.is_empty());
    drop(turn);
    let reported = text(waiting.await).await;
    assert!(reported.contains("\"generation\":7"), "{reported}");
    // Long ones that nobody receives.
    let long = vec![b'x'; 64 << 20];
    let unread = state.pages.values_in_flight.admit(0, long.into()).unwrap();
    assert!(state.pages.values_in_flight.admit(0, vec![b'x'; 1 << 20].into()).is_err());
    assert!(!text(metrics(State(state.clone())).await).await.is_empty());
    drop(unread);
}
