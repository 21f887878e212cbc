//! Durations of configurations and recordings.
#![no_main]

use leadsman_document::parse_duration;

libfuzzer_sys::fuzz_target!(|text: &str| {
    let Ok(found) = parse_duration(text) else { return };
    if let Ok(milliseconds) = u64::try_from(found.as_millis()) {
        assert_eq!(parse_duration(&format!("{milliseconds}ms")), Ok(found), "{text:?}");
    }
});
