//! Adds the last hour of an autoscaler to the explanation of a read, for users who may also `get` the
//! autoscaler.

use std::sync::Arc;

use super::{ReadRequest, ReadState};
use crate::hour::PARAMETER;
use crate::parameter::parameter;
use crate::status::Status;
use leadsman_provider::NewestRequest;
use leadsman_provider::explanation::{AutoscalerHour, Explained};
use leadsman_provider::snapshot::Snapshot;
use leadsman_server::auth::Identity;

/// How long the name of an autoscaler may be.
const MAX_NAME: usize = 253;

impl ReadState {
    /// Adds the last hour of the autoscaler that the request names, if it names one.
    pub(super) async fn add_hour(
        &self,
        request: &ReadRequest<'_>,
        read: &NewestRequest<'_>,
        snapshot: &Arc<Snapshot>,
        explained: &mut Explained,
    ) -> Result<(), Status> {
        let name = parameter(request.uri, PARAMETER, MAX_NAME)?;
        if name.is_empty() {
            return Ok(());
        }
        let hour = match self.may_see(request.identity, read.namespace, &name).await {
            Ok(()) => self.hours.explained(&name, read, snapshot).await,
            Err(why) => AutoscalerHour::unknown(&name, why),
        };
        explained.document.hour = Some(hour);
        Ok(())
    }

    /// The right to read a metric is not the right to read autoscalers.
    async fn may_see(
        &self,
        requester: Option<&Identity>,
        namespace: &str,
        name: &str,
    ) -> Result<(), String> {
        // Without a cluster only this machine can connect.
        let Some(auth) = &self.auth else { return Ok(()) };
        let Some(identity) = requester else {
            return Err("it is not known who asks".to_owned());
        };
        let admitted = auth.admit_autoscaler(identity, namespace, name).await;
        admitted.map_err(|denied| denied.to_string())
    }
}
