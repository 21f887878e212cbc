//! The domain types: from the answers of sources to the values that are served. No I/O and no wire
//! formats.

pub mod activation;
pub mod data;
pub mod dictionary;
pub mod endpoints;
pub mod field_selector;
pub mod labels;
pub mod names;
pub mod notation;
pub mod object_table;
pub mod objects;
pub mod owner;
pub mod permits;
pub mod pointer;
pub mod quantity;
pub mod query_params;
pub mod reference;
pub mod resource;
pub mod room;
pub mod selector;
pub mod serve;
pub mod tenant;
pub mod text;
pub mod values;
pub mod workload;
