//! The five calls of the external scaler.

use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::extract::{Request, State};
use axum::response::Response;
use http::StatusCode;

use super::caller::{Caller, Credentials, rounded};
use super::measure::Measured;
use super::messages::{
    GetMetricSpecResponse, GetMetricsRequest, GetMetricsResponse, IsActiveResponse, MetricSpec,
    MetricValue, ScaledObjectRef,
};
use super::read::{Read, ReadSubject};
use super::reported_values::{self, Question};
use super::trigger::{SpecifiedMetric, Trigger};
use super::{Scaler, grpc, push};
use leadsman_api::Status;
use leadsman_server::ConnectionHandle;

type Shared = State<Arc<Scaler>>;

/// `IsActive`: whether the workload should be active, by the value that `GetMetrics` has just reported.
pub(super) async fn is_active(
    State(scaler): Shared,
    Extension(connection): Extension<ConnectionHandle>,
    request: Request,
) -> Response {
    let answer = |caller: Arc<Caller>, reference: ScaledObjectRef| async move {
        let trigger = Trigger::of(&reference, caller.scaler.state.across_namespaces)?;
        let measured =
            caller.value(&reference, &trigger, reported_values::ACTIVITY_MAX_AGE).await?;
        Ok::<_, Status>(IsActiveResponse { result: trigger.is_active(measured.value) })
    };
    unary("IsActive", scaler, connection, request, answer).await
}

/// `GetMetricSpec`: the metric with its target. It depends on the metadata alone, so the autoscaler exists even
/// while the metric cannot be read, and shows why.
pub(super) async fn get_metric_spec(
    State(scaler): Shared,
    Extension(connection): Extension<ConnectionHandle>,
    request: Request,
) -> Response {
    let answer = |caller: Arc<Caller>, reference: ScaledObjectRef| async move {
        Ok::<_, Status>(specification(&SpecifiedMetric::of(
            &reference,
            caller.scaler.state.across_namespaces,
        )?))
    };
    unary("GetMetricSpec", scaler, connection, request, answer).await
}

/// `GetMetrics`: the value.
pub(super) async fn get_metrics(
    State(scaler): Shared,
    Extension(connection): Extension<ConnectionHandle>,
    request: Request,
) -> Response {
    let answer = |caller: Arc<Caller>, request: GetMetricsRequest| async move {
        let Some(reference) = &request.scaled_object_ref else {
            let message = "the call names no ScaledObject";
            return Err(Status::new(StatusCode::BAD_REQUEST, message));
        };
        let trigger = Trigger::of(reference, caller.scaler.state.across_namespaces)?;
        let name = trigger.aim.metric_name.clone();
        if request.metric_name != name {
            let asked: String = request.metric_name.chars().take(253).collect();
            let message = format!(
                "the call asks for \"{}\", and the trigger's metadata names {name}",
                asked.escape_debug()
            );
            return Err(Status::new(StatusCode::BAD_REQUEST, message));
        }
        let Measured { value, .. } =
            *caller.value(reference, &trigger, reported_values::VALUE_MAX_AGE).await?;
        let value = MetricValue {
            metric_name: name,
            metric_value: rounded(value),
            metric_value_float: value.as_f64(),
        };
        Ok(GetMetricsResponse { metric_values: vec![value] })
    };
    unary("GetMetrics", scaler, connection, request, answer).await
}

/// `StreamIsActive`: whether the workload should be active, now and with each change.
pub(super) async fn stream_is_active(
    State(scaler): Shared,
    Extension(connection): Extension<ConnectionHandle>,
    request: Request,
) -> Response {
    let answer = |caller: Arc<Caller>, reference: ScaledObjectRef| {
        let connection = connection.clone();
        async move {
            let trigger = Trigger::of(&reference, caller.scaler.state.across_namespaces)?;
            let (outbox, messages) = push::open(&caller, &caller.scaler.open_calls, connection)?;
            let task = push::activity(caller.clone(), reference, trigger, outbox);
            caller.scaler.state.tasks.spawn(task);
            Ok::<_, Status>(messages)
        }
    };
    streaming("StreamIsActive", scaler, connection.clone(), request, answer).await
}

/// The metric with its target. It changes with the metadata alone, for which KEDA opens another call; so
/// there is one message.
pub(super) async fn stream_metric_spec(
    State(scaler): Shared,
    Extension(connection): Extension<ConnectionHandle>,
    request: Request,
) -> Response {
    let answer = |caller: Arc<Caller>, reference: ScaledObjectRef| {
        let connection = connection.clone();
        async move {
            let aim = SpecifiedMetric::of(&reference, caller.scaler.state.across_namespaces)?;
            let permits = match caller.may_read(&reference).await {
                true => &caller.scaler.open_calls,
                false => &caller.scaler.unentitled_calls,
            };
            let (outbox, messages) = push::open(&caller, permits, connection)?;
            let task = push::specification(specification(&aim), outbox);
            caller.scaler.state.tasks.spawn(task);
            Ok::<_, Status>(messages)
        }
    };
    streaming("StreamMetricSpec", scaler, connection.clone(), request, answer).await
}

fn specification(aim: &SpecifiedMetric) -> GetMetricSpecResponse {
    let spec = MetricSpec {
        metric_name: aim.metric_name.clone(),
        // An old KEDA knows no other target, and divides by it.
        target_size: rounded(aim.target).max(1),
        target_size_float: aim.target.as_f64(),
    };
    GetMetricSpecResponse { metric_specs: vec![spec] }
}

