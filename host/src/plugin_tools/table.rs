//! Texts in columns, for people.

/// Rows in columns that are as wide as their widest cell. The first column and those of text begin at
/// their left.
pub(super) fn columns(rows: &[Vec<String>]) -> String {
    let count = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<_> = (0..count).map(width).collect();
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            line.push_str(cell);
            line.extend(std::iter::repeat_n(' ', width - cell.chars().count() + 2));
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// A number of bytes, for people.
pub(super) fn bytes(bytes: usize) -> String {
    const KIBIBYTE: usize = 1 << 10;
    const MEBIBYTE: usize = 1 << 20;
    match bytes {
        ..KIBIBYTE => format!("{bytes} B"),
        KIBIBYTE..MEBIBYTE => tenths(bytes, KIBIBYTE, "KiB"),
        MEBIBYTE.. => tenths(bytes, MEBIBYTE, "MiB"),
    }
}

fn tenths(amount: usize, unit: usize, name: &str) -> String {
    let tenths = amount * 10 / unit;
    format!("{}.{} {name}", tenths / 10, tenths % 10)
}

/// A duration with three digits, for people.
pub(super) fn time(time: std::time::Duration) -> String {
    let seconds = time.as_secs_f64();
    match seconds {
        ..0.001 => format!("{:.0} µs", seconds * 1e6),
        ..1.0 => format!("{:.2} ms", seconds * 1e3),
        _ => format!("{seconds:.2} s"),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn columns_are_as_wide_as_needed() {
        let rows = [["a", "bb", "c"], ["äöü", "", "d"]];
        let rows = rows.map(|row| row.map(str::to_owned).to_vec());
        assert_eq!(columns(&rows), "a    bb  c\näöü      d\n");
        assert_eq!(columns(&[]), "");
    }

    #[test]
    fn amounts_are_for_people() {
        assert_eq!(bytes(512), "512 B");
        assert_eq!(bytes(1536), "1.5 KiB");
        assert_eq!(bytes(64 << 20), "64.0 MiB");
        assert_eq!(time(Duration::from_micros(250)), "250 µs");
        assert_eq!(time(Duration::from_micros(2500)), "2.50 ms");
        assert_eq!(time(Duration::from_millis(2500)), "2.50 s");
    }
}
