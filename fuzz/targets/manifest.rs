//! Manifests of KEDA: what is written for them is a configuration without faults.
#![no_main]

use std::path::Path;

use leadsman_config::{DocumentOrigin, Flags, parse};
use leadsman_convert::{ConversionSettings, Manifests, convert};

libfuzzer_sys::fuzz_target!(|text: &str| {
    // Queries are checked on a separate thread.
    leadsman_fuzz::only_own_panics();
    let mut manifests = Manifests::new("default");
    manifests.read("manifest.yaml", text);
    let conversion = convert(&manifests, &ConversionSettings::default());
    assert!(!conversion.to_string().is_empty());
    let _ = conversion.autoscalers();
    // The files of credentials are not there.
    if conversion.mounts().is_some() {
        return;
    }
    let config = conversion.config();
    let origin = DocumentOrigin::Folder(Path::new("/nonexistent"));
    let parsed = parse("config.yaml", &origin, &Flags::default(), &config);
    assert_eq!(parsed.faults, [], "{config}");
});
