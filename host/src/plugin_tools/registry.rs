//! Pushing components to a registry and pulling them from there.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use bytes::Bytes;
use leadsman_oci::{
    self as oci, Access, Digest, Expected, NewArtifact, PublicKey, PullError, PushError, Reference,
    Registry, SignatureError,
};
use leadsman_runtime::files;

use super::PluginError;
use super::credentials::credentials;
use super::inspect::{Provenance, Signature};
use super::origin::{self, Tools};
use leadsman_control as control;
use leadsman_sandbox::Plugin;

/// How long one operation may take in all. Links to registries may be slow where plugins are written.
const TIMEOUT: Duration = Duration::from_secs(300);
/// The largest component: what the sandbox accepts.
const MAX_BYTES: u64 = leadsman_sandbox::limits::MAX_BYTES;

/// How registries are accessed.
#[derive(Debug, Clone, Default)]
pub struct RegistryOptions {
    /// Whether to connect without TLS.
    pub plain_http: bool,
    /// Authorities to trust besides the system's.
    pub ca_file: Option<PathBuf>,
    /// A file with credentials, in place of that of `docker login`.
    pub config: Option<PathBuf>,
    /// A file with the keys that signatures are checked with.
    pub key: Option<PathBuf>,
}

/// What to push.
#[derive(Debug, Clone)]
pub struct PushOptions {
    /// The component.
    pub file: PathBuf,
    /// Where to.
    pub reference: Reference,
    /// What to say about it besides what it says itself.
    pub annotations: BTreeMap<String, String>,
    /// What the tag must refer to before.
    pub expected: Expected,
    /// How the registry is accessed.
    pub access: RegistryOptions,
}

/// Pushes a component that loads and passes its fixtures. Says what was done.
pub async fn push(options: &PushOptions) -> anyhow::Result<String> {
    let PushOptions { file, reference, access, .. } = options;
    let bytes = origin::read(file)?;
    let plugin = Tools::new(None)?.load(&file.display().to_string(), bytes.clone()).await?;
    let tested = control::self_test(&plugin)
        .await
        .map_err(|reason| PluginError(format!("{} is not pushed: {reason}", file.display())))?;
    let annotations = annotations(&plugin, &options.annotations);
    let artifact = NewArtifact { component: &bytes, annotations: &annotations };
    let registry = connect(reference, access).await?;
    let pushed = registry.push(reference, &artifact, options.expected).await.map_err(of_push)?;
    let by_digest =
        format!("{}/{}@{}", reference.registry(), reference.repository(), pushed.digest);
    let before = match (pushed.unchanged, pushed.replaced) {
        (true, _) => "unchanged: the tag refers to this very artifact already".to_owned(),
        (false, None) => "new: the tag referred to nothing".to_owned(),
        (false, Some(old)) => format!("moved: the tag referred to {old}"),
    };
    let tests = match tested {
        0 => "none in it".to_owned(),
        count => format!("{count} passed"),
    };
    Ok(format!(
        "pushed    {reference}\ndigest    {}\ntag       {before}\nfixtures  {tests}\n\
         use       oci: {by_digest}\nsign      {}\n",
        pushed.digest,
        sign_line(&by_digest, None, access)
    ))
}

/// What the artifact says of itself: what the plugin says, unless the author says something else.
fn annotations(plugin: &Plugin, given: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let description = plugin.description();
    let own = [
        ("title", &description.name),
        ("version", &description.version),
        ("description", &description.about),
    ];
    let own = own.into_iter().filter(|(_, text)| !text.is_empty());
    let mut all: BTreeMap<_, _> =
        own.map(|(key, text)| (format!("org.opencontainers.image.{key}"), text.clone())).collect();
    all.extend(given.clone());
    all
}

/// Pulls a component, verified if keys are given, into a file. Says what was done.
pub async fn pull(
    reference: &Reference,
    to: &Path,
    access: &RegistryOptions,
) -> anyhow::Result<String> {
    let (bytes, provenance) = fetch(reference, access).await?;
    // Whoever reads the file meanwhile has the old one or the new one.
    let folder = to.parent().filter(|folder| !folder.as_os_str().is_empty());
    let written = tempfile::Builder::new()
        .permissions(std::fs::Permissions::from_mode(0o644))
        .tempfile_in(folder.unwrap_or(Path::new(".")))
        .and_then(|mut file| {
            file.write_all(&bytes)?;
            file.persist(to).map_err(|error| error.error)
        });
    written.with_context(|| format!("cannot write {}", to.display()))?;
    Ok(format!("{provenance}pulled   {} ({} bytes)\n", to.display(), bytes.len()))
}

/// Pulls a component, and what its registry says about it. With keys, only a signed one.
pub(super) async fn fetch(
    reference: &Reference,
    access: &RegistryOptions,
) -> anyhow::Result<(Bytes, Provenance)> {
    let registry = connect(reference, access).await?;
    let digest = registry.resolve(reference).await.map_err(of_pull)?;
    let info = registry.info(reference, &digest).await.map_err(of_pull)?;
    let signature = signature(&registry, reference, &digest, access.key.as_deref()).await?;
    let bytes = registry.pull(reference, &digest).await.map_err(of_pull)?;
    let provenance = Provenance { reference: reference.to_string(), digest, info, signature };
    Ok((bytes.into(), provenance))
}

