//! One client connection: opening with a deadline, messages, pings and pongs, closing.
//!
//! # Invariants
//! - [`Connection::next`] may be dropped and called again: no byte is lost on either side.
//! - Pings are answered at once; answers that cannot be written are bounded, the newest ones are left out.
//! - Heartbeats use the monotonic clock of the runtime, so a step of the wall clock closes nothing.

use std::future::poll_fn;
use std::io;
use std::pin::pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use ring::rand::{SecureRandom, SystemRandom};
use thiserror::Error;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, sleep_until, timeout, timeout_at};

use super::dial::{Dial, Transport};
use super::endpoint::Endpoint;
use crate::ws::{
    CloseCode, CloseFrame, Compressor, Decoder, Limits, Message, OpCode, Opening, OpeningError, ProtocolError, Role,
    encode, encode_close,
};

/// Bytes read at a time.
const READ: usize = 16 * 1024;
/// Answers to pings are left out while this much is not written.
const MAX_UNWRITTEN: usize = 64 * 1024;

/// How a connection is opened and kept.
#[derive(Clone, Debug)]
pub struct ConnectionConfig {
    /// Address of the server; the target and the Host header come from it.
    pub endpoint: Endpoint,
    /// More headers of the request.
    pub headers: Vec<(String, String)>,
    /// Subprotocols, the dearest first.
    pub protocols: Vec<String>,
    /// Whether compression is offered.
    pub deflate: bool,
    /// What the server may send.
    pub limits: Limits,
    /// For name, TCP, TLS and handshake together.
    pub connect_timeout: Duration,
    /// A ping is sent when the last one is this old.
    pub ping_interval: Duration,
    /// A ping must be answered within this time.
    pub pong_timeout: Duration,
    /// Something must arrive within this time, a pong or a ping included.
    pub idle_timeout: Duration,
    /// For the closing handshake.
    pub close_timeout: Duration,
}

impl ConnectionConfig {
    /// Usual values: 10 s to connect, a ping every 15 s answered within 10 s, 60 s idle, messages of up to 1 MiB.
    #[must_use]
    pub fn new(endpoint: Endpoint) -> Self {
        Self {
            endpoint,
            headers: Vec::new(),
            protocols: Vec::new(),
            deflate: false,
            limits: Limits::default(),
            connect_timeout: Duration::from_secs(10),
            ping_interval: Duration::from_secs(15),
            pong_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(60),
            close_timeout: Duration::from_secs(2),
        }
    }
}

