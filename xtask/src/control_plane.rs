//! The control plane of the tests: etcd, kube-apiserver, kube-controller-manager and kubectl in one
//! program, and Helm.

use std::env;
use std::path::PathBuf;

use crate::built::{Manners, Module};
use crate::failure::Failure;

/// Its sources.
const MODULE: Module = Module {
    variable: "LEADSMAN_CONTROL_PLANE",
    name: "control-plane",
    sources: &["main.go", "go.mod", "go.sum"],
    compiler: &[],
    packages: &[".", "helm.sh/helm/v3/cmd/helm"],
    programs: &["control-plane", "helm"],
    copied: None,
    takes: "eight minutes",
};

/// The environment variable of a folder with these programs, as envtest has it.
const ASSETS: &str = "KUBEBUILDER_ASSETS";

const PROGRAMS: [&str; 5] =
    ["etcd", "kube-apiserver", "kube-controller-manager", "kubectl", "helm"];

/// Builds it unless it exists.
pub(crate) fn setup(manners: Manners) -> Result<(), Failure> {
    let missing = missing();
    if missing.is_empty() {
        println!("tests: the control plane of {ASSETS}");
        return Ok(());
    }
    let folder = MODULE.setup(&flags()?, manners).map_err(|reason| advice(&reason))?;
    println!("tests: the control plane in {}", folder.display());
    Ok(())
}

/// The environment variable with its path for the tests, if it was built.
pub(crate) fn built() -> Option<(&'static str, PathBuf)> {
    Some((MODULE.variable, MODULE.built(&flags().ok()?)?))
}

/// The programs that the machine does not have.
fn missing() -> Vec<&'static str> {
    let assets = env::var_os(ASSETS).map(PathBuf::from);
    let brought = |name: &str| assets.as_ref().is_some_and(|folder| folder.join(name).is_file());
    PROGRAMS.into_iter().filter(|name| !brought(name)).collect()
}

fn advice(reason: &str) -> Failure {
    Failure::Message(format!(
        "the tests need a control plane, which Go builds: {reason}\n\
         Do one of these, then run this again:\n  \
         install Go 1.24 or later: https://go.dev/dl, or the distribution's package\n  \
         set {ASSETS} to a folder with {}",
        PROGRAMS.join(", ")
    ))
}

fn flags() -> Result<String, Failure> {
    link_flags(&MODULE.read("go.mod")?)
}

/// Linker flags that set the programs' versions and omit debug information.
fn link_flags(go_mod: &str) -> Result<String, Failure> {
    let version = |module: &str| {
        let found = go_mod.lines().find_map(|line| {
            let mut words = line.split_whitespace().skip_while(|&word| word == "require");
            (words.next() == Some(module)).then(|| words.next()).flatten()
        });
        found.ok_or_else(|| Failure::Message(format!("go.mod names no version of {module}")))
    };
    let (kubernetes, helm) = (version("k8s.io/kubernetes")?, version("helm.sh/helm/v3")?);
    let mut numbers = kubernetes.trim_start_matches('v').split('.');
    let (major, minor) = (numbers.next().unwrap_or(""), numbers.next().unwrap_or(""));
    let mut flags = format!(
        "-s -w -X k8s.io/component-base/version.gitVersion={kubernetes} \
         -X k8s.io/component-base/version.gitMajor={major} \
         -X k8s.io/component-base/version.gitMinor={minor} \
         -X helm.sh/helm/v3/internal/version.version={helm}"
    );
    // The cluster version that Helm assumes without a cluster.
    for package in ["pkg/chartutil", "pkg/lint/rules"] {
        let package = format!("helm.sh/helm/v3/{package}");
        flags.push_str(&format!(
            " -X {package}.k8sVersionMajor={major} -X {package}.k8sVersionMinor={minor}"
        ));
    }
    Ok(flags)
}

#[cfg(test)]
mod tests {
    use super::link_flags;

    #[test]
    fn the_versions_are_those_that_go_mod_names() {
        let go_mod = "require k8s.io/kubernetes v1.34.1\nrequire (\n\thelm.sh/helm/v3 v3.19.5 // indirect\n)\n\
                      replace k8s.io/kubernetes => k8s.io/other v0.1.0\n";
        let flags = link_flags(go_mod).expect("two versions");
        for flag in ["gitVersion=v1.34.1 ", "gitMajor=1 ", "k8sVersionMinor=34", "version=v3.19.5 "]
        {
            assert!(flags.contains(flag), "{flag} in {flags}");
        }
        let missing = link_flags("require k8s.io/kubernetes v1.34.1").map_err(|f| f.to_string());
        assert_eq!(missing, Err("go.mod names no version of helm.sh/helm/v3".to_owned()));
    }
}
