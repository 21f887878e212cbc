//! The arguments of those commands of `leadsman plugin` that take a component.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::ExplainOutput;
use leadsman::explain::TryOptions;
use leadsman::plugin_tools::{BenchOptions, DevOptions, PushOptions, RegistryOptions};
use leadsman_oci::{Digest, Expected, Reference};

/// How registries are accessed.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct RegistryFlags {
    /// Connect to the registry without TLS.
    #[arg(long)]
    plain_http: bool,
    /// PEM file with authorities to trust besides the system's.
    #[arg(long, value_name = "FILE")]
    ca_file: Option<PathBuf>,
    /// Credentials in the format of `~/.docker/config.json`, which is used if this is left out.
    #[arg(long, value_name = "FILE")]
    registry_config: Option<PathBuf>,
}

impl RegistryFlags {
    fn options(&self, key: Option<PathBuf>) -> RegistryOptions {
        RegistryOptions {
            plain_http: self.plain_http,
            ca_file: self.ca_file.clone(),
            config: self.registry_config.clone(),
            key,
        }
    }
}

#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("input").required(true).args(["mapping", "fixture"]))]
pub(crate) struct RunPlugin {
    /// A component, or the name of a plugin that ships with Leadsman.
    #[arg(value_name = "PLUGIN")]
    pub(crate) plugin: String,
    /// The mapping that the plugin is run for, in place of its own: one entry of `mappings`, in YAML, or
    /// a configuration with one, such as `mapping.yaml` of a project.
    #[arg(long, value_name = "FILE", requires = "against")]
    mapping: Option<PathBuf>,
    /// The configuration whose sources the mapping uses and, without --kubeconfig, whose `objects` the
    /// values are for.
    #[arg(long, value_name = "FILE", requires = "mapping")]
    against: Option<PathBuf>,
    /// The namespace to read in.
    #[arg(long, default_value = "default", requires = "mapping")]
    namespace: String,
    /// The cluster, for the objects that the values are for.
    #[arg(long, value_name = "FILE", requires = "mapping")]
    kubeconfig: Option<PathBuf>,
    /// How the result is printed.
    #[arg(long, value_enum, default_value = "text", requires = "mapping")]
    pub(crate) output: ExplainOutput,
    /// Write the run as a fixture.
    #[arg(long, value_name = "FILE", requires = "mapping")]
    pub(crate) record: Option<PathBuf>,
    /// Run it on a fixture, written or recorded, and say whether it gives what the fixture expects, or
    /// what it gives instead.
    #[arg(long, value_name = "FILE")]
    pub(crate) fixture: Option<PathBuf>,
}

impl RunPlugin {
    /// The run on a real source, if it is one.
    pub(crate) fn try_options(&self) -> Option<TryOptions> {
        Some(TryOptions {
            mapping: self.mapping.clone()?,
            against: self.against.clone()?,
            namespace: self.namespace.clone(),
            kubeconfig: self.kubeconfig.clone(),
            plugin: Some(self.plugin.clone()),
            fixture: self.record.is_some(),
        })
    }
}

#[derive(Debug, Args)]
pub(crate) struct BenchPlugin {
    /// A component, the name of a plugin that ships with Leadsman, or a reference.
    #[arg(value_name = "PLUGIN")]
    plugin: String,
    /// The fixture whose series are multiplied. The largest that the plugin brings along if left out.
    #[arg(long, value_name = "FILE")]
    fixture: Option<PathBuf>,
    /// The limit of time, as `limits.time` of a mapping. `100ms` if left out.
    #[arg(long, value_name = "DURATION", value_parser = leadsman_document::parse_duration)]
    time: Option<Duration>,
    /// The limit of memory, as `limits.memoryBytes` of a mapping. 64 MiB if left out.
    #[arg(long, value_name = "BYTES", value_parser = memory)]
    memory: Option<usize>,
    #[command(flatten)]
    registry: RegistryFlags,
}

/// A limit of memory that a mapping may have.
fn memory(text: &str) -> Result<usize, String> {
    const LEAST: usize = 1 << 20;
    let bytes: usize = text.parse().map_err(|_| "expected a number of bytes".to_owned())?;
    match bytes {
        LEAST..=leadsman_sandbox::MAX_MEMORY => Ok(bytes),
        _ => Err(format!("expected {LEAST} to {}", leadsman_sandbox::MAX_MEMORY)),
    }
}

