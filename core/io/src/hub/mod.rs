//! The fan-out server.
