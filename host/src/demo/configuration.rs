//! The configuration of the demo: that of `config.yaml`, whose load balancer may be a controller that
//! answers now.

use std::io;
use std::path::{Path, PathBuf};

const CONFIG: &str = include_str!("config.yaml");
const RECORDING: &str = include_str!("recording.yaml");

/// With `once`: the start within the recording.
const START_ONCE: &str = "startAt: 1m30s";

/// Where the recording stands in the configuration.
const RECORDED: &str = "speed: 10}";

/// The query of the pool, as it is recorded, and what is asked of a controller in its place.
const RECORDED_POOL: &str = "source: cluster\n        promql: 'avi_l4_server_avg_open_conns{name=\"\
    k8s-03-cluster--kuard.nsx.rockhomelab.org_-routing-ns1-kuard-ingress\"}'";
const POOL: &str = "source: lb\n        nsxAlb: {entity: pool, metric: l4_server.avg_open_conns, name: \
    k8s-03-cluster--kuard.nsx.rockhomelab.org_-routing-ns1-kuard-ingress}";

/// A controller of NSX ALB, which has a sample each five seconds.
#[derive(Debug, Clone)]
pub struct DemoController {
    /// Its address.
    pub url: String,
    /// The folder with `username`, `password`, and `ca.crt` for an authority that is not known to all.
    pub secret_dir: PathBuf,
}

/// Writes the configuration and its recording to a folder. Gives the path of the configuration.
pub(super) fn write(
    folder: &Path,
    once: bool,
    controller: Option<&DemoController>,
) -> io::Result<PathBuf> {
    let path = folder.join("config.yaml");
    // In the configuration a relative path would be one from this folder.
    let controller = match controller {
        Some(DemoController { url, secret_dir }) => {
            let secret_dir = std::path::absolute(secret_dir)?;
            Some(DemoController { url: url.clone(), secret_dir })
        }
        None => None,
    };
    std::fs::write(folder.join("recording.yaml"), RECORDING)?;
    std::fs::write(&path, text(once, controller.as_ref()))?;
    Ok(path)
}

fn text(once: bool, controller: Option<&DemoController>) -> String {
    let mut text = CONFIG.to_owned();
    if once {
        let start = RECORDED.replace('}', &format!(", {START_ONCE}}}"));
        text = text.replace(RECORDED, &start);
    }
    if let Some(controller) = controller {
        text = text.replace(RECORDED_POOL, POOL);
        text = text.replace("\nsources:\n", &format!("\nsources:\n  lb: {}\n", source(controller)));
    }
    text
}

/// JSON is YAML in which every text is quoted.
fn source(DemoController { url, secret_dir }: &DemoController) -> serde_json::Value {
    let authority = secret_dir.join("ca.crt");
    let mut settings = serde_json::json!({
        "url": url, "credentials": {"secretDir": secret_dir}, "step": "5s", "listEvery": "5s",
    });
    if authority.is_file() {
        settings["tls"] = serde_json::json!({"caFile": authority});
    }
    serde_json::json!({"nsxAlb": settings})
}

#[cfg(test)]
mod tests {
    use leadsman_config::Flags;

    use super::*;

    fn faults(once: bool, controller: Option<&DemoController>) -> String {
        let folder = tempfile::tempdir().unwrap();
        let path = write(folder.path(), once, controller).unwrap();
        let parsed = leadsman_config::read(&path, &Flags::default()).unwrap();
        parsed.document.locate(parsed.faults).to_string()
    }

    #[test]
    fn the_configuration_has_no_faults_with_and_without_a_controller() {
        let secret = tempfile::tempdir().unwrap();
        for (name, content) in [("username", "a"), ("password", "b")] {
            std::fs::write(secret.path().join(name), content).unwrap();
        }
        let controller =
            DemoController { url: "https://lb".to_owned(), secret_dir: secret.path().to_owned() };
        for once in [false, true] {
            assert_eq!(faults(once, None), "");
            assert_eq!(faults(once, Some(&controller)), "");
        }
        let reported = faults(false, Some(&DemoController { url: "lb".to_owned(), ..controller }));
        assert!(reported.contains("sources.lb.nsxAlb.url"), "{reported}");
    }

    #[test]
    fn a_controller_is_asked_in_place_of_the_recording() {
        let (url, secret_dir) = ("https://lb:1".to_owned(), PathBuf::from("/none"));
        let text = text(true, Some(&DemoController { url, secret_dir }));
        assert!(!text.contains("promql: 'avi_"), "{text}");
        for part in ["lb: {\"nsxAlb\":", "\"url\":\"https://lb:1\"", POOL, START_ONCE] {
            assert!(text.contains(part), "{part} in {text}");
        }
    }
}
