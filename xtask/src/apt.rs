//! Installing Debian packages, if that needs no password.

use std::path::Path;
use std::process::Command;

use crate::failure::Failure;
use crate::programs;

/// A way to run `apt-get` as root.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Apt {
    sudo: bool,
}

impl Apt {
    /// Finds a way, or returns why there is none.
    pub(crate) fn find() -> Result<Self, &'static str> {
        if programs::find("apt-get").is_none() {
            return Err("there is no apt-get here");
        }
        if programs::quietly(Command::new("id").arg("-u")).is_ok_and(|id| id.trim() == "0") {
            return Ok(Self { sudo: false });
        }
        match programs::quietly(Command::new("sudo").args(["-n", "true"])) {
            Ok(_) => Ok(Self { sudo: true }),
            Err(_) => Err("apt-get needs root, and sudo a password"),
        }
    }

    /// Installs packages; never removes one.
    pub(crate) fn install(self, packages: &[&str]) -> Result<(), Failure> {
        let packages_shown = packages.join(" ");
        println!("  apt-get update");
        // An unreachable package source matters only if a package comes from it.
        if let Err(reason) = programs::quietly(&mut self.command(&["update"])) {
            println!("  ... not in full: {reason}");
        }
        println!("  apt-get install {packages_shown}");
        let mut install = self.command(&["install", "-y", "--no-install-recommends"]);
        // Debian's Rust conflicts with other packages of Rust, which must not be removed.
        install.arg("--no-remove").args(packages);
        programs::quietly(&mut install).map(drop).map_err(|reason| {
            Failure::Message(format!("apt-get install {packages_shown}: {reason}"))
        })
    }

    /// Stops a server that its package has just started: it was installed for the tests only.
    pub(crate) fn stop_service(self, name: &str) {
        if !Path::new("/run/systemd/system").is_dir() {
            return;
        }
        println!("  systemctl disable --now {name}");
        let mut systemctl = self.root();
        // A server that keeps running does no harm: the tests use other ports.
        if let Err(reason) =
            programs::quietly(systemctl.args(["systemctl", "disable", "--now", name]))
        {
            println!("  ... {reason}");
        }
    }

    fn command(self, arguments: &[&str]) -> Command {
        let mut command = self.root();
        command.args(["DEBIAN_FRONTEND=noninteractive", "apt-get", "-q"]);
        // Waits for another apt-get on this machine.
        command.args(["-o", "DPkg::Lock::Timeout=300"]).args(arguments);
        command
    }

    /// The prefix that runs a program as root.
    fn root(self) -> Command {
        if self.sudo {
            let mut command = Command::new("sudo");
            command.args(["-n", "env"]);
            return command;
        }
        Command::new("env")
    }
}
