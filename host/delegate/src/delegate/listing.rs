//! Follows the discovery of a delegate: its lists of metrics are requested at intervals.

use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError, Weak};
use std::time::{Duration, Instant};

use http::StatusCode;
use http::header::HeaderValue;

use super::{Delegate, Exchanged, JSON};
use crate::answer::DelegateAnswer;
use crate::delegates::Delegation;
use crate::error::ForwardError;
use crate::list::{ApiList, ApiVersion};
use leadsman_model::tenant::Tenant;
use leadsman_runtime::backoff::jittered;
use leadsman_runtime::decoding::decode;

/// How soon lists that failed are requested again.
const RETRY_INTERVAL: Duration = Duration::from_secs(5);

impl Delegate {
    /// Keeps the lists of a delegate up to date for as long as it is configured.
    pub async fn follow(delegate: Weak<Self>, delegation: Arc<Delegation>) {
        loop {
            let Some(followed) = delegate.upgrade() else { return };
            let (changed, failed) = followed.list(&delegation.hop()).await;
            if changed {
                delegation.list_changed();
            }
            let every = followed.settings.list_every;
            drop(followed);
            let wait = if failed { RETRY_INTERVAL.min(every) } else { every };
            tokio::time::sleep(jittered(wait)).await;
        }
    }

    /// Requests its lists once. Returns whether they have changed, and whether one failed.
    pub(super) async fn list(&self, hops: &HeaderValue) -> (bool, bool) {
        let before = self.lists();
        let mut lists = (*before).clone();
        let mut failure = None;
        let apis = self.settings.matcher.apis.iter();
        let asked: Vec<ApiVersion> = apis
            .flat_map(|&api| api.versions().iter().map(move |&version| (api, version)))
            .collect();
        for of in asked {
            match self.list_one(of, hops).await {
                Ok(listed) => lists = lists.with(of, listed),
                Err(error) => {
                    // The others would fail, too, each after its time.
                    let outage = error.is_outage();
                    failure = Some(error);
                    if outage {
                        break;
                    }
                }
            }
        }
        let loops = matches!(failure, Some(ForwardError::Loop));
        if loops != self.loops.swap(loops, Ordering::Relaxed) && loops {
            let delegate = &self.settings.name;
            tracing::error!(delegate, "a delegate sends requests back here and is not asked");
        }
        let failed = failure.is_some();
        self.note(failure);
        let changed = !lists.lists_same(&before);
        self.lists.store(Arc::new(lists));
        self.asked_once.send_replace(true);
        (changed, failed)
    }

    /// Records the result of the lists, and logs a changed one.
    fn note(&self, failure: Option<ForwardError>) {
        let mut known = self.list_error.lock().unwrap_or_else(PoisonError::into_inner);
        let delegate = &self.settings.name;
        match &failure {
            Some(error) if known.is_none() => {
                tracing::warn!(delegate, %error, "the metrics of a delegate cannot be listed");
            }
            None if known.is_some() => tracing::info!(delegate, "a delegate is listed again"),
            _ => {}
        }
        if let Some(error) = &failure {
            self.metrics.failed(error.reason());
        }
        *known = failure.map(|error| error.to_string());
    }

    async fn list_one(&self, of: ApiVersion, hops: &HeaderValue) -> Result<ApiList, ForwardError> {
        let (api, version) = of;
        let url = self.url(&format!("/apis/{}/{version}", api.group()), None)?;
        let accept = JSON;
        let (Exchanged { status, headers, body }, _permit) =
            self.exchange(url, Some(&accept), (&Tenant::default(), None), hops).await?;
        let now = Instant::now();
        match status {
            StatusCode::OK => {
                let matcher = self.settings.matcher.clone();
                decode(body.len(), move || ApiList::read(of, &body, &matcher, now)).await?
            }
            StatusCode::NOT_FOUND => Ok(ApiList::unserved(now)),
            StatusCode::FORBIDDEN => {
                let message = DelegateAnswer::message(status, &headers, &body);
                Err(ForwardError::Credentials { status, message })
            }
            status if status.is_success() => Err(ForwardError::Malformed(status.to_string())),
            status => Err(DelegateAnswer::refusal(status, &headers, &body)),
        }
    }
}
