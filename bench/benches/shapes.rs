//! The same job across the plugin boundary, in each candidate shape of the contract.
//!
//! `cargo bench -p leadsman-bench --bench shapes`

use std::collections::BTreeMap;
use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion};
use leadsman_bench::{CONFIG, Memory, Sandbox, Table};
use leadsman_bench_shapes::bytes_to_columns;

const ROWS: [u32; 4] = [0, 100, 1_000, 10_000];
const SAMPLES: usize = 50;

/// The lines of the table, in order. Each is compared with the native line above it.
const LINES: [&str; 11] = [
    NATIVE,
    "bytes to columns",
    "bytes to columns, only the label pod",
    "bytes to columns, no object named",
    "bytes to columns, pages returned",
    "bytes to columns, exact reservation",
    "bytes to records",
    "strings to records",
    "records to records",
    NATIVE_PLUGIN,
    "shipped plugin per-object",
];
const NATIVE: &str = "native";
const NATIVE_PLUGIN: &str = "native per-object";

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut criterion = Criterion::default()
        .warm_up_time(Duration::from_secs(1))
        .measurement_time(Duration::from_secs(3))
        .sample_size(SAMPLES)
        .configure_from_args();
    let sandbox = Sandbox::new(Memory::Kept)?;
    let others = [Sandbox::new(Memory::Returned)?, Sandbox::new(Memory::Exact)?];
    let mut medians = Medians::default();
    for rows in ROWS {
        check(&sandbox, rows)?;
        let mut group = criterion.benchmark_group(rows.to_string());
        measure(
            &sandbox,
            &others,
            rows,
            &mut Run { group: &mut group, rows, medians: &mut medians },
        );
        group.finish();
    }
    print(&medians);
    criterion.final_summary();
    Ok(())
}

fn measure(sandbox: &Sandbox, [returned, exact]: &[Sandbox; 2], rows: u32, run: &mut Run<'_, '_>) {
    let table = Table::new(rows);
    let [native, columns, pods, unnamed, pages, reservation, rest @ ..] = LINES;
    let [bytes, strings, records, native_plugin, plugin] = rest;

    let input = table.native_input();
    run.time(native, || (), |()| bytes_to_columns(black_box(&input)));
    let input = table.input();
    run.time(columns, || (), |()| sandbox.bytes_to_columns(black_box(&input)));
    run.time(pages, || (), |()| returned.bytes_to_columns(black_box(&input)));
    run.time(reservation, || (), |()| exact.bytes_to_columns(black_box(&input)));
    run.time(bytes, || (), |()| sandbox.bytes_to_records(black_box(&input)));
    run.time(plugin, || (), |()| sandbox.per_object(black_box(&input)));
    let input = Table::pods(rows).input();
    run.time(pods, || (), |()| sandbox.bytes_to_columns(black_box(&input)));
    let input = Table::unnamed(rows).input();
    run.time(unnamed, || (), |()| sandbox.bytes_to_columns(black_box(&input)));
    let input = table.strings();
    run.time(strings, || (), |()| sandbox.strings_to_records(black_box(&input)));
    let input = table.records();
    run.time(records, || (), |()| sandbox.records_to_records(black_box(&input)));
    let input = table.sdk_input();
    let per_object = per_object::plugin();
    run.time(native_plugin, || input.clone(), |input| per_object.evaluate(CONFIG, input));
}

/// Checks that all shapes return the same result.
fn check(sandbox: &Sandbox, rows: u32) -> Result<(), Box<dyn std::error::Error>> {
    let table = Table::new(rows);
    let input = table.input();
    let columns = sandbox.bytes_to_columns(&input)?;
    let text = |&id: &u32| {
        let end = |id: usize| input.dictionary.ends[id] as usize;
        let start = (id as usize).checked_sub(1).map_or(0, end);
        String::from_utf8_lossy(&input.dictionary.bytes[start..end(id as usize)]).into_owned()
    };
    let names: Vec<String> = columns.objects.iter().map(text).collect();
    assert_eq!(names.len(), rows as usize);
    for measures in [
        sandbox.bytes_to_records(&input)?,
        sandbox.strings_to_records(&table.strings())?,
        sandbox.records_to_records(&table.records())?,
    ] {
        assert!(measures.iter().map(|measure| &measure.object).eq(&names));
        assert!(measures.iter().map(|measure| &measure.value).eq(&columns.values));
    }
    let native = bytes_to_columns(&table.native_input());
    let plugin = sandbox.per_object(&input)?;
    let pods = sandbox.bytes_to_columns(&Table::pods(rows).input())?;
    for values in [native.values, plugin.values, pods.values] {
        assert_eq!(values, columns.values);
    }
    assert!(sandbox.bytes_to_columns(&Table::unnamed(rows).input())?.values.is_empty());
    Ok(())
}

/// The median in microseconds of each line and number of series.
type Medians = BTreeMap<(&'static str, u32), f64>;

struct Run<'a, 'b> {
    group: &'a mut BenchmarkGroup<'b, WallTime>,
    rows: u32,
    medians: &'a mut Medians,
}

impl Run<'_, '_> {
    /// Times a call, without the preparation of its input and the drop of its output.
    fn time<I, O>(
        &mut self,
        line: &'static str,
        mut prepare: impl FnMut() -> I,
        mut call: impl FnMut(I) -> O,
    ) {
        let mut samples = Vec::new();
        self.group.bench_function(line, |bencher| {
            bencher.iter_custom(|iterations| {
                let mut total = Duration::ZERO;
                for _ in 0..iterations {
                    let input = prepare();
                    let start = Instant::now();
                    let output = call(input);
                    total += start.elapsed();
                    drop(black_box(output));
                }
                samples.push(total.as_secs_f64() * 1e6 / iterations as f64);
                total
            });
        });
        // The first measurements are the warm-up.
        let mut samples = samples.split_off(samples.len().saturating_sub(SAMPLES));
        samples.sort_by(f64::total_cmp);
        if let Some(&median) = samples.get(samples.len() / 2) {
            self.medians.insert((line, self.rows), median);
        }
    }
}

fn print(medians: &Medians) {
    println!("\nMedian microseconds of a call, and the ratio to the native run:\n");
    print!("| |");
    for rows in ROWS {
        print!(" {rows} series |");
    }
    println!("\n|---|{}", "---|".repeat(ROWS.len()));
    let mut base = NATIVE;
    for line in LINES {
        if line == NATIVE_PLUGIN {
            base = line;
        }
        print!("| {line} |");
        for rows in ROWS {
            match (medians.get(&(line, rows)), medians.get(&(base, rows))) {
                // Without series, the native run takes a few nanoseconds, and a ratio is useless.
                (Some(median), Some(native)) if base != line && rows > 0 => {
                    print!(" {median:.1} ({:.1}) |", median / native);
                }
                (Some(median), _) => print!(" {median:.1} |"),
                // Excluded by a filter on the command line.
                (None, _) => print!(" – |"),
            }
        }
        println!();
    }
}
