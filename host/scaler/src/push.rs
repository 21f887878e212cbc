//! Calls that stay open (`StreamIsActive`): one message at once, and one for each change.
//!
//! Each has a task that polls the known values. It ends before its connection closes, so that KEDA opens the
//! call elsewhere. A client that does not receive a message within a stated time loses its connection.

use std::sync::Arc;
use std::time::Duration;

use futures_util::Stream;
use futures_util::stream::poll_fn;
use http::StatusCode;
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::caller::Caller;
use super::grpc;
use super::messages::{GetMetricSpecResponse, IsActiveResponse, ScaledObjectRef};
use super::permits::{CallPermit, CallPermits};
use super::trigger::{Trigger, shown};
use leadsman_api::Status;
use leadsman_runtime::telemetry::GaugeGuard;
use leadsman_server::{ConnectionHandle, OpenCall};

/// How often an open call checks for a change. The values are refreshed at most every `refreshAtMostEvery` of
/// the mapping.
const INTERVAL: Duration = Duration::from_secs(2);

/// The time limit for a client to receive a message. The connection buffers the previous one, so at most two
/// messages are in memory.
const RECEIVE_TIMEOUT: Duration = Duration::from_secs(30);

/// The queue of messages to a client.
pub(super) struct Outbox<A> {
    sender: mpsc::Sender<Result<A, tonic::Status>>,
    connection: ConnectionHandle,
    _open: OpenCall,
    _permit: CallPermit,
    _counted: GaugeGuard,
}

/// Takes a permit for a call that stays open.
pub(super) fn open<A: Send + 'static>(
    caller: &Caller,
    permits: &CallPermits,
    connection: ConnectionHandle,
) -> Result<(Outbox<A>, impl Stream<Item = Result<A, tonic::Status>> + Send + use<A>), Status> {
    let (sender, mut receiver) = mpsc::channel(1);
    let outbox = Outbox {
        sender,
        _open: connection.open_call(),
        _permit: permits.take(caller.id())?,
        _counted: caller.scaler.state.metrics.scaler().open(),
        connection,
    };
    Ok((outbox, poll_fn(move |context| receiver.poll_recv(context))))
}

/// Sends whether the workload should be active, at once and with each change. While that is not known,
/// nothing is sent: KEDA's polls show why. Only a client that may no longer read it gets an error.
pub(super) async fn activity(
    caller: Arc<Caller>,
    reference: ScaledObjectRef,
    trigger: Trigger,
    outbox: Outbox<IsActiveResponse>,
) {
    // For as long as the call is open, nothing is kept of the message but what is read of it.
    let scaled_object = format!("{}/{}", shown(&reference.namespace), shown(&reference.name));
    drop(reference);
    let mut reported = None;
    let mut begun = true;
    loop {
        let looked = async {
            // The first check uses the authentication of the call itself.
            match std::mem::take(&mut begun) {
                true => caller.is_active_now(&trigger).await,
                false => caller.reauthenticated().await?.is_active_now(&trigger).await,
            }
        };
        let looked = tokio::select! {
            looked = looked => looked,
            () = outbox.ends() => return,
        };
        match looked {
            Ok(active) if reported == Some(active) => {}
            Ok(active) => {
                if !outbox.send(Ok(IsActiveResponse { result: active })).await {
                    return;
                }
                reported = Some(active);
            }
            Err(status) if is_final(&status) => {
                outbox.send(Err(grpc::status_of(&status))).await;
                return;
            }
            Err(status) => {
                tracing::debug!(
                    scaled_object,
                    reason = status.message(),
                    "whether it is active is not known"
                );
            }
        }
        if outbox.ends_within(INTERVAL).await {
            return;
        }
    }
}

/// Sends the metric with its target.
pub(super) async fn specification(
    specification: GetMetricSpecResponse,
    outbox: Outbox<GetMetricSpecResponse>,
) {
    if outbox.send(Ok(specification)).await {
        outbox.ends().await;
    }
}

/// Whether a retry is useless until somebody changes something.
fn is_final(status: &Status) -> bool {
    matches!(status.code(), StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN)
}

impl<A> Outbox<A> {
    /// Sends a message, and waits until the client has received the previous one. Returns whether the call goes on.
    async fn send(&self, message: Result<A, tonic::Status>) -> bool {
        // The message before was taken by the connection, so there is room.
        if self.sender.try_send(message).is_err() {
            return false;
        }
        tokio::select! {
            // There is room again once the message was taken.
            taken = timeout(RECEIVE_TIMEOUT, self.sender.reserve()) => match taken {
                Ok(room) => room.is_ok(),
                Err(_) => {
                    tracing::info!("a client does not receive what is pushed: its connection is closed");
                    self.connection.drop_stalled();
                    false
                }
            },
            () = self.connection.closing() => false,
        }
    }

    /// Waits. Returns whether the call has ended meanwhile.
    async fn ends_within(&self, time: Duration) -> bool {
        timeout(time, self.ends()).await.is_ok()
    }

    /// Waits until the client ends the call, or its connection is about to close.
    async fn ends(&self) {
        tokio::select! {
            () = self.sender.closed() => {}
            () = self.connection.closing() => {}
        }
    }
}
