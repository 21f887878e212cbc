//! Mappings with several plugins, each of which gets the values of the one before.

use super::super::{valid, written};
use super::Check;
use super::mapping::{Names, object};
use leadsman_evaluation::PREVIOUS;

/// How many plugins a mapping may have.
const MAX_PLUGINS: usize = 5;

impl Check<'_> {
    /// Takes the plugins of a chain out of a mapping: the first becomes its plugin, and the others come
    /// back.
    pub(super) fn chain(
        &mut self,
        written: &mut written::Mapping,
        place: &str,
        names: &Names<'_>,
    ) -> Vec<valid::Link> {
        let Some(chain) = written.plugins.take() else {
            // One of a wrong type is reported already.
            if written.plugin.is_empty() && !self.stand_ins.covers(&format!("{place}/plugin")) {
                self.fault(place, "the key \"plugin\" is missing");
            }
            return Vec::new();
        };
        let at = format!("{place}/plugins");
        for (key, is_there) in [
            ("plugin", !written.plugin.is_empty()),
            ("config", !written.config.is_empty()),
            ("candidate", written.candidate.is_some()),
        ] {
            if is_there {
                let message =
                    "cannot stand beside `plugins`, each of which has a plugin and a config";
                self.fault(format!("{place}/{key}"), message);
            }
        }
        if !(2..=MAX_PLUGINS).contains(&chain.len()) {
            let message = format!("a chain has 2 to {MAX_PLUGINS} plugins, not {}", chain.len());
            self.fault(&*at, message);
        }
        if written.queries.contains_key(PREVIOUS) {
            let message = "is what a plugin gets of the one before it; choose another name";
            self.fault(format!("{place}/queries/{PREVIOUS}"), message);
        }
        let mut links = Vec::new();
        for (number, chained) in chain.into_iter().enumerate() {
            let chained = chained.into_plugin();
            if number == 0 {
                if !chained.queries.is_empty() {
                    let message = "the first plugin gets the answers to all queries";
                    self.fault(format!("{at}/0/queries"), message);
                }
                written.plugin = chained.plugin;
                written.config = chained.config;
                continue;
            }
            self.plugin(&chained.plugin, &format!("{at}/{number}"), names);
            for (position, name) in chained.queries.iter().enumerate() {
                if !written.queries.contains_key(name) {
                    let message = "the mapping has no query of this name";
                    self.fault(format!("{at}/{number}/queries/{position}"), message);
                }
            }
            links.push(valid::Link {
                plugin: chained.plugin,
                config: object(chained.config),
                queries: chained.queries,
            });
        }
        links
    }
}
