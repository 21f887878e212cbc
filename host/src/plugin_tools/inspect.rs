//! Inspects a plugin: its description, what compiling and running it takes, its fixtures, and its origin.

use std::fmt;
use std::time::Duration;

use leadsman_control as control;
use leadsman_document::json_schema;
use leadsman_oci::{ArtifactInfo, Digest};
use leadsman_sandbox::{CompileCost, Description, Limits};

use super::origin::{self, Fetched, Tools};
use super::registry::RegistryOptions;
use super::table;

/// What a registry says about a plugin.
#[derive(Debug, Clone)]
pub struct Provenance {
    /// The reference.
    pub reference: String,
    /// The digest of the manifest.
    pub digest: Digest,
    /// What the manifest says.
    pub info: ArtifactInfo,
    /// Whether it is signed.
    pub signature: Signature,
}

/// Whether an artifact is signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Signature {
    /// There is no signature.
    None,
    /// There are signatures, and no key was given to check them with.
    Unverified,
    /// One is by a key in this file.
    By(String),
    /// It cannot be found out.
    Unknown(String),
}

/// What a plugin is.
#[derive(Debug, Clone)]
pub struct Inspection {
    /// What it says of itself.
    pub description: Description,
    /// The SHA-256 of the component, in hexadecimal.
    pub digest: String,
    /// The size of the component, in bytes, if it does not ship with the adapter.
    pub bytes: Option<usize>,
    /// What compiling it took, if it was compiled for this.
    pub compiled: Option<CompileCost>,
    /// The most time and memory that a run of one of its fixtures took; `None` without fixtures.
    pub runs: Option<(Duration, usize)>,
    /// How many fixtures passed, or why not all do.
    pub tested: Result<usize, String>,
    /// Why the schema of its configuration cannot be used, if it cannot.
    pub schema: Result<(), String>,
    /// What its registry says.
    pub provenance: Option<Provenance>,
}

/// Loads a plugin as `serve` does, and runs its fixtures.
pub async fn inspect(from: &str, access: &RegistryOptions) -> anyhow::Result<Inspection> {
    let tools = Tools::new(None)?;
    let Fetched { plugin, bytes, provenance } = tools.fetch(from, access).await?;
    let tested = control::self_test(&plugin).await;
    let mut runs: Option<(Duration, usize)> = None;
    if tested.is_ok() {
        for (_, fixture) in origin::fixtures(&plugin)? {
            let text = fixture.to_string().into_bytes();
            let ran = control::run_on_fixture(&plugin, text, Limits::default(), 1).await;
            for outcome in ran.unwrap_or_default() {
                let (time, memory) = runs.unwrap_or_default();
                runs = Some((time.max(outcome.took), memory.max(outcome.memory)));
            }
        }
    }
    let description = plugin.description().clone();
    Ok(Inspection {
        schema: json_schema::check(&description.config_schema),
        description,
        digest: plugin.digest().to_owned(),
        bytes,
        compiled: plugin.compile_cost(),
        runs,
        tested,
        provenance,
    })
}

impl Inspection {
    /// Whether the adapter would serve it.
    pub fn is_good(&self) -> bool {
        self.tested.is_ok() && self.schema.is_ok()
    }
}

impl fmt::Display for Provenance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "from     {}", self.reference)?;
        writeln!(f, "manifest {}", self.digest)?;
        if let Some(kind) = &self.info.artifact_type {
            writeln!(f, "type     {kind}")?;
        }
        let signed = match &self.signature {
            Signature::None => "no: there is neither a Sigstore bundle nor a cosign signature",
            Signature::Unverified => "by somebody; --key FILE checks by whom",
            Signature::By(file) => return self.rest(f, &format!("yes, by a key in {file}")),
            Signature::Unknown(reason) => {
                return self.rest(f, &format!("it cannot be found out: {reason}"));
            }
        };
        self.rest(f, signed)
    }
}

impl Provenance {
    fn rest(&self, f: &mut fmt::Formatter<'_>, signed: &str) -> fmt::Result {
        writeln!(f, "signed   {signed}")?;
        for (key, text) in &self.info.annotations {
            writeln!(f, "says     {key}={text}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Inspection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { description, digest, .. } = self;
        if let Some(provenance) = &self.provenance {
            write!(f, "{provenance}")?;
        }
        writeln!(f, "name     {}", description.name)?;
        writeln!(f, "version  {}", description.version)?;
        writeln!(f, "about    {}", description.about)?;
        writeln!(f, "digest   sha256:{digest}")?;
        if let Some(bytes) = self.bytes {
            writeln!(f, "size     {}", table::bytes(bytes))?;
        }
        if let Some(cost) = &self.compiled {
            let memory = match cost.memory.and_then(|memory| usize::try_from(memory).ok()) {
                Some(memory) => format!(", and up to {} of memory", table::bytes(memory)),
                None => String::new(),
            };
            let time = table::time(cost.cpu_time);
            writeln!(f, "compiles in {time} of processor time{memory}")?;
        }
        if let Some((time, memory)) = &self.runs {
            let limits = Limits::default();
            writeln!(
                f,
                "runs     with up to {} of memory (of {}), in up to {} (of {}), on its fixtures",
                table::bytes(*memory),
                table::bytes(limits.memory),
                table::time(*time),
                table::time(limits.time)
            )?;
        }
        writeln!(f, "config   {:#}", description.config_schema)?;
        if let Err(reason) = &self.schema {
            writeln!(f, "schema   {reason}")?;
        }
        match &self.tested {
            Ok(0) => writeln!(f, "fixtures it brings none"),
            Ok(count) => writeln!(f, "fixtures {count} passed"),
            Err(reason) => writeln!(f, "fixtures {reason}"),
        }
    }
}