/// Whether there is a signature, and with keys whether it is by one of them: then its lack is an error.
async fn signature(
    registry: &Registry,
    reference: &Reference,
    digest: &Digest,
    key: Option<&Path>,
) -> anyhow::Result<Signature> {
    let Some(file) = key else {
        // Without any key no signature is valid, but there may be some.
        return Ok(match oci::verify(registry, reference, digest, &[]).await {
            Err(SignatureError::Invalid { .. }) => Signature::Unverified,
            Err(SignatureError::Unavailable { source, .. }) => {
                Signature::Unknown(source.to_string())
            }
            Ok(()) | Err(SignatureError::Unsigned { .. }) => Signature::None,
        });
    };
    let text = files::read_text(file, files::MAX_CREDENTIALS)
        .with_context(|| format!("cannot read {}", file.display()))?;
    let keys = PublicKey::from_pem(&text)
        .map_err(|error| PluginError(format!("{} {error}", file.display())))?;
    match oci::verify(registry, reference, digest, &keys).await {
        Ok(()) => Ok(Signature::By(file.display().to_string())),
        Err(SignatureError::Unavailable { source, .. }) => Err(of_pull(source)),
        Err(error) => Err(PluginError(error.to_string()).into()),
    }
}

async fn connect(reference: &Reference, access: &RegistryOptions) -> anyhow::Result<Registry> {
    let access = Access {
        ca_file: access.ca_file.clone(),
        plain_http: access.plain_http,
        credentials: credentials(access.config.as_deref(), reference).await?,
        max_bytes: MAX_BYTES,
        timeout: TIMEOUT,
    };
    Ok(Registry::new(&access)?)
}

/// An error of a push, with what to do on a command line.
fn of_push(error: PushError) -> anyhow::Error {
    match error {
        PushError::Access(error) => of_pull(error),
        error => PluginError(error.to_string()).into(),
    }
}

/// An error of a pull. Its messages are for a configuration; these are for a command line.
fn of_pull(error: PullError) -> anyhow::Error {
    let text = match &error {
        PullError::NoCredentials { host, repository } => format!(
            "{host} does not let anybody read {repository}: log in first (`docker login {host}`; \
             some registries answer like this as well when the repository does not exist)"
        ),
        PullError::Denied { host, repository } => format!(
            "{host} does not let you read {repository} with the credentials that you have for it: \
             log in as somebody who may, or ask for the right to pull"
        ),
        PullError::NotTls { host, .. } => {
            format!(
                "{host} does not speak TLS; if it is meant to be read without, add --plain-http"
            )
        }
        PullError::Untrusted { host, .. } => format!(
            "the certificate of {host} is not trusted; give the certificate of its authority with \
             --ca-file"
        ),
        other => other.to_string(),
    };
    PluginError(text).into()
}

/// The commands that sign an artifact and check its signature, to be run by whoever has the key.
pub fn sign_lines(
    reference: &Reference,
    digest: &Digest,
    key: Option<&Path>,
    access: &RegistryOptions,
) -> String {
    let artifact = format!("{}/{}@{digest}", reference.registry(), reference.repository());
    let public = match key.and_then(|key| key.to_str()?.strip_suffix(".key").map(str::to_owned)) {
        Some(name) => format!("{name}.pub"),
        None => "cosign.pub".to_owned(),
    };
    let flags = access.flags();
    format!(
        "{}\nleadsman plugin inspect {} --key {}{flags}\n",
        sign_line(&artifact, key, access),
        quoted(&artifact),
        quoted(&public)
    )
}

fn sign_line(artifact: &str, key: Option<&Path>, access: &RegistryOptions) -> String {
    let key = key.map_or_else(|| "cosign.key".to_owned(), |key| key.display().to_string());
    let plain = if access.plain_http { " --allow-http-registry" } else { "" };
    // cosign 3 has a signing configuration of its own, with a log in it, unless it is told not to.
    format!(
        "cosign sign --key {} --tlog-upload=false --use-signing-config=false{plain} {}",
        quoted(&key),
        quoted(artifact)
    )
}

impl RegistryOptions {
    /// As they are written on the command line, with a space before each.
    fn flags(&self) -> String {
        let mut flags = String::new();
        if self.plain_http {
            flags.push_str(" --plain-http");
        }
        for (name, file) in [("--ca-file", &self.ca_file), ("--registry-config", &self.config)] {
            if let Some(file) = file {
                flags.push_str(&format!(" {name} {}", quoted(&file.display().to_string())));
            }
        }
        flags
    }

    /// The digest that a reference resolves to now.
    pub async fn resolve(&self, reference: &Reference) -> anyhow::Result<Digest> {
        let registry = connect(reference, self).await?;
        registry.resolve(reference).await.map_err(of_pull)
    }
}

/// A word as a shell reads it.
fn quoted(word: &str) -> String {
    let is_plain = |sign: char| sign.is_ascii_alphanumeric() || "@%+=:,./_-".contains(sign);
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_for_cosign_can_be_pasted() {
        let reference: Reference = "r.example:5000/team/rate:1.2".parse().unwrap();
        let digest = Digest::of(b"manifest");
        let access = RegistryOptions { plain_http: true, ..RegistryOptions::default() };
        let key = Path::new("my keys/it's.key");
        let text = sign_lines(&reference, &digest, Some(key), &access);
        let wanted = format!(
            "cosign sign --key 'my keys/it'\\''s.key' --tlog-upload=false \
             --use-signing-config=false --allow-http-registry r.example:5000/team/rate@{digest}\n\
             leadsman plugin inspect r.example:5000/team/rate@{digest} --key 'my keys/it'\\''s.pub' \
             --plain-http\n"
        );
        assert_eq!(text, wanted);
    }
}
