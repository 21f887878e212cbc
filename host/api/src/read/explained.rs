//! Answers reads with their explanations.

use axum::response::Response;

use super::ReadState;
use crate::delegated::DelegatedRead;
use crate::explain;
use crate::status::Status;
use leadsman_provider::{
    CustomRequest, ExternalRequest, NewestRequest, ResourceRequest, explanation,
};

/// A read that is to be explained.
pub(super) enum ExplainedRead<'a> {
    Custom(&'a CustomRequest<'a>),
    External(&'a ExternalRequest<'a>),
    Resource(&'a ResourceRequest<'a>),
}

impl ReadState {
    /// Explains a read. `newest` is the same read as the hours of autoscalers know it.
    pub(super) async fn explained(
        &self,
        read: ExplainedRead<'_>,
        newest: NewestRequest<'_>,
        delegated: DelegatedRead<'_>,
    ) -> Result<Response, Status> {
        // It may take long, and other requests of the connection would wait for it.
        tokio::task::yield_now().await;
        let DelegatedRead { generation, asked, request } = delegated;
        let snapshot = &generation.snapshot;
        let path = explain::without(request.uri);
        let requester = explain::requester(&path, &request.caller);
        let with = explain::with(request.uri);
        let mut explained = match read {
            ExplainedRead::Custom(read) => {
                explanation::custom(snapshot, read, &requester, with).await
            }
            ExplainedRead::External(read) => {
                explanation::external(snapshot, read, &requester, with).await
            }
            ExplainedRead::Resource(read) => {
                explanation::resource(snapshot, read, &requester, with).await
            }
        };
        explain::name_delegate(&mut explained, snapshot, &asked);
        self.add_hour(&request, &newest, snapshot, &mut explained).await?;
        self.explain(request.caller, explained)
    }
}
