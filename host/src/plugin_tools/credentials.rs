//! The registry credentials of the user, from the files and helpers of `docker login` and similar tools.

use std::env;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, bail};
use leadsman_oci::{Reference, RegistryCredentials};
use leadsman_runtime::files;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::Command;

/// How long a helper may take. It may ask the user to unlock a keychain.
const HELPER_TIMEOUT: Duration = Duration::from_secs(60);
/// The longest answer of a helper, in bytes.
const MAX_ANSWER: u64 = 64 << 10;
/// The user that stands for an identity token.
const TOKEN_USER: &str = "<token>";
/// How helpers know Docker Hub.
const DOCKER_HUB: &str = "https://index.docker.io/v1/";

/// What a helper answers.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Helped {
    username: String,
    secret: String,
}

/// The credentials for the registry of an artifact; `None` if there are none. A file that is not named
/// need not exist.
pub(super) async fn credentials(
    named: Option<&Path>,
    reference: &Reference,
) -> anyhow::Result<Option<RegistryCredentials>> {
    let Some(file) = named.map(Path::to_owned).or_else(usual_file) else { return Ok(None) };
    let text = match files::read_text(&file, files::MAX_CREDENTIALS) {
        Ok(text) => text,
        Err(error) if named.is_none() && error.kind() == io::ErrorKind::NotFound => {
            return Ok(None);
        }
        Err(error) => return Err(error).with_context(|| format!("cannot read {}", file.display())),
    };
    // The parser's message could quote a secret.
    let Ok(config) = serde_json::from_str::<Value>(&text) else {
        bail!("{} is not valid JSON", file.display())
    };
    let helper = config["credHelpers"][reference.registry()].as_str();
    if let Some(helper) = helper.or_else(|| config["credsStore"].as_str()) {
        let found = ask(helper, reference).await;
        let found = found.with_context(|| {
            format!("the credential helper that {} names failed", file.display())
        })?;
        if let Some(found) = found {
            return Ok(Some(found));
        }
    }
    let empty = json!({});
    let auths = config["auths"].as_object();
    // `docker login` with a helper leaves empty entries behind.
    let auths = auths.into_iter().flatten().filter(|(_, entry)| **entry != empty);
    let auths: serde_json::Map<String, Value> =
        auths.map(|(key, entry)| (key.clone(), entry.clone())).collect();
    let secret = json!({"auths": auths}).to_string();
    match RegistryCredentials::for_registry(&secret, reference) {
        Ok(found) => Ok(Some(found)),
        Err(leadsman_oci::CredentialsError::NoEntry { .. }) => Ok(None),
        Err(error) => bail!("{} {error}", file.display()),
    }
}

/// Where `docker login` writes.
fn usual_file() -> Option<PathBuf> {
    let set = |name: &str| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let folder = set("DOCKER_CONFIG").or_else(|| Some(set("HOME")?.join(".docker")))?;
    Some(folder.join("config.json"))
}

/// Runs a credential helper. `None` if it has nothing for the registry.
async fn ask(helper: &str, reference: &Reference) -> anyhow::Result<Option<RegistryCredentials>> {
    let is_name = |sign: char| sign.is_ascii_alphanumeric() || matches!(sign, '-' | '_' | '.');
    if helper.is_empty() || !helper.chars().all(is_name) {
        bail!("{helper:?} is no name of a helper");
    }
    let program = format!("docker-credential-{helper}");
    let server = match reference.registry() {
        "docker.io" => DOCKER_HUB,
        registry => registry,
    };
    let mut child = Command::new(&program)
        .arg("get")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .with_context(|| format!("cannot run {program}"))?;
    let (input, output) = (child.stdin.take(), child.stdout.take());
    let work = async {
        if let Some(mut input) = input {
            // A helper that ends early says why by its status.
            let _ = input.write_all(server.as_bytes()).await;
        }
        let mut answer = Vec::new();
        if let Some(output) = output {
            output.take(MAX_ANSWER).read_to_end(&mut answer).await?;
        }
        Ok::<_, io::Error>((answer, child.wait().await?))
    };
    let done = tokio::time::timeout(HELPER_TIMEOUT, work).await;
    let done = done.with_context(|| format!("{program} did not answer in {HELPER_TIMEOUT:?}"))?;
    let (answer, status) = done.with_context(|| format!("cannot run {program}"))?;
    if !status.success() {
        // Helpers have no other word for "nothing", and each has its own text for it.
        return Ok(None);
    }
    let Ok(helped) = serde_json::from_slice::<Helped>(&answer) else {
        bail!("{program} did not answer with credentials")
    };
    let entry = match helped.username.as_str() {
        TOKEN_USER => json!({"identitytoken": helped.secret}),
        user => json!({"username": user, "password": helped.secret}),
    };
    let secret = json!({"auths": {reference.registry(): entry}}).to_string();
    RegistryCredentials::for_registry(&secret, reference)
        .map(Some)
        .map_err(|error| anyhow::anyhow!("{program}: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn found(config: &Value) -> anyhow::Result<Option<RegistryCredentials>> {
        let file = tempfile::NamedTempFile::new()?;
        std::fs::write(file.path(), config.to_string())?;
        credentials(Some(file.path()), &"r.example/a:1".parse()?).await
    }

    #[tokio::test]
    async fn a_file_of_docker_login_is_read() {
        let entry = json!({"auth": "YTpi"});
        assert!(found(&json!({"auths": {"r.example": entry}})).await.unwrap().is_some());
        assert!(found(&json!({"auths": {"s.example": entry}})).await.unwrap().is_none());
        assert!(found(&json!({"auths": {"r.example": {}}})).await.unwrap().is_none());
        assert!(found(&json!({})).await.unwrap().is_none());
        let error =
            found(&json!({"auths": {"r.example": {"auth": "hunter2!"}}})).await.unwrap_err();
        let error = format!("{error:#}");
        assert!(error.contains("auth is not base64") && !error.contains("hunter2"), "{error}");
    }

    #[tokio::test]
    async fn a_helper_is_a_program_of_its_kind() {
        for helper in ["../../bin/sh", "a b", ""] {
            let error = found(&json!({"credsStore": helper})).await.unwrap_err();
            assert!(format!("{error:#}").contains("is no name of a helper"), "{error:#}");
        }
        let config = json!({"credHelpers": {"r.example": "there-is-none-of-this-name"}});
        let error = format!("{:#}", found(&config).await.unwrap_err());
        assert!(
            error.contains("cannot run docker-credential-there-is-none-of-this-name"),
            "{error}"
        );
    }

    #[tokio::test]
    async fn a_file_that_is_named_must_exist() {
        let reference = "r.example/a:1".parse().unwrap();
        let missing = Path::new("/nonexistent/config.json");
        assert!(credentials(Some(missing), &reference).await.is_err());
    }
}
