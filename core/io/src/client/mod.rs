//! WebSocket clients that stay connected.
