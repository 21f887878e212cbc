//! Installing Debian packages, where that needs nobody's password.

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
    /// Finds out how, or why not.
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
        // A source that is out of reach matters only when a package comes from it.
        if let Err(reason) = programs::quietly(&mut self.command(&["update"])) {
            println!("  ... not in full: {reason}");
        }
        println!("  apt-get install {packages_shown}");
        let mut install = self.command(&["install", "-y", "--no-install-recommends"]);
        // Debian's Rust conflicts with other packages of Rust: those are not ours to remove.
        install.arg("--no-remove").args(packages);
        programs::quietly(&mut install)
            .map(drop)
            .map_err(|reason| Failure::Told(format!("apt-get install {packages_shown}: {reason}")))
    }

    /// Stops a server that its package has just started: what is installed for the tests is no
    /// service of this machine.
    pub(crate) fn stop_service(self, name: &str) {
        if !Path::new("/run/systemd/system").is_dir() {
            return;
        }
        println!("  systemctl disable --now {name}");
        let mut systemctl = self.root();
        // The tests do not mind one that goes on: theirs have ports of their own.
        if let Err(reason) =
            programs::quietly(systemctl.args(["systemctl", "disable", "--now", name]))
        {
            println!("  ... {reason}");
        }
    }

    fn command(self, arguments: &[&str]) -> Command {
        let mut command = self.root();
        command.args(["DEBIAN_FRONTEND=noninteractive", "apt-get", "-q"]);
        // Another apt-get on this machine is waited for.
        command.args(["-o", "DPkg::Lock::Timeout=300"]).args(arguments);
        command
    }

    /// What runs another program as root.
    fn root(self) -> Command {
        if self.sudo {
            let mut command = Command::new("sudo");
            command.args(["-n", "env"]);
            return command;
        }
        Command::new("env")
    }
}
