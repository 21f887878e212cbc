//! The objects that exist, by kind, namespace and name, with their labels.
//!
//! An [`ObjectStore`] is the only source of existing objects. It is filled from the
//! configuration's list or by the watch of a cluster.

mod addresses;
mod index;
mod listed;
mod store;
mod tables;

pub use addresses::{AddressOf, AddressState, AddressesUnknown};
pub use index::{Labels, Object};
pub use listed::{ListedObject, listed};
pub use store::{NotSynced, ObjectList, ObjectStore, SyncState};
