//! Parsing of quantities, and quantities from floats.
#![no_main]

use leadsman_model::quantity::Quantity;

/// Up to this value a float distinguishes thousandths, including rounding errors.
const EXACT: u64 = 1 << 50;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Ok(text) = std::str::from_utf8(bytes)
        && let Ok(quantity) = text.parse::<Quantity>()
    {
        written(quantity);
    }
    let Some((first, rest)) = bytes.split_first_chunk() else { return };
    let first = served(f64::from_le_bytes(*first));
    let Some((second, _)) = rest.split_first_chunk() else { return };
    let second = served(f64::from_le_bytes(*second));
    if let (Some((a, one)), Some((b, other))) = (first, second) {
        assert!(a > b || one <= other, "{a:e} as {one}, {b:e} as {other}");
    }
});

fn served(value: f64) -> Option<(f64, Quantity)> {
    let Ok(quantity) = Quantity::from_f64(value) else {
        assert!(!value.is_finite() || value.abs() >= 9.19e15, "{value:e}");
        return None;
    };
    // An autoscaler scales to zero at exactly 0.
    assert_eq!(quantity == Quantity::ZERO, value == 0.0, "{value:e}");
    let lost = (quantity.as_f64() - value).abs();
    assert!(lost <= 0.001_001 + value.abs() * 1e-15, "{value:e} as {quantity}");
    written(quantity);
    Some((value, quantity))
}

fn written(quantity: Quantity) {
    let text = quantity.to_string();
    if quantity.milli().unsigned_abs() < EXACT {
        assert_eq!(text.parse(), Ok(quantity), "{text}");
    }
}