/// Why a connection could not be opened, or ended.
#[derive(Debug, Error)]
pub enum ConnectionError {
    /// The network, or TLS.
    #[error("network: {0}")]
    Io(#[from] io::Error),
    /// Name, TCP, TLS and handshake took longer than allowed.
    #[error("not connected within {0:?}")]
    ConnectTimeout(Duration),
    /// The handshake failed.
    #[error("handshake: {0}")]
    Opening(#[from] OpeningError),
    /// The server broke the protocol.
    #[error("the server broke the protocol: {0}")]
    Protocol(#[from] ProtocolError),
    /// The server closed.
    #[error("closed by the server{}", describe(.0.as_ref()))]
    Closed(Option<CloseFrame>),
    /// The stream ended without a closing handshake.
    #[error("the stream ended without a close frame")]
    Ended,
    /// A ping was not answered.
    #[error("no pong within {0:?}")]
    PongTimeout(Duration),
    /// Nothing arrived.
    #[error("nothing arrived within {0:?}")]
    IdleTimeout(Duration),
    /// The system gave no random bytes.
    #[error("the system's random source failed")]
    Random,
}

fn describe(frame: Option<&CloseFrame>) -> String {
    frame.map_or_else(String::new, |frame| format!(" with {} {:?}", frame.code.0, frame.reason))
}

/// An open connection.
pub struct Connection {
    transport: Box<dyn Transport>,
    decoder: Decoder,
    compressor: Option<Compressor>,
    random: SystemRandom,
    input: BytesMut,
    unwritten: Vec<u8>,
    written: usize,
    flushing: bool,
    heard: Instant,
    pinged: Instant,
    awaited: Option<u64>,
    pings: u64,
    ping_interval: Duration,
    pong_timeout: Duration,
    idle_timeout: Duration,
    close_timeout: Duration,
    protocol: Option<String>,
}

impl Connection {
    /// Opens a connection.
    ///
    /// # Errors
    /// See [`ConnectionError`].
    pub async fn open(config: &ConnectionConfig, dial: &dyn Dial) -> Result<Self, ConnectionError> {
        match timeout(config.connect_timeout, Self::opening(config, dial)).await {
            Ok(result) => result,
            Err(_) => Err(ConnectionError::ConnectTimeout(config.connect_timeout)),
        }
    }

    async fn opening(config: &ConnectionConfig, dial: &dyn Dial) -> Result<Self, ConnectionError> {
        let random = SystemRandom::new();
        let mut nonce = [0; 16];
        random.fill(&mut nonce).map_err(|_| ConnectionError::Random)?;
        let mut opening = Opening::new(nonce, config.protocols.clone(), config.deflate);
        let request = opening.request(&config.endpoint.authority(), &config.endpoint.target, &config.headers)?;
        let mut transport = dial.dial().await?;
        transport.write_all(&request).await?;
        transport.flush().await?;
        let mut input = BytesMut::with_capacity(READ);
        let opened = loop {
            match opening.verify(&mut input)? {
                Some(opened) => break opened,
                None if transport.read_buf(&mut input).await? == 0 => return Err(ConnectionError::Ended),
                None => {}
            }
        };
        let now = Instant::now();
        Ok(Self {
            transport,
            decoder: Decoder::new(Role::Client, config.limits, opened.deflate),
            compressor: opened.deflate.map(|deflate| Compressor::new(Role::Client, &deflate, 1)),
            random,
            input,
            unwritten: Vec::new(),
            written: 0,
            flushing: false,
            heard: now,
            pinged: now,
            awaited: None,
            pings: 0,
            ping_interval: config.ping_interval,
            pong_timeout: config.pong_timeout,
            idle_timeout: config.idle_timeout,
            close_timeout: config.close_timeout,
            protocol: opened.protocol,
        })
    }

    /// The subprotocol the server chose.
    #[must_use]
    pub fn protocol(&self) -> Option<&str> {
        self.protocol.as_deref()
    }

    /// Queues a text message; [`Connection::next`] writes it.
    ///
    /// # Errors
    /// No random bytes for the mask.
    pub fn send_text(&mut self, text: &str) -> Result<(), ConnectionError> {
        self.send(OpCode::Text, text.as_bytes())
    }

    /// Queues a message of either kind.
    ///
    /// # Errors
    /// No random bytes for the mask.
    pub fn send(&mut self, opcode: OpCode, payload: &[u8]) -> Result<(), ConnectionError> {
        let mask = Some(self.mask()?);
        match &mut self.compressor {
            Some(compressor) => compressor.encode(&mut self.unwritten, opcode, payload, mask),
            None => encode(&mut self.unwritten, opcode, true, false, payload, mask),
        }
        Ok(())
    }

    fn mask(&self) -> Result<[u8; 4], ConnectionError> {
        let mut mask = [0; 4];
        self.random.fill(&mut mask).map_err(|_| ConnectionError::Random)?;
        Ok(mask)
    }

    fn control(&mut self, opcode: OpCode, payload: &[u8]) -> Result<(), ConnectionError> {
        let mask = Some(self.mask()?);
        encode(&mut self.unwritten, opcode, true, false, payload, mask);
        Ok(())
    }

    /// The payload of [`Connection::next_message`].
    ///
    /// # Errors
    /// Why the connection is over.
    pub async fn next(&mut self) -> Result<Bytes, ConnectionError> {
        self.next_message().await.map(|(_, payload)| payload)
    }

    /// The next text or binary message. Writes what is queued, answers pings, sends its own, watches the deadlines.
    ///
    /// # Errors
    /// Why the connection is over. Closing was answered as far as the peer let us.
    pub async fn next_message(&mut self) -> Result<(OpCode, Bytes), ConnectionError> {
        loop {
            match self.decoder.next_message(&mut self.input) {
                Ok(Some(Message::Text(payload))) => return Ok((OpCode::Text, payload)),
                Ok(Some(Message::Binary(payload))) => return Ok((OpCode::Binary, payload)),
                Ok(Some(Message::Ping(payload))) if self.unwritten.len() - self.written < MAX_UNWRITTEN => {
                    self.control(OpCode::Pong, &payload)?;
                }
                Ok(Some(Message::Ping(_))) => {}
                Ok(Some(Message::Pong(payload))) => {
                    if self.awaited.is_some_and(|ping| ping.to_be_bytes() == payload[..]) {
                        self.awaited = None;
                    }
                }
                Ok(Some(Message::Close(frame))) => {
                    self.say_close(frame.as_ref().map(|frame| frame.code), "").await;
                    return Err(ConnectionError::Closed(frame));
                }
                Ok(None) => self.turn().await?,
                Err(error) => {
                    self.say_close(Some(error.code), error.reason).await;
                    return Err(error.into());
                }
            }
        }
    }

    /// Waits until bytes arrived, or a heartbeat was due.
    async fn turn(&mut self) -> Result<(), ConnectionError> {
        let idle = self.heard + self.idle_timeout;
        let (beat, awaiting) = match self.awaited {
            Some(_) => (self.pinged + self.pong_timeout, true),
            None => (self.pinged + self.ping_interval, false),
        };
        match timeout_at(beat.min(idle), poll_fn(|context| self.poll_streams(context))).await {
            Ok(result) => {
                if result? == 0 {
                    return Err(ConnectionError::Ended);
                }
                self.heard = Instant::now();
            }
            Err(_) if awaiting && beat <= idle => return Err(ConnectionError::PongTimeout(self.pong_timeout)),
            Err(_) if idle <= beat => return Err(ConnectionError::IdleTimeout(self.idle_timeout)),
            Err(_) => {
                self.pings += 1;
                self.pinged = Instant::now();
                self.awaited = Some(self.pings);
                self.control(OpCode::Ping, &self.pings.to_be_bytes())?;
            }
        }
        Ok(())
    }

    /// Writes as much as possible, then reads; ready with the bytes read.
    fn poll_streams(&mut self, context: &mut Context<'_>) -> Poll<io::Result<usize>> {
        if let Poll::Ready(Err(error)) = self.poll_write(context) {
            return Poll::Ready(Err(error));
        }
        self.input.reserve(READ);
        pin!(self.transport.read_buf(&mut self.input)).poll(context)
    }

    fn poll_write(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while let Some(rest) = self.unwritten.get(self.written..).filter(|rest| !rest.is_empty()) {
            match ready!(pin!(self.transport.write(rest)).poll(context))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                count => self.written += count,
            }
            self.flushing = true;
        }
        self.unwritten.clear();
        self.written = 0;
        if self.flushing {
            ready!(pin!(self.transport.flush()).poll(context))?;
            self.flushing = false;
        }
        Poll::Ready(Ok(()))
    }

    /// Sends a close frame within the deadline, as far as the peer lets us: the connection is over in any case.
    async fn say_close(&mut self, code: Option<CloseCode>, reason: &str) {
        let Ok(mask) = self.mask() else { return };
        encode_close(&mut self.unwritten, code, reason, Some(mask));
        let _ = timeout(self.close_timeout, poll_fn(|context| self.poll_write(context))).await;
        let _ = timeout(self.close_timeout, self.transport.shutdown()).await;
    }

    /// Closes from this side, handing every message that still arrives to `late`.
    ///
    /// Ends when the server has answered, or after the deadline.
    pub async fn close(mut self, code: CloseCode, reason: &str, mut late: impl FnMut(&Bytes)) {
        let Ok(mask) = self.mask() else { return };
        encode_close(&mut self.unwritten, Some(code), reason, Some(mask));
        let deadline = Instant::now() + self.close_timeout;
        tokio::select! {
            biased;
            () = self.drain(&mut late) => {}
            () = sleep_until(deadline) => {}
        }
        let _ = timeout(self.close_timeout, self.transport.shutdown()).await;
    }

    async fn drain(&mut self, late: &mut impl FnMut(&Bytes)) {
        loop {
            match self.decoder.next_message(&mut self.input) {
                Ok(Some(Message::Text(payload) | Message::Binary(payload))) => late(&payload),
                Ok(Some(Message::Close(_))) | Err(_) => return,
                Ok(Some(_)) => {}
                Ok(None) => match poll_fn(|context| self.poll_streams(context)).await {
                    Ok(count) if count > 0 => {}
                    _ => return,
                },
            }
        }
    }
}
