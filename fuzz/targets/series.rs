//! Lists of series in chunks: the first line has the number of bytes of each.
#![no_main]

use leadsman_source::prometheus_series;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Some((&size, body)) = bytes.split_first() else { return };
    let whole = prometheus_series([body]);
    let pieces = prometheus_series(body.chunks(usize::from(size).max(1)));
    // The result does not depend on the chunks.
    match (&whole, &pieces) {
        (Ok(whole), Ok(pieces)) => assert_eq!(whole, pieces),
        (whole, pieces) => assert_eq!(whole.is_ok(), pieces.is_ok(), "{whole:?} {pieces:?}"),
    }
});
