//! A page of metrics, in each format: pieces make no difference, and what is read is what a page may
//! say.
#![no_main]

use leadsman_source::{PageFormat, PageRow, exposition_page};

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    // The first byte says how the page is cut.
    let Some((&piece, page)) = input.split_first() else { return };
    for format in [PageFormat::Text, PageFormat::OpenMetrics, PageFormat::Protobuf] {
        let whole = exposition_page(format, [page]);
        let cut = exposition_page(format, page.chunks(usize::from(piece).max(1)));
        // NaN is not equal to itself, but its text is.
        assert_eq!(format!("{whole:?}"), format!("{cut:?}"));
        let Ok(rows) = whole else { continue };
        rows.iter().for_each(check);
    }
});

fn check((name, labels, ..): &PageRow) {
    assert!(!name.is_empty());
    for (at, (label, _)) in labels.iter().enumerate() {
        assert!(!label.is_empty() && label != "__name__");
        assert!(labels[..at].iter().all(|(other, _)| other != label), "{labels:?}");
    }
}
