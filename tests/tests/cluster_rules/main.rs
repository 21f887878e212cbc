//! Users who move here with the file that they have: prometheus-adapter's rules as they wrote them,
//! real autoscalers, and nothing of ours but the binary.

mod edits;
mod users;
