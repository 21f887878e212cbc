//! A hundred mappings and 5,000 pools on one NSX ALB controller: the calls that it gets, and the
//! adapter's CPU and memory.
//!
//! The controller plays `tests/scenarios/many-pools.yaml` in a process of its own: this program again,
//! with the argument `controller`. A hundred autoscalers read each 15 s, each a metric of its own for an
//! Ingress of its own; every mapping evaluates all 5,000 pools.
//!
//! `[STEP [SECONDS]]` on the command line: the step of the source, 5 s if left out, as with real time
//! metrics for every pool; and how long to measure. How many calls a minute a step makes is arithmetic,
//! which a test of the source holds; this shows it on the wire, with what it costs.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use leadsman_bench::load::Connection;
use leadsman_bench::process;
use leadsman_bench::scene::mib;
use leadsman_source::Step;
use leadsman_tests::{
    Config, Leadsman, Mapping, RecordedController, eventually, paths, recorded_controller,
};
use tokio::time::{Instant, MissedTickBehavior, interval};

/// The first argument of the process that is the controller.
const CONTROLLER: &str = "controller";

const INGRESSES: &str = "ingresses.networking.k8s.io";

/// As in the scenario.
const NAMESPACES: usize = 5;
const POOLS_OF_NAMESPACE: usize = 1000;
const POOLS: usize = NAMESPACES * POOLS_OF_NAMESPACE;
const METRICS: [&str; 10] = [
    "l4_server.avg_open_conns",
    "l4_server.avg_bandwidth",
    "l4_server.avg_complete_conns",
    "l7_server.avg_total_requests",
    "l7_server.avg_resp_latency",
    "l7_server.avg_application_response_time",
    "l4_client.avg_complete_conns",
    "l4_client.avg_bandwidth",
    "l7_client.avg_total_requests",
    "l7_client.avg_complete_responses",
];

const MAPPINGS: usize = 100;

/// How often an autoscaler reads.
const SYNC: Duration = Duration::from_secs(15);

/// Before the measurement: the first reads of all, whose metrics are asked for as each is wanted.
const WARM_UP: Duration = Duration::from_secs(20);
const WARM_UP_TIMEOUT: Duration = Duration::from_secs(120);

/// A list of all pools is so many calls, of 200 each, and is made so often.
const PAGES: f64 = 25.0;
const LISTED_EACH: Duration = Duration::from_secs(300);

/// How long to measure if the command line does not say: some steps of the shortest one.
const USUAL_TIME: Duration = Duration::from_secs(120);

/// A measurement, and the bounds that are stated for it.
struct Run {
    step: Step,
    time: Duration,
    /// The adapter's CPU, in seconds a minute.
    cpu: f64,
    /// Its memory, in bytes.
    memory: u64,
}

impl Run {
    /// Parses `[STEP [SECONDS]]`.
    fn parse(arguments: &[String]) -> Result<Self, String> {
        let (step, time) = match arguments {
            [] => (Step::FiveSeconds, USUAL_TIME),
            [step] => (step_of(step)?, USUAL_TIME),
            [step, seconds] => {
                let seconds = seconds.parse::<u64>().ok().filter(|&seconds| seconds > 0);
                let seconds = seconds.ok_or("the time is a whole number of seconds above 0")?;
                (step_of(step)?, Duration::from_secs(seconds))
            }
            _ => return Err("usage: [STEP [SECONDS]]".to_owned()),
        };
        let cpu = if step == Step::FiveSeconds { 30.0 } else { 15.0 };
        Ok(Self { step, time, cpu, memory: 400 << 20 })
    }

    /// The step as it stands in a configuration.
    fn name(&self) -> String {
        format!("{}s", self.step.seconds())
    }
}

fn step_of(text: &str) -> Result<Step, String> {
    let units = [("s", 1), ("m", 60), ("h", 3600), ("d", 86_400)];
    let length = units.iter().find_map(|(unit, seconds)| {
        let number: u64 = text.strip_suffix(*unit)?.parse().ok()?;
        number.checked_mul(*seconds).map(Duration::from_secs)
    });
    let step = length.and_then(Step::of);
    step.ok_or_else(|| format!("`{text}` is no step of a controller: 5s, 5m, 1h or 1d"))
}

