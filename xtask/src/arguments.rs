//! The command line.

use crate::bench::Benchmark;
use crate::ci::CiStep;
use crate::failure::Failure;
use crate::fuzz::Fuzz;

/// The output of `cargo xtask help`.
pub(crate) const USAGE: &str = "\
usage: cargo xtask COMMAND

  setup [--tests|--deny]
                      install a compiler for plugins; --tests: the servers that the tests
                      ask, too: Prometheus, a registry, a control plane,
                      prometheus-adapter, KEDA; --deny: cargo-deny instead
  demo [ARGS]         run `leadsman demo ARGS`, with a recorded NSX ALB controller
  test [FILTER]       build and run every test, or those whose name contains FILTER
  ci [STEP...]        what a submission must pass, or these steps of it:
                      format, test, clippy, docs, deny, drift
                      (BLESS=1 cargo xtask ci drift writes the generated files)
  bench [NAME [ARGS]] run the benchmarks, or one: reads, shapes, evaluation,
                      recording, cluster, objects, reload, relist, neighbours, bounds,
                      delegates, nsx_alb, scaler;
                      ARGS of reads: the path of another build, to compare with; of
                      bounds: names of attacks; of nsx_alb: [STEP [SECONDS]]
  fuzz [--seconds N] [TARGET...]
                      feed what reads bytes from outside with mutated ones, each parser
                      for a minute, or those of fuzz/targets that are named
  crates              print which of the adapter's crates uses which
  layout              write host/layout.ld: the functions that run while the adapter
                      serves, which the linker places side by side
  help                this text";

/// The command.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Command {
    Help,
    Setup { tests: bool },
    SetupDeny,
    Demo { arguments: Vec<String> },
    Test { filter: Option<String> },
    Ci { steps: Vec<CiStep> },
    Bench { name: Option<Benchmark>, arguments: Vec<String> },
    Fuzz(Fuzz),
    Crates,
    Layout,
}

/// Parses a command line, without the program's name.
pub(crate) fn parse(mut arguments: Vec<String>) -> Result<Command, Failure> {
    if arguments.is_empty() {
        return Err(Failure::Usage("which command?".to_owned()));
    }
    let command = arguments.remove(0);
    match (command.as_str(), arguments.as_slice()) {
        ("help" | "--help" | "-h", _) => Ok(Command::Help),
        ("setup", []) => Ok(Command::Setup { tests: false }),
        ("setup", [flag]) if flag == "--tests" => Ok(Command::Setup { tests: true }),
        ("setup", [flag]) if flag == "--deny" => Ok(Command::SetupDeny),
        ("demo", _) => Ok(Command::Demo { arguments }),
        ("test", []) => Ok(Command::Test { filter: None }),
        // A flag for cargo or libtest would silently match no test.
        ("test", [filter]) if !filter.starts_with('-') => {
            Ok(Command::Test { filter: Some(filter.clone()) })
        }
        ("ci", names) => steps(names).map(|steps| Command::Ci { steps }),
        ("bench", []) => Ok(Command::Bench { name: None, arguments }),
        ("bench", [name, rest @ ..]) => {
            let name = Some(Benchmark::named(name).ok_or_else(|| unknown("benchmark", name))?);
            Ok(Command::Bench { name, arguments: rest.to_vec() })
        }
        ("crates", []) => Ok(Command::Crates),
        ("layout", []) => Ok(Command::Layout),
        ("fuzz", rest) => Fuzz::parse(rest).map(Command::Fuzz),
        ("setup" | "test" | "crates" | "layout", rest) => {
            Err(Failure::Usage(format!("`{command}` does not take `{}`", rest.join(" "))))
        }
        _ => Err(unknown("command", &command)),
    }
}

fn steps(names: &[String]) -> Result<Vec<CiStep>, Failure> {
    if names.is_empty() {
        return Ok(CiStep::ALL.to_vec());
    }
    names.iter().map(|name| CiStep::named(name).ok_or_else(|| unknown("step", name))).collect()
}

fn unknown(what: &str, name: &str) -> Failure {
    Failure::Usage(format!("there is no {what} `{name}`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Command, String> {
        let arguments = line.split_whitespace().map(str::to_owned).collect();
        parse(arguments).map_err(|failure| failure.to_string())
    }

    #[test]
    fn each_command_is_understood() {
        let demo = vec!["--port".to_owned(), "0".to_owned()];
        assert_eq!(parsed("setup"), Ok(Command::Setup { tests: false }));
        assert_eq!(parsed("setup --tests"), Ok(Command::Setup { tests: true }));
        assert_eq!(parsed("setup --deny"), Ok(Command::SetupDeny));
        assert_eq!(parsed("demo --port 0"), Ok(Command::Demo { arguments: demo }));
        assert_eq!(parsed("test reads"), Ok(Command::Test { filter: Some("reads".to_owned()) }));
        assert_eq!(parsed("ci"), Ok(Command::Ci { steps: CiStep::ALL.to_vec() }));
        let steps = vec![CiStep::Docs, CiStep::Deny];
        assert_eq!(parsed("ci docs deny"), Ok(Command::Ci { steps }));
        let name = Some(Benchmark::Shapes);
        assert_eq!(parsed("bench shapes"), Ok(Command::Bench { name, arguments: Vec::new() }));
        assert_eq!(parsed("fuzz"), Ok(Command::Fuzz(Fuzz::default())));
    }

    #[test]
    fn what_is_not_understood_is_named() {
        assert_eq!(parsed(""), Err("which command?".to_owned()));
        assert_eq!(parsed("tests"), Err("there is no command `tests`".to_owned()));
        assert_eq!(parsed("test --lib"), Err("`test` does not take `--lib`".to_owned()));
        assert_eq!(parsed("setup all of it"), Err("`setup` does not take `all of it`".to_owned()));
        assert_eq!(parsed("ci lint"), Err("there is no step `lint`".to_owned()));
        assert_eq!(parsed("bench all"), Err("there is no benchmark `all`".to_owned()));
    }
}