impl BenchPlugin {
    /// As the library has it.
    pub(crate) fn options(&self) -> BenchOptions {
        BenchOptions {
            plugin: self.plugin.clone(),
            fixture: self.fixture.clone(),
            time: self.time,
            memory: self.memory,
            access: self.registry.options(None),
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct DevPlugin {
    /// The folder of the project.
    #[arg(default_value = ".", value_name = "DIR")]
    folder: PathBuf,
    /// A component that something else builds. Without it, `leadsman plugin build` builds the project.
    #[arg(long, value_name = "FILE")]
    component: Option<PathBuf>,
    /// The mapping that uses the plugin. `mapping.yaml` of the folder if left out.
    #[arg(long, value_name = "FILE")]
    mapping: Option<PathBuf>,
    /// A configuration whose sources are asked. If left out, the answers of the first of the folder's
    /// fixtures that has instant vectors.
    #[arg(long, value_name = "FILE")]
    against: Option<PathBuf>,
    /// The namespace to read in. That of the fixture, or `default`, if left out.
    #[arg(long)]
    namespace: Option<String>,
    /// The port of the API; 0 for any that is free.
    #[arg(long, value_name = "PORT", default_value_t = 0)]
    secure_port: u16,
    /// Where metrics and the status page are served.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0")]
    admin_address: SocketAddr,
}

impl DevPlugin {
    /// As the library has it.
    pub(crate) fn options(&self) -> DevOptions {
        DevOptions {
            folder: self.folder.clone(),
            component: self.component.clone(),
            mapping: self.mapping.clone(),
            against: self.against.clone(),
            namespace: self.namespace.clone(),
            api: SocketAddr::from((std::net::Ipv4Addr::LOCALHOST, self.secure_port)),
            admin: self.admin_address,
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct DiffPlugins {
    /// The old version: a component, the name of a plugin that ships with Leadsman, or a reference.
    #[arg(value_name = "OLD")]
    pub(crate) old: String,
    /// The new version.
    #[arg(value_name = "NEW")]
    pub(crate) new: String,
    /// A recorded input, besides the fixtures that they bring along. Can be repeated.
    #[arg(long, value_name = "FILE")]
    pub(crate) fixture: Vec<PathBuf>,
    #[command(flatten)]
    registry: RegistryFlags,
}

impl DiffPlugins {
    /// How registries are accessed.
    pub(crate) fn access(&self) -> RegistryOptions {
        self.registry.options(None)
    }
}

#[derive(Debug, Args)]
pub(crate) struct InspectPlugin {
    /// A component, the name of a plugin that ships with Leadsman, or a reference.
    #[arg(value_name = "PLUGIN")]
    pub(crate) plugin: String,
    /// The public keys, one of which must have signed the artifact that a reference names.
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    #[command(flatten)]
    registry: RegistryFlags,
}

impl InspectPlugin {
    /// How registries are accessed.
    pub(crate) fn access(&self) -> RegistryOptions {
        self.registry.options(self.key.clone())
    }
}

#[derive(Debug, Args)]
pub(crate) struct PushPlugin {
    /// The component.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Where to, with a tag: registry.example/plugins/rate:1.2
    #[arg(value_name = "REFERENCE")]
    reference: Reference,
    /// An annotation of the artifact, such as `org.opencontainers.image.authors=Team A`. Name, version
    /// and description are those of the plugin unless they are given. Can be repeated.
    #[arg(long, value_name = "KEY=VALUE", value_parser = annotation)]
    annotation: Vec<(String, String)>,
    /// Push only if the tag refers to the manifest with this digest now, or with `none`, to nothing.
    #[arg(long, value_name = "DIGEST|none", value_parser = expected, default_value = "any", hide_default_value = true)]
    expect_digest: Expected,
    #[command(flatten)]
    registry: RegistryFlags,
}

fn annotation(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("expected KEY=VALUE".to_owned()),
    }
}

fn expected(text: &str) -> Result<Expected, String> {
    match text {
        "any" => Ok(Expected::Anything),
        "none" => Ok(Expected::Nothing),
        digest => digest.parse::<Digest>().map(Expected::Digest),
    }
}

impl PushPlugin {
    /// As the library has it.
    pub(crate) fn options(&self) -> PushOptions {
        PushOptions {
            file: self.file.clone(),
            reference: self.reference.clone(),
            annotations: BTreeMap::from_iter(self.annotation.iter().cloned()),
            expected: self.expect_digest,
            access: self.registry.options(None),
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct SignPlugin {
    /// The artifact. A tag is resolved now: what is signed is a digest.
    #[arg(value_name = "REFERENCE")]
    pub(crate) reference: Reference,
    /// The private key of cosign. `cosign.key` if left out. It is not read.
    #[arg(long, value_name = "FILE")]
    pub(crate) key: Option<PathBuf>,
    #[command(flatten)]
    registry: RegistryFlags,
}

impl SignPlugin {
    /// How registries are accessed.
    pub(crate) fn access(&self) -> RegistryOptions {
        self.registry.options(None)
    }
}

#[derive(Debug, Args)]
pub(crate) struct PullPlugin {
    /// The artifact.
    #[arg(value_name = "REFERENCE")]
    pub(crate) reference: Reference,
    /// Where the component is written. The last part of the repository, with `.wasm`, if left out.
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// The public keys, one of which must have signed the artifact.
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    #[command(flatten)]
    registry: RegistryFlags,
}

impl PullPlugin {
    /// How registries are accessed.
    pub(crate) fn access(&self) -> RegistryOptions {
        self.registry.options(self.key.clone())
    }

    /// Where the component is written.
    pub(crate) fn output(&self) -> PathBuf {
        let last = self.reference.repository().rsplit('/').next().unwrap_or("plugin");
        self.output.clone().unwrap_or_else(|| PathBuf::from(format!("{last}.wasm")))
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::super::{Cli, Command, Plugin};
    use super::*;

    fn parsed(line: &str) -> Result<Plugin, clap::Error> {
        let line = format!("leadsman plugin {line}");
        let cli = Cli::try_parse_from(line.split_whitespace())?;
        let Command::Plugin(plugin) = cli.command else { panic!() };
        Ok(plugin)
    }

    #[test]
    fn a_run_has_one_input() {
        let Plugin::Run(run) = parsed("run a.wasm --mapping m --against c").unwrap() else {
            panic!()
        };
        assert_eq!(run.try_options().unwrap().namespace, "default");
        let Plugin::Run(run) = parsed("run ratio --fixture f").unwrap() else { panic!() };
        assert!(run.try_options().is_none() && run.fixture.is_some());
        for wrong in [
            "",
            "--mapping m",
            "--against c",
            "--fixture f --record r",
            "--mapping m --against c --fixture f",
        ] {
            assert!(parsed(&format!("run a.wasm {wrong}")).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_push_may_expect_what_the_tag_is() {
        let digest = Digest::of(b"");
        for (flag, wanted) in [
            (String::new(), Expected::Anything),
            ("--expect-digest none".to_owned(), Expected::Nothing),
            (format!("--expect-digest {digest}"), Expected::Digest(digest)),
        ] {
            let line = format!("push a.wasm r.example/a:1 --annotation a=b=c {flag}");
            let Plugin::Push(push) = parsed(&line).unwrap() else { panic!() };
            assert_eq!(push.options().expected, wanted);
            assert_eq!(push.options().annotations["a"], "b=c");
        }
        assert!(parsed("push a.wasm r.example/a:1 --expect-digest latest").is_err());
        assert!(parsed("push a.wasm busy:1").is_err(), "the registry is missing");
    }

    #[test]
    fn a_component_is_named_after_its_repository() {
        let Plugin::Pull(pull) = parsed("pull r.example/team/rate:1").unwrap() else { panic!() };
        assert_eq!(pull.output(), PathBuf::from("rate.wasm"));
    }

    #[test]
    fn limits_are_those_that_a_mapping_may_have() {
        assert!(parsed("bench a.wasm --memory 1048576 --time 1s").is_ok());
        assert!(parsed("bench a.wasm --memory 1").is_err());
        assert!(parsed("bench a.wasm --memory 67108865").is_err());
    }
}
