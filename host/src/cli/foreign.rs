//! Flags of other API servers that `serve` accepts and ignores: removed from the command line, each
//! with a note that says why it has no effect.

use std::path::Path;

/// A command line without ignored flags, with notes for the log.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Translated {
    pub(crate) arguments: Vec<String>,
    pub(crate) notes: Vec<String>,
}

/// Whether a flag takes a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FlagValue {
    Value,
    /// It may have one after `=`.
    Nothing,
}

const TRUST: &str = "the cluster says whom to trust (extension-apiserver-authentication)";
const CACHE: &str = "decisions are kept for 10s";
const AUDIT: &str = "no audit log is written here; kube-apiserver's has each request";
const CLIENT: &str = "objects are watched, so requests to kube-apiserver need no limit";
const PROFILE: &str = "there is no profiler to serve";
const SOCKET: &str = "sockets are bound without it";
const LOG: &str = "logs are set by --log-level and --log-format";

/// The ignored flags: a name, or a prefix that ends with a dash, whether the flag has a value, and why
/// it has no effect. The first match applies.
pub(super) const IGNORED: &[(&str, FlagValue, &str)] = &[
    ("audit-log-batch-throttle-enable", FlagValue::Nothing, AUDIT),
    ("audit-log-compress", FlagValue::Nothing, AUDIT),
    ("audit-log-truncate-enabled", FlagValue::Nothing, AUDIT),
    ("audit-webhook-batch-throttle-enable", FlagValue::Nothing, AUDIT),
    ("audit-webhook-truncate-enabled", FlagValue::Nothing, AUDIT),
    ("audit-", FlagValue::Value, AUDIT),
    ("authentication-skip-lookup", FlagValue::Nothing, TRUST),
    ("authentication-tolerate-lookup-failure", FlagValue::Nothing, TRUST),
    ("authentication-token-webhook-cache-ttl", FlagValue::Value, CACHE),
    ("authorization-always-allow-paths", FlagValue::Value, "health is shown to everybody"),
    ("authorization-webhook-cache-", FlagValue::Value, CACHE),
    ("client-burst", FlagValue::Value, CLIENT),
    ("client-ca-file", FlagValue::Value, TRUST),
    ("client-qps", FlagValue::Value, CLIENT),
    ("contention-profiling", FlagValue::Nothing, PROFILE),
    ("debug-socket-path", FlagValue::Value, PROFILE),
    ("disable-http2", FlagValue::Nothing, "HTTP/2 is offered beside HTTP/1.1"),
    ("discovery-interval", FlagValue::Value, "kinds of objects are learned as they change"),
    (
        "enable-priority-and-fairness",
        FlagValue::Nothing,
        "answers come from memory and need no queue",
    ),
    ("http2-max-streams-per-connection", FlagValue::Value, "streams are bounded without it"),
    ("log-flush-frequency", FlagValue::Value, LOG),
    ("logging-format", FlagValue::Value, LOG),
    ("permit-address-sharing", FlagValue::Nothing, SOCKET),
    ("permit-port-sharing", FlagValue::Nothing, SOCKET),
    ("profiling", FlagValue::Nothing, PROFILE),
    ("requestheader-", FlagValue::Value, TRUST),
    ("tls-cipher-suites", FlagValue::Value, "only suites without known weaknesses are offered"),
    ("tls-min-version", FlagValue::Value, "TLS 1.2 and 1.3 are offered"),
    ("tls-sni-cert-key", FlagValue::Value, "there is one certificate for all names"),
    ("v", FlagValue::Value, LOG),
    ("vmodule", FlagValue::Value, LOG),
];

/// The flags for kubeconfigs of other API servers.
const KUBECONFIG_FLAGS: [&str; 3] =
    ["lister-kubeconfig", "authentication-kubeconfig", "authorization-kubeconfig"];

