//! The settings of an NSX ALB controller.

use std::path::PathBuf;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::settings::TlsSettings;

/// An NSX ALB controller.
#[derive(Debug, Clone, PartialEq)]
pub struct NsxAlbSettings {
    /// The addresses of its nodes, tried in turn. Each ends without a slash.
    pub urls: Vec<String>,
    /// The folder with the files `username`, and `password` or `token`.
    pub secret_dir: PathBuf,
    /// How the user is authenticated.
    pub login: Login,
    /// The format in which metrics are requested.
    pub format: AlbFormat,
    /// The tenant whose objects are seen; `*` for all.
    pub tenant: String,
    /// The version of the API; `None` for that of the controller.
    pub api_version: Option<String>,
    /// For a request with its answer.
    pub timeout: Duration,
    /// The default time between two samples.
    pub step: Step,
    /// Whether real-time samples are used by default for objects that have them enabled.
    pub follows_real_time: bool,
    /// How often objects and their markers are listed.
    pub list_every: Duration,
    /// The maximum size of an answer, in bytes.
    pub max_body_bytes: usize,
    /// Certificates.
    pub tls: TlsSettings,
}

/// How the user is authenticated.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Login {
    /// By a session: one login, and cookies from then on.
    #[default]
    Session,
    /// By HTTP basic authentication, which has to be switched on at the controller.
    Basic,
}

/// The format in which a controller sends metrics.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum AlbFormat {
    /// JSON, with the times of samples and their units.
    #[default]
    Json,
    /// The controller's Prometheus format: without times and units.
    Prometheus,
}

/// The times between two samples of a metric that a controller supports.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Step {
    /// Real time, for objects that have it enabled.
    FiveSeconds,
    /// What every object has.
    #[default]
    FiveMinutes,
    /// For long windows.
    Hour,
    /// For longer ones.
    Day,
}

impl Step {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::FiveSeconds, Self::FiveMinutes, Self::Hour, Self::Day];

    /// The step of a length.
    pub fn of(length: Duration) -> Option<Self> {
        Self::ALL.into_iter().find(|step| step.length() == length)
    }

    /// Whether the Prometheus format has it.
    pub fn is_in_text(self) -> bool {
        matches!(self, Self::FiveSeconds | Self::FiveMinutes)
    }

    /// Its length.
    pub fn length(self) -> Duration {
        Duration::from_secs(self.seconds())
    }

    /// Its length in seconds.
    pub fn seconds(self) -> u64 {
        match self {
            Self::FiveSeconds => 5,
            Self::FiveMinutes => 300,
            Self::Hour => 3600,
            Self::Day => 86_400,
        }
    }
}
