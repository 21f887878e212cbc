//! Pages of metrics that several clients ask for at once.

use std::pin::{Pin, pin};
use std::sync::mpsc;
use std::task::Poll;

use super::*;
use leadsman_provider::snapshot::{Contents, Snapshot};

/// Counted after the first page is written, and before the second one is.
const BETWEEN: &str = "between_the_pages";

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
    let state = AdminState::new(served, Readiness::default(), Metrics::new());
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
