//! The guest of the benchmark that decided the shape of `wit/plugin.wit`: one job, exported in each
//! shape. The native baseline calls the same functions.

mod group;
mod jobs;

#[doc(hidden)]
#[allow(missing_docs, unsafe_code, clippy::all, unreachable_pub)]
pub mod bindings {
    wit_bindgen::generate!({
        path: ["../../../wit", "wit"],
        world: "leadsman:bench-shapes/shapes",
        generate_all,
    });
}

pub use jobs::{bytes_to_columns, bytes_to_records, records_to_records, strings_to_records};

#[cfg(target_family = "wasm")]
#[allow(unsafe_code)]
mod component {
    use crate::bindings::{self, Guest, Input, Measure, Measures, Series, Table};

    struct Component;

    impl Guest for Component {
        fn records_to_records(series: Vec<Series>) -> Vec<Measure> {
            crate::records_to_records(&series)
        }
        fn strings_to_records(table: Table) -> Vec<Measure> {
            crate::strings_to_records(&table)
        }
        fn bytes_to_records(input: Input) -> Vec<Measure> {
            crate::bytes_to_records(&input)
        }
        fn bytes_to_columns(input: Input) -> Measures {
            crate::bytes_to_columns(&input)
        }
    }

    bindings::export!(Component with_types_in bindings);
}
