//! prometheus-adapter and Leadsman side by side: the same file, the same Prometheus, the same
//! cluster and the same requests. What they answer is the same, but for what [`differences`] lists.

mod custom;
mod differences;
mod external;
mod resources;
mod sides;
mod users;
mod world;
