//! Bearer tokens, reviewed by kube-apiserver.

use http::HeaderMap;
use http::header::AUTHORIZATION;
use moka::future::Cache;
use ring::digest::{SHA256, SHA256_OUTPUT_LEN, digest};

use super::credentials::Outcome;
use super::decisions::cache;
use super::error::Unauthenticated;
use leadsman_cluster::{Cluster, Identity, ReviewError};

/// The identities of tokens by their hash: the tokens themselves are not kept.
pub(super) struct Tokens {
    cluster: Cluster,
    cache: Cache<[u8; 32], Option<Identity>>,
}

impl Tokens {
    pub(super) fn new(cluster: Cluster) -> Self {
        Self { cluster, cache: cache() }
    }

    /// The identity of a request's token.
    pub(super) async fn identify(&self, headers: &HeaderMap) -> Outcome {
        let Some(token) = bearer(headers) else { return Outcome::Absent };
        let mut hash = [0; SHA256_OUTPUT_LEN];
        hash.copy_from_slice(digest(&SHA256, token.as_bytes()).as_ref());
        let known = self.cache.try_get_with(hash, self.cluster.review_token(token)).await;
        match known {
            Ok(Some(identity)) => Outcome::Identified(identity),
            Ok(None) => Outcome::Refused(Unauthenticated::Token),
            Err(error) => {
                let error: std::sync::Arc<ReviewError> = error;
                tracing::warn!(%error, "a bearer token cannot be reviewed");
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