/// What was measured.
struct Measured {
    /// Calls by what they are for.
    login: f64,
    objects: f64,
    metrics: f64,
    failed_calls: f64,
    reads: usize,
    failed_reads: usize,
    slowest: Duration,
    cpu: Duration,
    controller_cpu: Duration,
    memory: u64,
}

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1).peekable();
    if arguments.next_if(|first| first == CONTROLLER).is_some() {
        return recorded_controller(arguments);
    }
    // Cargo adds `--bench`.
    let words = arguments.map(|argument| argument.to_string_lossy().into_owned());
    let words: Vec<_> = words.filter(|argument| !argument.starts_with("--")).collect();
    let run = match Run::parse(&words) {
        Ok(run) => run,
        Err(message) => {
            eprintln!("{message}");
            return ExitCode::FAILURE;
        }
    };
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().expect("tokio");
    println!(
        "{MAPPINGS} mappings of {} metrics, {POOLS} pools, reads each {SYNC:?}\n",
        METRICS.len()
    );
    println!(
        "{:<6}{:>9}{:>9}{:>9}{:>8}{:>8}{:>8}{:>12}{:>10}{:>12}{:>10}  bounds",
        "step",
        "metrics",
        "objects",
        "logins",
        "failed",
        "reads",
        "failed",
        "slowest ms",
        "CPU s",
        "its CPU s",
        "peak MiB",
    );
    let measured = runtime.block_on(measure(&run));
    let holds = report(&run, &measured);
    println!("\ncalls and CPU are those of a minute; \"its CPU\" is the controller's");
    if holds {
        return ExitCode::SUCCESS;
    }
    println!("a bound does not hold");
    ExitCode::FAILURE
}

/// Prints a row. Returns whether the bounds hold.
fn report(run: &Run, measured: &Measured) -> bool {
    let minutes = run.time.as_secs_f64() / 60.0;
    let steps = run.time.as_secs_f64() / run.step.length().as_secs_f64();
    let lists = (run.time.as_secs_f64() / LISTED_EACH.as_secs_f64()).ceil();
    // One in each step, and another where a sample was late. The lists of the time, and one that
    // began before.
    let (most_metrics, most_objects) = (2.0 * (steps + 1.0), PAGES * (lists + 1.0));
    let cpu = measured.cpu.as_secs_f64() / minutes;
    let holds = [
        measured.metrics <= most_metrics,
        measured.objects <= most_objects,
        measured.login == 0.0,
        measured.failed_calls == 0.0,
        measured.failed_reads == 0,
        cpu <= run.cpu,
        measured.memory <= run.memory,
    ];
    println!(
        "{:<6}{:>9.1}{:>9.1}{:>9.1}{:>8}{:>8}{:>8}{:>12.1}{:>10.1}{:>12.1}{:>10.0}  \
         {:.1} metrics, {:.1} objects, {:.0} s, {:.0} MiB{}",
        run.name(),
        measured.metrics / minutes,
        measured.objects / minutes,
        measured.login / minutes,
        measured.failed_calls,
        measured.reads,
        measured.failed_reads,
        measured.slowest.as_secs_f64() * 1000.0,
        cpu,
        measured.controller_cpu.as_secs_f64() / minutes,
        mib(measured.memory),
        most_metrics / minutes,
        most_objects / minutes,
        run.cpu,
        mib(run.memory),
        if holds.contains(&false) { "  BROKEN" } else { "" },
    );
    !holds.contains(&false)
}

