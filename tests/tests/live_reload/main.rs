//! Plugins and mappings that change while they are read: by a file, and by a registry.

mod broken_files;
mod broken_registry;
mod candidates;
mod edits;
mod first_start;
mod handover;
mod outage_edits;
mod restarts;
mod scene;
mod signatures;
mod storm;
mod unavailable;
