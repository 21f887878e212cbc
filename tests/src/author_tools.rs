//! Locates what `cargo xtask setup --tests` has fetched for authors in Python and JavaScript.

use std::ffi::OsString;
use std::path::PathBuf;

use crate::built;

/// Packages of PyPI and npm in exact versions, with which projects are installed without a network.
#[derive(Debug, Clone)]
pub struct AuthorTools {
    folder: PathBuf,
}

impl AuthorTools {
    /// Finds them.
    ///
    /// # Panics
    /// If they were not fetched.
    pub fn find() -> Self {
        let sources = ["package.json", "requirements.txt"];
        let folder = built::folder("LEADSMAN_AUTHOR_TOOLS", "author-tools", &sources);
        Self { folder: folder.expect("`cargo xtask setup --tests` fetches the tools of authors") }
    }

    /// An environment of Python with the packages that build and test plugins.
    pub fn python_environment(&self) -> PathBuf {
        self.folder.join("venv")
    }

    /// The variables with which pip and npm install from here alone, and nothing is written into sources.
    pub fn variables(&self) -> Vec<(&'static str, OsString)> {
        vec![
            ("PIP_NO_INDEX", "1".into()),
            ("PIP_DISABLE_PIP_VERSION_CHECK", "1".into()),
            ("PIP_FIND_LINKS", self.folder.join("wheels").into()),
            ("PYTHONDONTWRITEBYTECODE", "1".into()),
            ("npm_config_cache", self.folder.join("npm").into()),
            ("npm_config_offline", "true".into()),
            ("npm_config_audit", "false".into()),
            ("npm_config_fund", "false".into()),
            // The cache is that of all tests of this machine.
            ("npm_config_logs_max", "0".into()),
        ]
    }
}
