//! The WebSocket protocol (RFC 6455, RFC 7692) without sockets: bytes in, messages out, for both roles.
