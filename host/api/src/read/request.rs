//! What a read takes from its request.

use std::sync::Arc;

use http::request::Parts;
use http::{HeaderMap, Uri, header};

use leadsman_provider::Caller;
use leadsman_server::auth::{Identity, User};

/// What a read takes from its request, which is authorized.
#[derive(Clone, Copy)]
pub(crate) struct ReadRequest<'r> {
    pub(crate) uri: &'r Uri,
    pub(crate) headers: &'r HeaderMap,
    /// The identity of the requester, where requests have users.
    pub(crate) identity: Option<&'r Identity>,
    /// The requester as the provider counts it.
    pub(crate) caller: Caller<'r>,
}

impl<'r> ReadRequest<'r> {
    pub(crate) fn new(request: &'r Parts) -> Self {
        let Parts { uri, headers, extensions, .. } = request;
        let user = extensions.get::<User>();
        let agent = headers.get(header::USER_AGENT).and_then(|agent| agent.to_str().ok());
        let caller = Caller {
            id: user.map_or(0, |user| user.id.0),
            user: user.map(|user| &*user.name),
            agent: agent.unwrap_or_default(),
        };
        let identity = extensions.get::<Arc<Identity>>().map(AsRef::as_ref);
        Self { uri, headers, identity, caller }
    }
}
