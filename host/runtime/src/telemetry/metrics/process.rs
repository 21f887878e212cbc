//! Metrics of the process by the names of Prometheus' client libraries, of the async runtime, and of the
//! build. They are read at each scrape.

use std::fmt;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;
use tokio::runtime::Handle;

/// What the kernel knows of the process. Where it has no `/proc`, nothing.
#[derive(Debug)]
struct Process;

/// What tokio knows of its threads and tasks. Outside of it, nothing.
#[derive(Debug)]
struct Tasks;

/// The figures of `/proc/self`.
struct ProcessFigures {
    cpu_seconds: f64,
    resident_bytes: f64,
    virtual_bytes: f64,
    start_seconds: Option<f64>,
}

/// Registers the metrics whose names have no prefix.
pub(super) fn register(registry: &mut Registry) {
    registry.register_collector(Box::new(Process));
}

/// Registers those whose names have.
pub(super) fn register_own(registry: &mut Registry) {
    let build = Info::new(vec![
        ("version", env!("CARGO_PKG_VERSION")),
        ("os", std::env::consts::OS),
        ("arch", std::env::consts::ARCH),
    ]);
    registry.register("build", "The version that runs, and what it was built for", build);
    registry.register_collector(Box::new(Tasks));
}

fn gauge(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    value: f64,
) -> Result<(), fmt::Error> {
    let gauge = ConstGauge::new(value);
    gauge.encode(encoder.encode_descriptor(name, help, None, gauge.metric_type())?)
}

fn counter(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    value: f64,
) -> Result<(), fmt::Error> {
    let counter = ConstCounter::new(value);
    counter.encode(encoder.encode_descriptor(name, help, None, counter.metric_type())?)
}

impl Collector for Process {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let to = &mut encoder;
        if let Some(figures) = ProcessFigures::read() {
            let ProcessFigures { cpu_seconds, resident_bytes, virtual_bytes, start_seconds } =
                figures;
            let help = "Time that the process has used the CPU.";
            counter(to, "process_cpu_seconds", help, cpu_seconds)?;
            let help = "Memory of the process that is in RAM.";
            gauge(to, "process_resident_memory_bytes", help, resident_bytes)?;
            let help = "Addresses that the process has reserved.";
            gauge(to, "process_virtual_memory_bytes", help, virtual_bytes)?;
            if let Some(start) = start_seconds {
                let help = "When the process started, in seconds since the epoch.";
                gauge(to, "process_start_time_seconds", help, start)?;
            }
        }
        if let Some(open) = open_files() {
            gauge(to, "process_open_fds", "Open file descriptors.", open)?;
        }
        if let Some(most) = rustix::process::getrlimit(rustix::process::Resource::Nofile).current {
            let help = "The most file descriptors that may be open.";
            gauge(to, "process_max_fds", help, most as f64)?;
        }
        Ok(())
    }
}

impl Collector for Tasks {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let Ok(handle) = Handle::try_current() else { return Ok(()) };
        let (to, metrics) = (&mut encoder, handle.metrics());
        let workers = metrics.num_workers();
        let help = "Threads that run tasks.";
        gauge(to, "runtime_workers", help, workers as f64)?;
        let help = "Tasks that have not ended.";
        gauge(to, "runtime_tasks", help, metrics.num_alive_tasks() as f64)?;
        let help = "Tasks that are ready and that no thread has taken yet.";
        gauge(to, "runtime_queued_tasks", help, metrics.global_queue_depth() as f64)?;
        #[cfg(target_has_atomic = "64")]
        {
            let busy: std::time::Duration =
                (0..workers).map(|worker| metrics.worker_total_busy_duration(worker)).sum();
            let help = "Time that threads have run tasks.";
            counter(to, "runtime_busy_seconds", help, busy.as_secs_f64())?;
        }
        Ok(())
    }
}

impl ProcessFigures {
    fn read() -> Option<Self> {
        let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
        let boot = std::fs::read_to_string("/proc/stat").ok();
        let boot = boot.as_deref().and_then(|text| {
            text.lines().find_map(|line| line.strip_prefix("btime ")?.trim().parse().ok())
        });
        let ticks = rustix::param::clock_ticks_per_second() as f64;
        Self::parse(&stat, boot, ticks, rustix::param::page_size() as f64)
    }

    /// Reads `/proc/self/stat`. `boot` is when the machine started, in seconds since the epoch.
    fn parse(stat: &str, boot: Option<f64>, ticks: f64, page: f64) -> Option<Self> {
        // The name of the program, in parentheses, may have anything in it.
        let (_, fields) = stat.rsplit_once(')')?;
        let fields: Vec<_> = fields.split_whitespace().collect();
        // As proc(5) numbers them; the first after the name is 3.
        let field = |number: usize| fields.get(number - 3)?.parse::<f64>().ok();
        let start = field(22)? / ticks;
        Some(Self {
            cpu_seconds: (field(14)? + field(15)?) / ticks,
            virtual_bytes: field(23)?,
            resident_bytes: field(24)? * page,
            start_seconds: boot.map(|boot| boot + start),
        })
    }
}

/// Without the one that it is counted with.
fn open_files() -> Option<f64> {
    let open = std::fs::read_dir("/proc/self/fd").ok()?.count();
    Some(open.saturating_sub(1) as f64)
}

#[cfg(test)]
mod tests {
    use super::super::Metrics;
    use super::*;

    #[test]
    fn the_figures_are_those_of_proc() {
        let stat = "42 (a ) b) S 1 42 42 0 -1 4194560 9000 0 12 0 150 50 0 0 20 0 9 0 \
                    300 123456789 2000 18446744073709551615 1";
        let figures = ProcessFigures::parse(stat, Some(1_700_000_000.0), 100.0, 4096.0).unwrap();
        assert_eq!(figures.cpu_seconds, 2.0);
        assert_eq!(figures.virtual_bytes, 123_456_789.0);
        assert_eq!(figures.resident_bytes, 2000.0 * 4096.0);
        assert_eq!(figures.start_seconds, Some(1_700_000_003.0));
        assert!(ProcessFigures::parse("42 (a) S 1", None, 100.0, 4096.0).is_none());
    }

    #[tokio::test]
    async fn the_process_and_its_tasks_are_measured() {
        let page = Metrics::new().encode();
        let value = |name: &str| -> f64 {
            let line = page.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
            line.unwrap_or_else(|| panic!("{name} in {page}")).parse().unwrap()
        };
        assert!(value("leadsman_runtime_workers") >= 1.0);
        assert!(value("leadsman_runtime_tasks") >= 0.0);
        assert!(page.contains(concat!("version=\"", env!("CARGO_PKG_VERSION"), "\"")), "{page}");
        if cfg!(target_os = "linux") {
            assert!(value("process_cpu_seconds_total") >= 0.0);
            assert!(value("process_resident_memory_bytes") > 1e6);
            assert!(value("process_virtual_memory_bytes") > value("process_resident_memory_bytes"));
            assert!(value("process_open_fds") >= 3.0);
            assert!(value("process_max_fds") >= value("process_open_fds"));
            let now = crate::clock::now() as f64 / 1000.0;
            let age = now - value("process_start_time_seconds");
            // The kernel reports both in steps.
            assert!((-2.0..86_400.0).contains(&age), "{age}");
        }
    }
}
