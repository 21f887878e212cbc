//! A client of kube-apiserver.

use reqwest::Method;
use serde_json::{Value, json};

use super::objects::{collection_of, path_of};
use crate::answer::Answer;
use crate::caller::HttpClient;

/// A client with the credentials of one user. Objects are JSON.
#[derive(Debug, Clone)]
pub struct ApiClient {
    caller: HttpClient,
    url: String,
}

const JSON: &str = "application/json";
const MERGE: &str = "application/merge-patch+json";
const APPLY: &str = "application/apply-patch+yaml";

impl ApiClient {
    pub(super) fn new(caller: HttpClient, url: &str) -> Self {
        Self { caller, url: url.to_owned() }
    }

    /// Reads a path, as `kubectl get --raw` does, and returns the response, also of a failure.
    ///
    /// # Panics
    /// If there is no response.
    pub async fn read(&self, path: &str) -> Answer {
        self.try_read(path).await.unwrap_or_else(|error| panic!("GET {path}: {error}"))
    }

    /// The same, but returns an error if there is no response.
    pub async fn try_read(&self, path: &str) -> Result<Answer, String> {
        self.caller.get(&format!("{}{path}", self.url)).await
    }

    /// The same with any headers.
    ///
    /// # Panics
    /// If there is no response.
    pub async fn read_with(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        let request = self.caller.request(Method::GET, &format!("{}{path}", self.url));
        let request = headers.iter().fold(request, |request, (n, v)| request.header(*n, *v));
        let answer = Answer::read(request).await;
        answer.unwrap_or_else(|error| panic!("GET {path}: {error}"))
    }

    /// The object or list at a path.
    ///
    /// # Panics
    /// If the request fails.
    pub async fn get(&self, path: &str) -> Value {
        self.read(path).await.ok()
    }

    /// The object at a path, if it exists.
    ///
    /// # Panics
    /// If the request fails.
    pub async fn find(&self, path: &str) -> Option<Value> {
        let answer = self.read(path).await;
        (answer.status != 404).then(|| answer.ok())
    }

    /// Creates an object and returns the stored object.
    ///
    /// # Panics
    /// If it is refused.
    pub async fn create(&self, object: &Value) -> Value {
        self.create_at(&collection_of(object), object).await
    }

    /// The same at another path than that of the kind, such as a subresource.
    ///
    /// # Panics
    /// If it is refused.
    pub async fn create_at(&self, path: &str, object: &Value) -> Value {
        success(&self.send(Method::POST, path, JSON, object).await)
    }

    /// Creates or updates an object by server-side apply.
    ///
    /// # Panics
    /// If it is refused.
    pub async fn apply(&self, object: &Value) -> Value {
        let path = format!("{}?fieldManager=leadsman-tests&force=true", path_of(object));
        success(&self.send(Method::PATCH, &path, APPLY, object).await)
    }

    /// Applies a merge patch to the object at a path.
    ///
    /// # Panics
    /// If it is refused.
    pub async fn merge(&self, path: &str, patch: &Value) -> Value {
        success(&self.send(Method::PATCH, path, MERGE, patch).await)
    }

    /// Applies a merge patch to the status of the object at a path.
    ///
    /// # Panics
    /// If it is refused.
    pub async fn merge_status(&self, path: &str, status: &Value) -> Value {
        self.merge(&format!("{path}/status"), &json!({"status": status})).await
    }

    /// Deletes the object at a path immediately, if it exists.
    ///
    /// # Panics
    /// If it is refused.
    pub async fn delete(&self, path: &str) {
        let options = json!({"gracePeriodSeconds": 0, "propagationPolicy": "Background"});
        let answer = self.send(Method::DELETE, path, JSON, &options).await;
        assert!(answer.is_success() || answer.status == 404, "{answer:#?}");
    }

    /// Sends a body with any method and returns the response, also of a failure.
    ///
    /// # Panics
    /// If there is no response.
    pub async fn send(&self, method: Method, path: &str, format: &str, body: &Value) -> Answer {
        let request = self.caller.request(method.clone(), &format!("{}{path}", self.url));
        let request = request.header("content-type", format).body(body.to_string());
        let answer = Answer::read(request).await;
        answer.unwrap_or_else(|error| panic!("{method} {path}: {error}"))
    }
}

fn success(answer: &Answer) -> Value {
    assert!(answer.is_success(), "{answer:#?}");
    answer.json()
}
