//! Users who move from prometheus-adapter with their file: rules as they wrote them, real
//! autoscalers, and only the binary is replaced.

mod edits;
mod users;