async fn measure(run: &Run) -> Measured {
    let controller = controller().await;
    let step = format!(", step: {}", run.name());
    let leadsman = Leadsman::start(config(&controller.source_with(&step))).await;
    let connection = Connection::open(leadsman.api()).await;
    let paths: Vec<_> = (0..MAPPINGS).map(path).collect();
    for path in &paths {
        eventually(path, WARM_UP_TIMEOUT, async || match connection.read(path).await {
            (true, _) => Ok(()),
            _ => Err(leadsman.get(path).await.body),
        })
        .await;
    }
    let api = leadsman.api();
    read(api, &paths, WARM_UP).await;
    let before = Counts::of(&leadsman).await;
    let (pid, controller_pid) = (leadsman.pid(), controller.pid());
    let (cpu, controller_cpu) = (process::cpu(pid), process::cpu(controller_pid));
    let (reads, failed_reads, slowest) = read(api, &paths, run.time).await;
    let (cpu, controller_cpu) =
        (process::cpu(pid) - cpu, process::cpu(controller_pid) - controller_cpu);
    let after = Counts::of(&leadsman).await;
    Measured {
        login: after.login - before.login,
        objects: after.objects - before.objects,
        metrics: after.metrics - before.metrics,
        failed_calls: after.failed - before.failed,
        reads,
        failed_reads,
        slowest,
        cpu,
        controller_cpu,
        memory: leadsman.peak_memory(),
    }
}

async fn controller() -> RecordedController {
    let program = std::env::current_exe().expect("the path of this program");
    let scenario = scenario();
    let launched = RecordedController::launch_program(&program, &[CONTROLLER], &scenario).await;
    launched.unwrap_or_else(|ended| panic!("the controller ended: {ended:#?}"))
}

fn scenario() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/scenarios/many-pools.yaml")
}

/// Reads the paths in turn, each once in [`SYNC`], each round on a new connection: the adapter closes
/// those that are some minutes old. Gives how many reads there were and failed, and how long the
/// slowest took.
async fn read(api: SocketAddr, paths: &[String], time: Duration) -> (usize, usize, Duration) {
    let count = u32::try_from(paths.len()).expect("a few paths");
    let mut turns = interval(SYNC / count);
    turns.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let (mut reads, mut failed, mut slowest) = (0, 0, Duration::ZERO);
    let begun = Instant::now();
    loop {
        let connection = Connection::open(api).await;
        for path in paths {
            let due = turns.tick().await;
            if begun.elapsed() >= time {
                return (reads, failed, slowest);
            }
            let (ok, _) = connection.read(path).await;
            reads += 1;
            failed += usize::from(!ok);
            slowest = slowest.max(due.elapsed());
        }
    }
}

/// How many calls the controller got.
struct Counts {
    login: f64,
    objects: f64,
    metrics: f64,
    failed: f64,
}

impl Counts {
    async fn of(leadsman: &Leadsman) -> Self {
        let metrics = leadsman.metrics().await;
        let count = |label: &str, value: &str| {
            let labels = [("source", "lb"), (label, value)];
            metrics.sum("leadsman_source_calls_total", &labels).unwrap_or_default()
        };
        Self {
            login: count("call", "login"),
            objects: count("call", "objects"),
            metrics: count("call", "metrics"),
            failed: count("outcome", "failed") + count("outcome", "refused"),
        }
    }
}

fn metric(number: usize) -> String {
    format!("alb_metric_{number}")
}

/// The metric of an Ingress of its own.
fn path(number: usize) -> String {
    let namespace = format!("team-{}", number % NAMESPACES + 1);
    paths::object(&namespace, &format!("{INGRESSES}/web-{number}"), &metric(number))
}

fn config(source: &str) -> Config {
    let config = (0..MAPPINGS).fold(Config::new().source_of("lb", source), |config, number| {
        let id = METRICS[number % METRICS.len()];
        let combine = if id.contains("latency") || id.contains("time") { "max" } else { "sum" };
        let asked = format!("entity: pool, ako: k8s-03-cluster, metric: {id}");
        config.mapping(
            Mapping::custom(&metric(number), INGRESSES)
                .alb_query("lb", "pools", &asked)
                .plugin("per-object", &format!("object: ingress, combine: {combine}"))
                .set("onError", "{lastGood: 15m}"),
        )
    });
    (0..POOLS).fold(config, |config, number| {
        let namespace = format!("team-{}", number / POOLS_OF_NAMESPACE + 1);
        let name = format!("web-{}", number % POOLS_OF_NAMESPACE);
        config.object(INGRESSES, Some(&namespace), &name, "")
    })
}
