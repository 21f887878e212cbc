//! `leadsman explain` and `leadsman try`

use std::path::Path;
use std::process::ExitCode;

use anyhow::Context as _;
use leadsman::explain::{
    self, ExplainError, ExplainedRead, Explainer, HpaExplainer, MetricText, Reads, TryOptions,
};
use leadsman_provider::explanation::{MetricExplanation, With};
use serde::Serialize;

use super::plain::Plain;
use super::{FAILED, FAULTS, failed_with, printed, run};
use crate::cli::{Explain, ExplainFlags, ExplainOutput, Try};

/// Explains an autoscaler, a metric or a mapping.
pub(crate) fn explain(of: Explain) -> ExitCode {
    let done = match &of {
        Explain::Hpa(hpa) => {
            let options = hpa.options();
            run(async {
                let explainer = HpaExplainer::new(&options).await?;
                let explained = async || {
                    let explanation = explainer.explain(&options).await?;
                    match hpa.flags.output {
                        ExplainOutput::Text => Ok(explanation.to_string()),
                        ExplainOutput::Json => json(&explanation, &hpa.flags),
                    }
                };
                follow(&hpa.flags, explained).await
            })
        }
        Explain::Metric(metric) => {
            run(reads(&metric.flags, metric.reads(), metric.record.as_deref()))
        }
        Explain::Mapping(mapping) => run(reads(&mapping.flags, mapping.reads(), None)),
    };
    ended(done)
}

/// Runs a mapping once.
pub(crate) fn try_mapping(of: &Try) -> ExitCode {
    let options = TryOptions {
        mapping: of.mapping.clone(),
        against: of.against.clone(),
        namespace: of.namespace.clone(),
        kubeconfig: of.kubeconfig.clone(),
        plugin: None,
        fixture: of.record.is_some(),
    };
    tried(&options, of.output, of.record.as_deref())
}

/// Runs a mapping once, prints the result, and writes it as a fixture if that is wanted.
pub(super) fn tried(options: &TryOptions, output: ExplainOutput, file: Option<&Path>) -> ExitCode {
    let done = run(async {
        let document = explain::try_mapping(options).await?;
        let text = match output {
            ExplainOutput::Text => MetricText(&document).to_string(),
            ExplainOutput::Json => pretty(&document)?,
        };
        printed(&text);
        if document.metrics.is_empty() {
            // It could not be loaded.
            return Ok(ExitCode::from(FAULTS));
        }
        match file {
            Some(file) => record(&[&document], file),
            None => Ok(ExitCode::SUCCESS),
        }
    });
    ended(done)
}

fn ended(done: anyhow::Result<anyhow::Result<ExitCode>>) -> ExitCode {
    match done.flatten() {
        Ok(code) => code,
        Err(error) => {
            let has_faults = matches!(error.downcast_ref(), Some(ExplainError::Faults(_)));
            failed_with(&error, if has_faults { FAULTS } else { FAILED })
        }
    }
}

/// Explains reads, and writes the newest run of the one that there is as a fixture.
async fn reads(
    flags: &ExplainFlags,
    reads: Reads,
    file: Option<&Path>,
) -> anyhow::Result<ExitCode> {
    let explainer = Explainer::new(flags.kubeconfig.as_deref(), flags.config.clone()).await?;
    let with = With { fixture: file.is_some() };
    let all = async || {
        let mut explained = Vec::new();
        for path in explainer.paths(&reads).await? {
            let document = explainer.explain(&path, with).await?;
            let read_by = explainer.read_by(&document).await;
            explained.push(ExplainedRead { document, read_by });
        }
        anyhow::Ok(explained)
    };
    if let Some(file) = file {
        let explained = all().await?;
        printed(&reported(&explained, flags)?);
        let documents: Vec<_> = explained.iter().map(|read| &read.document).collect();
        return record(&documents, file);
    }
    follow(flags, async || reported(&all().await?, flags)).await
}

fn reported(explained: &[ExplainedRead], flags: &ExplainFlags) -> anyhow::Result<String> {
    match (flags.output, explained) {
        (ExplainOutput::Text, all) => {
            let texts: Vec<_> = all.iter().map(ToString::to_string).collect();
            Ok(texts.join("\n"))
        }
        (ExplainOutput::Json, [one]) => json(one, flags),
        (ExplainOutput::Json, several) => json(&several, flags),
    }
}

/// Shows an explanation, again and again if that is asked for. What fails later is shown, too.
async fn follow(
    flags: &ExplainFlags,
    explained: impl AsyncFn() -> anyhow::Result<String>,
) -> anyhow::Result<ExitCode> {
    let mut text = explained().await?;
    loop {
        let Some(every) = flags.watch else {
            printed(&text);
            return Ok(ExitCode::SUCCESS);
        };
        if !printed(&text) || (flags.output == ExplainOutput::Text && !printed("\n")) {
            return Ok(ExitCode::SUCCESS);
        }
        tokio::time::sleep(every).await;
        text = match explained().await {
            Ok(text) => text,
            Err(error) => {
                eprintln!("leadsman: {}", Plain(format_args!("{error:#}")));
                String::new()
            }
        };
    }
}

/// One object; on one line where there are many to come.
fn json(of: &impl Serialize, flags: &ExplainFlags) -> anyhow::Result<String> {
    match flags.watch {
        Some(_) => Ok(serde_json::to_string(of)? + "\n"),
        None => pretty(of),
    }
}

fn pretty(of: &impl Serialize) -> anyhow::Result<String> {
    Ok(serde_json::to_string_pretty(of)? + "\n")
}

/// Writes the newest run of the one evaluation that there is as a fixture.
fn record(documents: &[&MetricExplanation], file: &Path) -> anyhow::Result<ExitCode> {
    let metrics = documents.iter().flat_map(|document| &document.metrics);
    let evaluations: Vec<_> = metrics.flat_map(|metric| &metric.evaluations).collect();
    let refused = |why: &str| {
        eprintln!("leadsman: {} is not written: {}", file.display(), Plain(why));
        Ok(ExitCode::from(FAULTS))
    };
    let evaluation = match evaluations.as_slice() {
        [one] => one,
        [] => return refused("there is no recorded run"),
        _ => return refused("the read has several evaluations, and a fixture is of one"),
    };
    let Some(fixture) = &evaluation.fixture else {
        return refused(evaluation.no_fixture.as_deref().unwrap_or("there is no recorded run"));
    };
    let text = pretty(fixture)?;
    std::fs::write(file, text).with_context(|| format!("cannot write {}", file.display()))?;
    // The standard output is the explanation and nothing else.
    eprintln!("leadsman: {} has the newest run", file.display());
    Ok(ExitCode::SUCCESS)
}
