//! References of artifacts, and digests.
#![no_main]

use leadsman_oci::{Digest, Reference};

libfuzzer_sys::fuzz_target!(|text: &str| {
    if let Ok(digest) = text.parse::<Digest>() {
        assert_eq!(digest.to_string(), text);
    }
    let Ok(reference) = text.parse::<Reference>() else { return };
    let written = reference.to_string();
    assert_eq!(written.parse::<Reference>().as_ref(), Ok(&reference), "{written:?}");
    assert!(written.eq_ignore_ascii_case(text), "{written:?}");
    // Host and repository become parts of a URL, and must not change any other part.
    let safe = |c: char| c.is_ascii_alphanumeric() || "-._:[]/".contains(c);
    assert!(reference.registry().chars().all(|c| c != '/' && safe(c)), "{written:?}");
    assert!(reference.repository().chars().all(|c| c != ':' && safe(c)), "{written:?}");
    assert!(reference.repository().split('/').all(|part| !matches!(part, "" | "." | "..")));
});
