//! Manifests: what an artifact consists of.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::answer::shown;

pub(super) const IMAGE_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
pub(super) const IMAGE_INDEX: &str = "application/vnd.oci.image.index.v1+json";

/// The media types of a layer with a component. Older tools write the second.
const WASM: [&str; 2] = ["application/wasm", "application/vnd.wasm.content.layer.v1+wasm"];

/// A manifest or an index, depending on its media type.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Manifest {
    media_type: Option<String>,
    pub(super) artifact_type: Option<String>,
    #[serde(default)]
    pub(super) annotations: BTreeMap<String, String>,
    #[serde(default)]
    pub(super) layers: Vec<Descriptor>,
    #[serde(default)]
    pub(super) manifests: Vec<Descriptor>,
}

/// The descriptor of a part of an artifact.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Descriptor {
    pub(super) media_type: String,
    /// A text, because parts that are not read may use other digest algorithms.
    pub(super) digest: String,
    pub(super) size: u64,
    pub(super) artifact_type: Option<String>,
    #[serde(default)]
    pub(super) annotations: BTreeMap<String, String>,
}

/// An artifact is not a plugin.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotAPlugin {
    /// It is not a manifest.
    #[error("it is of the type {0:?} and not an OCI image manifest")]
    MediaType(String),
    /// It is an index of several manifests.
    #[error(
        "it is an index with {0} manifests to choose from, and a plugin is one; push the plugin \
         by itself, or write the digest of one of them"
    )]
    Index(usize),
    /// It has no WebAssembly layer.
    #[error("none of its layers is of the type application/wasm; they are: {}", list(.0))]
    NoWasmLayer(Vec<String>),
    /// It has several WebAssembly layers.
    #[error("it has {0} layers of WebAssembly, and a plugin is one")]
    SeveralWasmLayers(usize),
}

/// The content of a manifest.
#[derive(Debug)]
pub(super) enum Content {
    Plugin(Descriptor),
    /// The only manifest of an index.
    Manifest(Descriptor),
}

impl Manifest {
    /// Parses a manifest. Its media type is in it, or else is that of the response.
    pub(super) fn parse(bytes: &[u8], content_type: Option<&str>) -> Result<Self, String> {
        let mut manifest: Self =
            serde_json::from_slice(bytes).map_err(|error| shown(&error.to_string()))?;
        if !manifest.layers.is_empty() && !manifest.manifests.is_empty() {
            // Different readers could interpret it differently.
            return Err("it is a manifest and an index at once".to_owned());
        }
        manifest.media_type = manifest.media_type.or_else(|| content_type.map(str::to_owned));
        Ok(manifest)
    }

    pub(super) fn is_index(&self) -> bool {
        self.media_type.as_deref() == Some(IMAGE_INDEX)
    }

    /// The content of a plugin's manifest. Other layers than the WebAssembly (a description, a licence)
    /// are ignored.
    pub(super) fn content(&self) -> Result<Content, NotAPlugin> {
        if self.is_index() {
            let mut usable = self.manifests.iter().filter(|it| it.may_be_plugin());
            return match (usable.next(), usable.count()) {
                (Some(only), 0) => Ok(Content::Manifest(only.clone())),
                (None, _) => Err(NotAPlugin::Index(0)),
                (Some(_), others) => Err(NotAPlugin::Index(others + 1)),
            };
        }
        if self.media_type.as_deref() != Some(IMAGE_MANIFEST) {
            let found = self.media_type.as_deref().unwrap_or("(none)");
            return Err(NotAPlugin::MediaType(shown(found)));
        }
        let mut wasm = self.layers.iter().filter(|it| WASM.contains(&it.media_type.as_str()));
        match (wasm.next(), wasm.count()) {
            (Some(only), 0) => Ok(Content::Plugin(only.clone())),
            (Some(_), others) => Err(NotAPlugin::SeveralWasmLayers(others + 1)),
            (None, _) => {
                let found = self.layers.iter().take(10).map(|it| shown(&it.media_type));
                Err(NotAPlugin::NoWasmLayer(found.collect()))
            }
        }
    }
}

impl Descriptor {
    /// Build tools add attestations of a manifest to the same index.
    fn may_be_plugin(&self) -> bool {
        self.media_type == IMAGE_MANIFEST
            && !self.annotations.contains_key("vnd.docker.reference.type")
    }
}

fn list(types: &[String]) -> String {
    if types.is_empty() { "none".to_owned() } else { types.join(", ") }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn content(manifest: &Value) -> Result<String, String> {
        let manifest = Manifest::parse(manifest.to_string().as_bytes(), None)?;
        match manifest.content().map_err(|error| error.to_string())? {
            Content::Plugin(layer) => Ok(format!("plugin {}", layer.digest)),
            Content::Manifest(manifest) => Ok(format!("manifest {}", manifest.digest)),
        }
    }

    fn descriptor(media_type: &str, digest: &str) -> Value {
        json!({"mediaType": media_type, "digest": digest, "size": 1})
    }

    #[test]
    fn the_one_layer_of_wasm_is_the_plugin() {
        for media_type in WASM {
            let layers = [descriptor("text/markdown", "a"), descriptor(media_type, "b")];
            let manifest = json!({"mediaType": IMAGE_MANIFEST, "layers": layers});
            assert_eq!(content(&manifest).unwrap(), "plugin b");
        }
    }

    #[test]
    fn an_index_leads_to_its_one_manifest() {
        let mut note = descriptor(IMAGE_MANIFEST, "note");
        note["annotations"] = json!({"vnd.docker.reference.type": "attestation-manifest"});
        let one = [note, descriptor(IMAGE_MANIFEST, "a")];
        let index = json!({"mediaType": IMAGE_INDEX, "manifests": one});
        assert_eq!(content(&index).unwrap(), "manifest a");
    }

    #[test]
    fn everything_else_is_refused_with_what_it_is() {
        let wasm = || descriptor("application/wasm", "a");
        let two = [descriptor(IMAGE_MANIFEST, "a"), descriptor(IMAGE_MANIFEST, "b")];
        let docker = "application/vnd.docker.distribution.manifest.v2+json";
        let tar = "application/vnd.oci.image.layer.v1.tar+gzip";
        for (manifest, wanted) in [
            (json!({"layers": [wasm()]}), "(none)"),
            (json!({"mediaType": docker, "layers": [wasm()]}), docker),
            (json!({"mediaType": IMAGE_INDEX, "manifests": two}), "index with 2 manifests"),
            (json!({"mediaType": IMAGE_INDEX, "manifests": []}), "index with 0 manifests"),
            (json!({"mediaType": IMAGE_MANIFEST, "layers": [wasm(), wasm()]}), "2 layers"),
            (json!({"mediaType": IMAGE_MANIFEST, "layers": [descriptor(tar, "a")]}), tar),
            (json!({"mediaType": IMAGE_MANIFEST, "layers": []}), "they are: none"),
            (json!({"mediaType": IMAGE_MANIFEST, "layers": [wasm()], "manifests": two}), "at once"),
            (json!({"mediaType": IMAGE_MANIFEST, "layers": [{"size": -1}]}), "invalid value"),
            (json!([]), "invalid"),
        ] {
            let error = content(&manifest).unwrap_err();
            assert!(error.contains(wanted), "{manifest}: {error}");
        }
    }
}
