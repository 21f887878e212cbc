//! JavaScript.

use std::path::Path;

use super::{Language, ProjectError};

/// There is no SDK for it yet, so that nothing is known to build its projects.
pub(super) fn build(_: &Path) -> Result<Vec<u8>, ProjectError> {
    Err(ProjectError::OtherLanguage { language: Language::JavaScript })
}