/// Translates a command line of prometheus-adapter to one of `leadsman serve`. `program` is the name
/// that the process was started with.
pub(crate) fn translate(program: &str, arguments: Vec<String>) -> Translated {
    let mut arguments: std::collections::VecDeque<_> = arguments.into();
    let is_adapter = |name: &str| Path::new(name).file_name().is_some_and(|file| file == "adapter");
    // The image of prometheus-adapter and its chart run `/adapter`.
    let mut as_adapter = is_adapter(program);
    if arguments.front().is_some_and(|first| first.starts_with('/') && is_adapter(first)) {
        arguments.pop_front();
        as_adapter = true;
    }
    let mut translated = Translated::default();
    if as_adapter {
        translated.arguments.push("serve".to_owned());
    } else if arguments.front().is_none_or(|first| first != "serve") {
        translated.arguments = arguments.into();
        return translated;
    }
    let mut kubeconfig = false;
    let mut port = false;
    while let Some(argument) = arguments.pop_front() {
        let Some(flag) = argument.strip_prefix("--").or_else(|| short(&argument)) else {
            translated.arguments.push(argument);
            continue;
        };
        let (name, value) = match flag.split_once('=') {
            Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
            None => (flag.to_owned(), None),
        };
        port |= name == "secure-port";
        if name == "kubeconfig" {
            kubeconfig = true;
        }
        let mut take = || value.clone().or_else(|| arguments.pop_front()).unwrap_or_default();
        if KUBECONFIG_FLAGS.contains(&name.as_str()) {
            let file = take();
            if !std::mem::replace(&mut kubeconfig, true) {
                translated.arguments.push(format!("--kubeconfig={file}"));
            }
        } else if name == "cert-dir" {
            translated.certificate_in(&take());
        } else if name == "tls-min-version" && value.as_deref() == Some("VersionTLS13") {
            // It asks for a restriction that is not supported, so it is an error.
            translated.arguments.push(argument);
        } else if let Some((_, takes, why)) = ignored(&name) {
            if *takes == FlagValue::Value {
                take();
            }
            translated.notes.push(format!("--{name} changes nothing: {why}"));
        } else {
            translated.arguments.push(argument);
        }
    }
    if as_adapter && !port {
        translated.arguments.push("--secure-port=443".to_owned());
    }
    translated
}

impl Translated {
    /// Uses a certificate in the folder, as prometheus-adapter does.
    fn certificate_in(&mut self, folder: &str) {
        let [cert, key] =
            ["apiserver.crt", "apiserver.key"].map(|file| Path::new(folder).join(file));
        if cert.is_file() && key.is_file() {
            self.arguments.push(format!("--tls-cert-file={}", cert.display()));
            self.arguments.push(format!("--tls-private-key-file={}", key.display()));
        } else {
            self.notes
                .push("--cert-dir changes nothing: certificates are made in memory".to_owned());
        }
    }
}

/// The flag of `-v`, `-v4` and `-v=4`.
fn short(argument: &str) -> Option<&str> {
    let level = argument.strip_prefix('-')?;
    let digits = level.strip_prefix('v')?.trim_start_matches('=');
    let is_level = digits.bytes().all(|byte| byte.is_ascii_digit());
    match level {
        "v" => Some("v"),
        _ if is_level && level.starts_with("v=") => Some(level),
        _ if is_level => Some("v=attached"),
        _ => None,
    }
}

fn ignored(name: &str) -> Option<&'static (&'static str, FlagValue, &'static str)> {
    IGNORED.iter().find(|(known, ..)| match known.ends_with('-') {
        true => name.starts_with(known),
        false => name == *known,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(program: &str, line: &str) -> (String, usize) {
        let arguments = line.split_whitespace().map(str::to_owned).collect();
        let translated = translate(program, arguments);
        (translated.arguments.join(" "), translated.notes.len())
    }

    #[test]
    fn a_command_line_of_prometheus_adapter_becomes_one_of_serve() {
        for (program, line, expected, notes) in [
            (
                "leadsman",
                "/adapter --secure-port=6443 --cert-dir=/nowhere --prometheus-url=http://p:9090 \
                 --metrics-relist-interval=1m --v=4 --config=/etc/adapter/config.yaml",
                "serve --secure-port=6443 --prometheus-url=http://p:9090 \
                 --metrics-relist-interval=1m --config=/etc/adapter/config.yaml",
                2,
            ),
            (
                "/adapter",
                "--config c --lister-kubeconfig=k --authentication-kubeconfig k -v 6 -v=2 -v3",
                "serve --config c --kubeconfig=k --secure-port=443",
                3,
            ),
            (
                "leadsman",
                "serve --config c --audit-log-path - --audit-log-compress --profiling=false \
                 --tls-min-version=VersionTLS12 --requestheader-allowed-names a",
                "serve --config c",
                5,
            ),
            ("leadsman", "serve --config c --nonsense x", "serve --config c --nonsense x", 0),
            (
                "leadsman",
                "serve --tls-min-version=VersionTLS13",
                "serve --tls-min-version=VersionTLS13",
                0,
            ),
            ("leadsman", "check --config c --v 4", "check --config c --v 4", 0),
            ("leadsman", "", "", 0),
        ] {
            assert_eq!(of(program, line), (expected.to_owned(), notes), "{program} {line}");
        }
    }

    #[test]
    fn a_certificate_in_the_folder_is_served() {
        let folder = tempfile::tempdir().unwrap();
        let line = format!("--config c --cert-dir {}", folder.path().display());
        assert_eq!(of("/adapter", &line), ("serve --config c --secure-port=443".to_owned(), 1));
        for file in ["apiserver.crt", "apiserver.key"] {
            std::fs::write(folder.path().join(file), "x").unwrap();
        }
        let (arguments, notes) = of("/adapter", &line);
        for part in
            ["--tls-cert-file=", "apiserver.crt", "--tls-private-key-file=", "apiserver.key"]
        {
            assert!(arguments.contains(part), "{part}: {arguments}");
        }
        assert_eq!(notes, 0);
    }
}
