//! Recordings, and the answers to their queries.
#![no_main]

use std::path::Path;
use std::time::Duration;

use leadsman_document::Document;
use leadsman_model::tenant::Tenant;
use leadsman_source::{FilledQuery, Request, Source};
use leadsman_source::{RecordingSettings, SourceSettings};

libfuzzer_sys::fuzz_target!(|text: &str| {
    let file = std::env::temp_dir().join(format!("leadsman-fuzz-{}.yaml", std::process::id()));
    if std::fs::write(&file, text).is_err() {
        panic!("{} cannot be written", file.display());
    }
    for start_at in [Duration::ZERO, Duration::from_secs(3600)] {
        play(&file, start_at, text);
    }
    let _ = std::fs::remove_file(&file);
});

fn play(file: &Path, start_at: Duration, text: &str) {
    let recording = RecordingSettings { file: file.to_owned(), speed: 10.0, start_at };
    let Ok(source) = Source::new(&SourceSettings::Recording(recording)) else { return };
    let (document, _) = Document::parse("recording", text);
    let queries = document.value.get("queries").and_then(|queries| queries.as_array());
    for query in queries.into_iter().flatten() {
        let promql = query.get("query").and_then(|text| text.as_str()).unwrap_or_default();
        let tenant = Tenant::Operator { scope: None };
        let query = FilledQuery::instant(promql);
        let request = Request { query: &query, max_sample_age: None, now: 0, tenant: &tenant };
        let answer = futures_util::FutureExt::now_or_never(source.fetch(&request));
        assert!(matches!(answer, Some(Ok(_))), "{promql}");
    }
}
