//! Lists of series, which come in pieces: a number of bytes for each on the first line.
#![no_main]

use leadsman::source::prometheus_series;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Some((&size, body)) = bytes.split_first() else { return };
    let whole = prometheus_series([body]);
    let pieces = prometheus_series(body.chunks(usize::from(size).max(1)));
    // Wherever it is cut, it is the same list.
    match (&whole, &pieces) {
        (Ok(whole), Ok(pieces)) => assert_eq!(whole, pieces),
        (whole, pieces) => assert_eq!(whole.is_ok(), pieces.is_ok(), "{whole:?} {pieces:?}"),
    }
});
