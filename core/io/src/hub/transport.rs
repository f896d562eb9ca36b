//! One connection's byte stream, plain or TLS, without waiting: try to read, try to write.
//!
//! TLS is driven here without a task of its own: rustls turns bytes into records, the socket is the same. What rustls
//! has taken counts as written; it holds at most [`TLS_BUFFER`] bytes.
use std::cell::RefCell;
use std::io::{self, Read, Write};
use std::sync::Arc;

use bytes::BytesMut;
use tokio::net::TcpStream;

/// Bytes rustls may hold of what the socket does not take yet.
const TLS_BUFFER: usize = 64 << 10;

/// A non-blocking byte stream.
pub(crate) struct Transport {
    tcp: TcpStream,
    tls: Option<Box<RefCell<rustls::ServerConnection>>>,
}

/// The socket as rustls wants it.
struct Socket<'a>(&'a TcpStream);

impl Read for Socket<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.0.try_read(into)
    }
}

impl Write for Socket<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.try_write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Transport {
    /// Wraps a socket; with `tls` the handshake happens as bytes come.
    pub(crate) fn new(tcp: TcpStream, tls: Option<&Arc<rustls::ServerConfig>>) -> io::Result<Self> {
        let tls = match tls {
            None => None,
            Some(config) => {
                let mut connection = rustls::ServerConnection::new(Arc::clone(config)).map_err(io::Error::other)?;
                connection.set_buffer_limit(Some(TLS_BUFFER));
                Some(Box::new(RefCell::new(connection)))
            }
        };
        Ok(Self { tcp, tls })
    }

    /// Waits until bytes (or the end) may be there.
    pub(crate) async fn readable(&self) -> io::Result<()> {
        self.tcp.readable().await
    }

    /// Waits until the socket may take bytes.
    pub(crate) async fn writable(&self) -> io::Result<()> {
        self.tcp.writable().await
    }

    /// Appends what is there; `Ok(0)` is the end.
    pub(crate) fn try_read(&self, into: &mut BytesMut) -> io::Result<usize> {
        let Some(tls) = &self.tls else { return self.tcp.try_read_buf(into) };
        let mut tls = tls.borrow_mut();
        let mut socket = Socket(&self.tcp);
        loop {
            let ended = tls.read_tls(&mut socket)? == 0;
            let state = tls.process_new_packets();
            // Alerts and handshake answers go out whatever the outcome; a full socket is met again on the next write.
            while tls.wants_write() && tls.write_tls(&mut socket).is_ok_and(|written| written > 0) {}
            let state = state.map_err(io::Error::other)?;
            let plain = state.plaintext_bytes_to_read();
            if plain > 0 {
                let start = into.len();
                into.resize(start + plain, 0);
                let room = into.get_mut(start..).unwrap_or_default();
                tls.reader().read_exact(room)?;
                return Ok(plain);
            }
            if ended || state.peer_has_closed() {
                return Ok(0);
            }
        }
    }

    /// Writes as much as is taken now.
    pub(crate) fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        let Some(tls) = &self.tls else { return self.tcp.try_write(bytes) };
        let mut tls = tls.borrow_mut();
        Self::flush_tls(&mut tls, &self.tcp)?;
        let taken = tls.writer().write(bytes)?;
        match Self::flush_tls(&mut tls, &self.tcp) {
            Err(error) if error.kind() != io::ErrorKind::WouldBlock => Err(error),
            // What was taken waits inside rustls; the next write meets the full socket.
            _ => Ok(taken),
        }
    }

    /// Pushes out what rustls holds; `Ok(false)` when the socket is full. Plain connections hold nothing.
    pub(crate) fn flush(&self) -> io::Result<bool> {
        let Some(tls) = &self.tls else { return Ok(true) };
        match Self::flush_tls(&mut tls.borrow_mut(), &self.tcp) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn flush_tls(tls: &mut rustls::ServerConnection, tcp: &TcpStream) -> io::Result<()> {
        let mut socket = Socket(tcp);
        while tls.wants_write() {
            tls.write_tls(&mut socket)?;
        }
        Ok(())
    }
}
