//! prometheus-adapter and Leadsman side by side: the same file, the same Prometheus, the same
//! cluster and the same requests. Their answers are equal, except for those in [`differences`].

mod custom;
mod differences;
mod external;
mod faulty;
mod lists;
mod queries;
mod resources;
mod sides;
mod users;
mod world;
