//! JSON schemas of what is written.

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::Value;

#[cfg(test)]
thread_local! {
    /// How many this thread has derived.
    static DERIVED: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}

/// Derives the schema of a type. That takes longer than checking a small document: what checks
/// documents derives it once.
pub(super) fn derived<T: JsonSchema>() -> Value {
    #[cfg(test)]
    DERIVED.set(DERIVED.get() + 1);
    let generator = SchemaSettings::draft2020_12().into_generator();
    serde_json::to_value(generator.into_root_schema_for::<T>()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use serde_json::json;

    use super::DERIVED;
    use crate::{DocumentOrigin, Flags, PlannedQueries, parse, published_schema};

    /// Checks a document, one with a fault, of which more is looked up in the schema, and a query that
    /// a plugin brings.
    fn check() {
        for (metric, faults) in [("good", 0), ("5", 1)] {
            let text = format!(
                "apiVersion: leadsman.dev/v1alpha1\nkind: Config\nmappings:\n  - metric: {metric}\n    \
                 serve: {{custom: {{resource: pods}}}}\n    plugin: per-object\n"
            );
            let origin = DocumentOrigin::Folder(Path::new("."));
            let parsed = parse("config.yaml", &origin, &Flags::default(), &text);
            assert_eq!(parsed.faults.len(), faults, "{:?}", parsed.faults);
        }
        let mut planned = PlannedQueries::new(Some("a"), vec!["a".to_owned()], false);
        planned.query("q", json!({"promql": "up"})).unwrap();
    }

    #[test]
    fn schemas_are_derived_once_and_not_for_each_document() {
        // Here, or by another test before.
        check();
        let before = DERIVED.get();
        for _ in 0..20 {
            check();
        }
        assert_eq!(DERIVED.get(), before);
        published_schema();
        assert_eq!(DERIVED.get(), before + 1, "they are counted");
    }
}