impl Caller {
    /// The value of a trigger, if the client may read it: the one that was reported within this time, or the
    /// present one.
    async fn value(
        &self,
        reference: &ScaledObjectRef,
        trigger: &Trigger,
        reported_within: Duration,
    ) -> Result<Arc<Measured>, Status> {
        let state = &self.scaler.state;
        let generation = state.served.now();
        let read = trigger.read.clone().placed(&generation.snapshot);
        self.authorize_trigger(&read).await?;
        let question = Question {
            namespace: reference.namespace.as_str().into(),
            name: reference.name.as_str().into(),
            read,
        };
        if let Some(reported) = self.scaler.reported_values.within(&question, reported_within) {
            return Ok(reported);
        }
        let measured = Arc::new(self.measure(&generation.snapshot, &question.read).await?);
        self.scaler.reported_values.hold(question, measured.clone());
        Ok(measured)
    }

    /// Whether the workload should be active by the values that are known now. Not cached: KEDA's polls get
    /// the values that were reported to them.
    pub(super) async fn is_active_now(&self, trigger: &Trigger) -> Result<bool, Status> {
        let generation = self.scaler.state.served.now();
        let read = trigger.read.clone().placed(&generation.snapshot);
        self.authorize_trigger(&read).await?;
        let measured = self.measure(&generation.snapshot, &read).await?;
        Ok(trigger.is_active(measured.value))
    }

    /// Whether the client is authorized for the read of a trigger. It is not if the read is not known.
    async fn may_read(&self, reference: &ScaledObjectRef) -> bool {
        let state = &self.scaler.state;
        let Ok(trigger) = Trigger::of(reference, state.across_namespaces) else { return false };
        let generation = state.served.now();
        let read = trigger.read.placed(&generation.snapshot);
        self.authorize_trigger(&read).await.is_ok()
    }

    /// Authorizes the read of a trigger: the client must be allowed to make it, and it must stay in the namespace
    /// of the ScaledObject. One client may stand for all of KEDA, and so for all namespaces.
    async fn authorize_trigger(&self, read: &Read) -> Result<(), Status> {
        if let ReadSubject::Custom { kind, .. } = &read.of
            && read.namespace().is_none()
            && !self.scaler.state.across_namespaces
            // Which of them stands in the metadata, and was compared there.
            && !matches!(&**kind, "namespaces" | "namespace")
        {
            let message = format!(
                "{kind} live in no namespace, and a trigger reads metrics of its own namespace, unless the \
                 operator serves with --scaler-across-namespaces"
            );
            return Err(Status::new(StatusCode::FORBIDDEN, message));
        }
        self.authorize(read).await
    }
}

/// Answers a call with one message: authenticated before its message is received, within its time.
async fn unary<Q, A, F>(
    call: &'static str,
    scaler: Arc<Scaler>,
    connection: ConnectionHandle,
    request: Request,
    mut answer: impl FnMut(Arc<Caller>, Q) -> F + Send,
) -> Response
where
    Q: prost::Message + Default + Send + 'static,
    A: prost::Message + Send + 'static,
    F: Future<Output = Result<A, Status>> + Send,
{
    let limit = grpc::time_limit(request.headers());
    let credentials = Credentials::of(connection.peer().clone(), &request);
    let shared = scaler.clone();
    let answered = async move {
        let caller = Arc::new(Caller::of(shared, credentials).await?);
        Ok::<_, Status>(grpc::unary(request, move |message| answer(caller.clone(), message)).await)
    };
    finish(call, &scaler, limit, answered).await
}

/// Answers a call with a stream of messages. Only its beginning has a time limit.
async fn streaming<Q, A, F, S>(
    call: &'static str,
    scaler: Arc<Scaler>,
    connection: ConnectionHandle,
    request: Request,
    mut answer: impl FnMut(Arc<Caller>, Q) -> F + Send,
) -> Response
where
    Q: prost::Message + Default + Send + 'static,
    A: prost::Message + Send + 'static,
    F: Future<Output = Result<S, Status>> + Send,
    S: futures_util::Stream<Item = Result<A, tonic::Status>> + Send + 'static,
{
    let limit = grpc::time_limit(request.headers());
    let credentials = Credentials::of(connection.peer().clone(), &request);
    let shared = scaler.clone();
    let answered = async move {
        let caller = Arc::new(Caller::unbounded(shared, credentials).await?);
        // Until it is open, it is a call like the others.
        let _permit = caller.scaler.calls.take(caller.id())?;
        Ok::<_, Status>(
            grpc::streaming(request, move |message| answer(caller.clone(), message)).await,
        )
    };
    finish(call, &scaler, limit, answered).await
}

/// Waits for an answer within the time limit, and counts it.
async fn finish(
    call: &'static str,
    scaler: &Scaler,
    limit: Duration,
    answered: impl Future<Output = Result<Response, Status>>,
) -> Response {
    let answered = tokio::time::timeout(limit, answered).await;
    let answered = answered.unwrap_or_else(|_| Err(grpc::too_late(limit)));
    let response = answered.unwrap_or_else(|status| grpc::refusal(&status));
    scaler.state.metrics.scaler().answered(call, grpc::outcome(&response));
    response
}
