//! Bearer tokens, looked at by kube-apiserver.

use http::HeaderMap;
use http::header::AUTHORIZATION;
use moka::future::Cache;
use sha2::{Digest as _, Sha256};

use super::credentials::Outcome;
use super::decisions::KEPT;
use super::error::Unauthenticated;
use leadsman_cluster::{Cluster, Identity, ReviewError};

/// How many are remembered.
const MOST: u64 = 10_000;

/// What is known of tokens, by their hash: the tokens themselves are not kept.
pub(super) struct Tokens {
    cluster: Cluster,
    cache: Cache<[u8; 32], Option<Identity>>,
}

impl Tokens {
    pub(super) fn new(cluster: Cluster) -> Self {
        let cache = Cache::builder().time_to_live(KEPT).max_capacity(MOST).build();
        Self { cluster, cache }
    }

    /// Whose token a request has.
    pub(super) async fn identify(&self, headers: &HeaderMap) -> Outcome {
        let Some(token) = bearer(headers) else { return Outcome::Absent };
        let hash: [u8; 32] = Sha256::digest(token.as_bytes()).into();
        let known = self.cache.try_get_with(hash, self.cluster.review_token(token)).await;
        match known {
            Ok(Some(identity)) => Outcome::Identified(identity),
            Ok(None) => Outcome::Refused(Unauthenticated::Token),
            Err(error) => {
                let error: std::sync::Arc<ReviewError> = error;
                tracing::warn!(%error, "a bearer token cannot be looked at");
                Outcome::Refused(Unauthenticated::Review((*error).clone()))
            }
        }
    }
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let header = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = header.trim().split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_bearer_tokens_are_tokens() {
        for (header, token) in [
            ("Bearer abc", Some("abc")),
            ("bearer  abc ", Some("abc")),
            ("Bearer ", None),
            ("Basic abc", None),
            ("abc", None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(AUTHORIZATION, header.parse().unwrap());
            assert_eq!(bearer(&headers), token, "{header}");
        }
    }
}
