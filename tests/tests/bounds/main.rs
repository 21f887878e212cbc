//! Stated bounds: each test tries to break one, as somebody would who may or may not ask.

mod connections;
