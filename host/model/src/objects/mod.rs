//! The objects that exist, by kind, namespace and name, with their labels.
//!
//! Everything that asks which objects there are asks a [`Kind`]. It is filled from the
//! configuration's list or by the watch of a cluster.

mod index;
mod kind;
mod listed;

pub use index::{Labels, Object};
pub use kind::{Kind, KindState, Listing, NotSynced};
pub use listed::{ListedObject, listed};
