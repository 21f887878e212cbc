//! Components before compiling: structure and limits.
#![no_main]

use leadsman_sandbox::limits::{ExceededLimit, StructuralLimits, check};
use wasmparser::{Validator, WasmFeatures};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let compiled = check(bytes, &StructuralLimits::DEFAULT);
    let interpreted = check(bytes, &StructuralLimits::INTERPRETER);
    // Whatever the narrower limits accept, the wider ones accept, too.
    assert!(compiled.is_err() || interpreted.is_ok(), "{interpreted:?}");
    if let Err(error) = &interpreted {
        assert!(!error.to_string().is_empty());
    }
    // What is refused as malformed, the compiler refuses, too.
    if let Err(ExceededLimit::Malformed(reason)) = interpreted {
        let valid = Validator::new_with_features(WasmFeatures::default()).validate_all(bytes);
        assert!(valid.is_err(), "{reason}");
    }
});
