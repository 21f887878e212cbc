//! Public keys: PEM unchanged, and anything else as the DER in a PEM.
#![no_main]

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use leadsman_oci::PublicKey;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if bytes.starts_with(b"-----BEGIN")
        && let Ok(text) = std::str::from_utf8(bytes)
    {
        if let Ok(keys) = PublicKey::from_pem(text) {
            assert!(!keys.is_empty());
        }
        return;
    }
    let der = STANDARD.encode(bytes);
    let pem = format!("-----BEGIN PUBLIC KEY-----\n{der}\n-----END PUBLIC KEY-----\n");
    if let Ok(keys) = PublicKey::from_pem(&pem) {
        let twice = PublicKey::from_pem(&format!("{pem}{pem}"));
        assert_eq!(twice.map(|keys| keys.len()), Ok(2 * keys.len()));
    }
});
