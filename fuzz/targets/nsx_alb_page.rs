//! Metrics of an NSX ALB controller in the Prometheus format.
#![no_main]

use leadsman_source::nsx_alb_page;

libfuzzer_sys::fuzz_target!(|page: &[u8]| {
    let Ok(series) = nsx_alb_page(page) else { return };
    // Each has a line of its own.
    assert!(series <= page.split(|byte| *byte == b'\n').count());
    // Nothing is taken for no metrics but what says so.
    let says_so = |page: &[u8]| page.windows(22).any(|text| text == b"Successfully gathered ");
    assert!(series > 0 || says_so(page));
});
