//! Runs the adapter with a breakpoint at each function, which is taken away when it is first reached: it tells
//! what runs, and nothing is slow afterwards.

use std::collections::{HashMap, HashSet};
use std::error::Error;
use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::FileExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, ExitCode};

use nix::errno::Errno;
use nix::sys::ptrace::{self, Event, Options};
use nix::sys::signal::{SigSet, Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

use crate::link_map::Function;

/// The command that serves. What others run is not recorded.
const SERVE: &str = "serve";

/// The instruction `int3`.
const BREAKPOINT: u8 = 0xcc;

/// Waits until it is traced, and becomes the program of its arguments.
const STOPPED: &str = "kill -STOP $$; exec \"$0\" \"$@\"";

/// What is written at once: breakpoints are everywhere in the program.
const CHUNK: usize = 1 << 20;

/// Runs the program, and records the addresses of the functions that it runs if it serves.
pub(crate) fn run(
    program: &Path,
    functions: &[Function],
    record: &Path,
    arguments: &[OsString],
) -> Result<ExitCode, Box<dyn Error>> {
    if arguments.first().is_none_or(|command| command != SERVE) {
        return Err(Command::new(program).args(arguments).exec().into());
    }
    let mut command = Command::new("/bin/sh");
    command.args(["-c", STOPPED]).arg(program).args(arguments);
    let child = Pid::from_raw(i32::try_from(command.spawn()?.id())?);
    // To end this is to end the program in order, as what it does then is recorded, too. The program has begun:
    // it would inherit that the signals are blocked.
    let mut ends = SigSet::empty();
    ends.add(Signal::SIGINT);
    ends.add(Signal::SIGTERM);
    ends.thread_block()?;
    let _signals = std::thread::Builder::new().name("signals".to_owned()).spawn(move || {
        while let Ok(signal) = ends.wait() {
            let _ = kill(child, signal);
        }
    })?;
    waitpid(child, Some(WaitPidFlag::WUNTRACED))?;
    ptrace::seize(
        child,
        Options::PTRACE_O_EXITKILL
            | Options::PTRACE_O_TRACEEXEC
            | Options::PTRACE_O_TRACECLONE
            | Options::PTRACE_O_TRACEFORK
            | Options::PTRACE_O_TRACEVFORK,
    )?;
    kill(child, Signal::SIGCONT)?;
    let record = File::create(record)?;
    let mut recorder = Recorder { child, program, functions, breakpoints: None, record };
    loop {
        match waitpid(None, Some(WaitPidFlag::__WALL)) {
            Ok(WaitStatus::Exited(pid, code)) if pid == child => {
                return Ok(ExitCode::from(u8::try_from(code)?));
            }
            Ok(WaitStatus::Signaled(pid, signal, _)) if pid == child => {
                return Err(format!("ended by {signal}").into());
            }
            Ok(status) => recorder.stopped(status)?,
            Err(Errno::EINTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

struct Recorder<'a> {
    child: Pid,
    program: &'a Path,
    functions: &'a [Function],
    /// From the moment on that the program is in memory.
    breakpoints: Option<Breakpoints>,
    record: File,
}

/// The breakpoints of the program.
struct Breakpoints {
    /// Where the program is in memory.
    base: u64,
    /// The first byte of each function, by its address in the program.
    originals: HashMap<u64, u8>,
    reached: HashSet<u64>,
}

impl Recorder<'_> {
    /// Lets a thread that stopped go on.
    fn stopped(&mut self, status: WaitStatus) -> Result<(), Box<dyn Error>> {
        match status {
            WaitStatus::PtraceEvent(thread, _, event)
                if event == Event::PTRACE_EVENT_EXEC as i32 =>
            {
                if thread == self.child && self.breakpoints.is_none() {
                    let breakpoints = Breakpoints::set(thread, self.program, self.functions)?;
                    self.breakpoints = Some(breakpoints);
                    go_on(thread, None)
                } else {
                    // Another process, such as that which compiles plugins: what it runs does not serve.
                    gone_is_fine(ptrace::detach(thread, None))
                }
            }
            WaitStatus::PtraceEvent(thread, ..) => go_on(thread, None),
            WaitStatus::Stopped(thread, Signal::SIGTRAP) => {
                if let Some(breakpoints) = &mut self.breakpoints
                    && let Some(address) = breakpoints.reached(thread)?
                {
                    writeln!(self.record, "{address:x}")?;
                }
                go_on(thread, None)
            }
            WaitStatus::Stopped(thread, signal) => go_on(thread, Some(signal)),
            _ => Ok(()),
        }
    }
}

impl Breakpoints {
    fn set(process: Pid, program: &Path, functions: &[Function]) -> Result<Self, Box<dyn Error>> {
        let base = base(process, program)?;
        let first = functions.iter().map(|function| function.address).min().unwrap_or_default();
        let end = functions.iter().map(|function| function.address + function.size).max();
        let mut text = vec![0; usize::try_from(end.unwrap_or(first) - first)?];
        let memory = memory(process)?;
        memory.read_exact_at(&mut text, base + first)?;
        let mut originals = HashMap::new();
        for function in functions {
            let byte = &mut text[usize::try_from(function.address - first)?];
            // Two names of one function have one breakpoint.
            originals.entry(function.address).or_insert(*byte);
            *byte = BREAKPOINT;
        }
        let mut at = base + first;
        for chunk in text.chunks(CHUNK) {
            memory.write_all_at(chunk, at)?;
            at += chunk.len() as u64;
        }
        Ok(Self { base, originals, reached: HashSet::new() })
    }

    /// Takes away the breakpoint at which a thread stopped. Returns its address if it is the first that
    /// reached it.
    fn reached(&mut self, thread: Pid) -> Result<Option<u64>, Box<dyn Error>> {
        let mut registers = match ptrace::getregs(thread) {
            Err(Errno::ESRCH) => return Ok(None),
            registers => registers?,
        };
        let address = registers.rip.wrapping_sub(1).wrapping_sub(self.base);
        let Some(&original) = self.originals.get(&address) else { return Ok(None) };
        // A process that was forked has a copy of the breakpoint until it runs another program. One whose
        // memory cannot be written was killed.
        let restored =
            memory(thread).and_then(|memory| memory.write_all_at(&[original], self.base + address));
        if restored.is_err() {
            return Ok(None);
        }
        registers.rip -= 1;
        gone_is_fine(ptrace::setregs(thread, registers))?;
        Ok(self.reached.insert(address).then_some(address))
    }
}

/// Where a program is in the memory of its process.
fn base(process: Pid, program: &Path) -> Result<u64, Box<dyn Error>> {
    let maps = std::fs::read_to_string(format!("/proc/{process}/maps"))?;
    let program = std::fs::canonicalize(program)?;
    let first = maps.lines().find(|line| line.ends_with(&*program.to_string_lossy()));
    let start =
        first.and_then(|line| line.split_once('-')).ok_or("the program is not in memory")?;
    Ok(u64::from_str_radix(start.0, 16)?)
}

fn memory(thread: Pid) -> std::io::Result<File> {
    OpenOptions::new().read(true).write(true).open(format!("/proc/{thread}/mem"))
}

fn go_on(thread: Pid, signal: Option<Signal>) -> Result<(), Box<dyn Error>> {
    gone_is_fine(ptrace::cont(thread, signal))
}

/// A thread may be killed at any time. That it ended is told by what waits for it.
fn gone_is_fine(result: nix::Result<()>) -> Result<(), Box<dyn Error>> {
    match result {
        Err(Errno::ESRCH) => Ok(()),
        result => Ok(result?),
    }
}
