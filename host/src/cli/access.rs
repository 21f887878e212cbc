//! The credentials of a kubeconfig, for a Prometheus that accepts the same ones.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use base64::Engine as _;
use leadsman_document::Document;
use serde_json::{Map, Value, json};

/// Credentials, as keys of a source in the configuration.
#[derive(Debug, Default)]
pub(crate) struct Access {
    /// Keys of the source.
    pub(crate) source: Map<String, Value>,
    /// Keys of its `tls`.
    pub(crate) tls: Map<String, Value>,
}

/// Reads the credentials of the current context of a kubeconfig. Inline data is written to files that
/// only this user can read, as sources read files.
pub(crate) fn access_in(path: &Path) -> anyhow::Result<Access> {
    let name = path.display();
    let text = fs::read_to_string(path).with_context(|| format!("cannot read {name}"))?;
    let (document, faults) = Document::parse(&name.to_string(), &text);
    if !faults.is_empty() {
        bail!("{}", document.locate(faults));
    }
    let config = &document.value;
    let current = config["current-context"].as_str().unwrap_or_default();
    let context = named(config, "contexts", current, "context")
        .with_context(|| format!("{name} has no context \"{current}\""))?;
    let part = |key: &str, list: &str| {
        let wanted = context[key].as_str().unwrap_or_default();
        named(config, list, wanted, key)
            .with_context(|| format!("{name} has no {key} \"{wanted}\""))
    };
    let (cluster, user) = (part("cluster", "clusters")?, part("user", "users")?);
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut files = Files { folder, written: None };
    let mut access = Access::default();
    if cluster["insecure-skip-tls-verify"] == true {
        access.tls.insert("insecureSkipVerify".to_owned(), true.into());
    } else if let Some(file) = files.of(cluster, "certificate-authority")? {
        access.tls.insert("caFile".to_owned(), file);
    }
    for (key, wanted) in [("client-certificate", "certFile"), ("client-key", "keyFile")] {
        if let Some(file) = files.of(user, key)? {
            access.tls.insert(wanted.to_owned(), file);
        }
    }
    for key in ["exec", "auth-provider"] {
        if user.get(key).is_some_and(|value| !value.is_null()) {
            bail!(
                "{name}: `{key}` is not run here; write a token to a file and name it with --prometheus-token-file"
            );
        }
    }
    if let Some(file) = user["tokenFile"].as_str() {
        access.source.insert("bearerTokenFile".to_owned(), files.absolute(file)?);
    } else if let Some(token) = user["token"].as_str() {
        access.source.insert("bearerTokenFile".to_owned(), files.write("token", token.as_bytes())?);
    } else if let Some(username) = user["username"].as_str() {
        let password = user["password"].as_str().unwrap_or_default();
        let file = files.write("password", password.as_bytes())?;
        let basic = json!({"username": username, "passwordFile": file});
        access.source.insert("basicAuth".to_owned(), basic);
    }
    Ok(access)
}

/// A part of the entry with a name in a list.
fn named<'c>(config: &'c Value, list: &str, name: &str, part: &str) -> Option<&'c Value> {
    let entry = config[list].as_array()?.iter().find(|entry| entry["name"] == name)?;
    entry.get(part)
}

struct Files<'a> {
    /// The folder of the kubeconfig, to which its paths are relative.
    folder: &'a Path,
    /// The folder of the files that were written for inline data.
    written: Option<PathBuf>,
}

impl Files<'_> {
    /// The path of a file, which may be inline data.
    fn of(&mut self, entry: &Value, key: &str) -> anyhow::Result<Option<Value>> {
        if let Some(data) = entry[format!("{key}-data")].as_str() {
            let data = base64::engine::general_purpose::STANDARD
                .decode(data)
                .with_context(|| format!("{key}-data is not base64"))?;
            return self.write(key, &data).map(Some);
        }
        entry[key].as_str().map(|file| self.absolute(file)).transpose()
    }

    fn absolute(&self, file: &str) -> anyhow::Result<Value> {
        Ok(std::path::absolute(self.folder.join(file))?.display().to_string().into())
    }

    fn write(&mut self, name: &str, data: &[u8]) -> anyhow::Result<Value> {
        let folder = match &self.written {
            Some(folder) => folder.clone(),
            None => {
                // It is not removed: the sources read it for as long as the process runs.
                let folder = tempfile::Builder::new().prefix("leadsman-").tempdir()?.keep();
                self.written.insert(folder).clone()
            }
        };
        let path = folder.join(name);
        let mut file = fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&path)?;
        file.write_all(data)?;
        Ok(path.display().to_string().into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kubeconfig_says_who_to_be() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config");
        fs::write(
            &path,
            "current-context: b\n\
             contexts: [{name: a, context: {}}, {name: b, context: {cluster: c, user: u}}]\n\
             clusters: [{name: c, cluster: {certificate-authority-data: Y2E=}}]\n\
             users: [{name: u, user: {token: secret, client-certificate: cert.pem}}]\n",
        )
        .unwrap();
        let access = access_in(&path).unwrap();
        let read = |value: &Value| fs::read_to_string(value.as_str().unwrap()).unwrap();
        assert_eq!(read(&access.tls["caFile"]), "ca");
        assert_eq!(read(&access.source["bearerTokenFile"]), "secret");
        let cert = folder.path().join("cert.pem").display().to_string();
        assert_eq!(access.tls["certFile"], cert);
        let basic = "current-context: b\n\
             contexts: [{name: b, context: {cluster: c, user: u}}]\n\
             clusters: [{name: c, cluster: {insecure-skip-tls-verify: true}}]\n";
        let of = |user: &str| {
            fs::write(&path, format!("{basic}users: [{{name: u, user: {user}}}]\n")).unwrap();
            access_in(&path)
        };
        let access = of("{username: jane, password: secret}").unwrap();
        assert_eq!(access.source["basicAuth"]["username"], "jane");
        assert_eq!(read(&access.source["basicAuth"]["passwordFile"]), "secret");
        assert_eq!(access.tls["insecureSkipVerify"], true);
        // A program that prints tokens is not run.
        let refused = of("{exec: {command: aws}}").unwrap_err().to_string();
        assert!(refused.contains("`exec` is not run here"), "{refused}");
        fs::write(&path, "users: [{name: u, user: {exec: {}}}]\n").unwrap();
        assert!(access_in(&path).unwrap_err().to_string().contains("no context"));
    }
}
