//! Echoes with compression, for conformance suites.
//!
//! - `cargo run --release -p deepalpha-io --example echo -- 9001`: a server on that port, for a fuzzing client.
//! - `cargo run --release -p deepalpha-io --example echo -- ws://127.0.0.1:9001`: a client that runs every case of a
//!   fuzzing server there and has it write its report.

use std::error::Error;
use std::time::Duration;

use bytes::BytesMut;
use deepalpha_io::client::{Connection, ConnectionConfig, ConnectionError, Network, Roots};
use deepalpha_io::ws::{
    CloseCode, Compressor, Decoder, Deflate, DeflatePolicy, Limits, Message, OpCode, RequestLimits, RequestParser,
    Role, Upgrade, encode, encode_close,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Conformance suites send messages of 16 MiB.
const LIMITS: Limits = Limits { max_message: 17 << 20, max_fragments: 1 << 17 };

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let argument = std::env::args().nth(1).unwrap_or_else(|| "9001".to_owned());
    if argument.starts_with("ws") {
        return run_cases(&argument).await;
    }
    let port = argument.parse::<u16>()?;
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    println!("echo on {}", listener.local_addr()?);
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        tokio::spawn(async move {
            if let Err(error) = serve(stream).await {
                eprintln!("connection: {error}");
            }
        });
    }
}

async fn serve(mut stream: TcpStream) -> Result<(), Box<dyn Error>> {
    let mut input = BytesMut::with_capacity(64 * 1024);
    let Some(deflate) = open(&mut stream, &mut input).await? else {
        return Ok(stream.shutdown().await?);
    };
    let mut decoder = Decoder::new(Role::Server, LIMITS, deflate);
    let mut compressor = deflate.map(|deflate| Compressor::new(Role::Server, &deflate, 1));
    let mut out = Vec::new();
    let mut open = true;
    while open {
        loop {
            match decoder.next_message(&mut input) {
                Ok(Some(Message::Ping(payload))) => encode(&mut out, OpCode::Pong, true, false, &payload, None),
                Ok(Some(Message::Text(payload))) => reply(&mut out, OpCode::Text, &payload, compressor.as_mut()),
                Ok(Some(Message::Binary(payload))) => reply(&mut out, OpCode::Binary, &payload, compressor.as_mut()),
                Ok(Some(Message::Pong(_))) => {}
                Ok(Some(Message::Close(frame))) => {
                    encode_close(&mut out, frame.map(|frame| frame.code), "", None);
                    open = false;
                    break;
                }
                Ok(None) => break,
                Err(error) => {
                    error.close_frame(&mut out, None);
                    open = false;
                    break;
                }
            }
        }
        stream.write_all(&out).await?;
        out.clear();
        if open {
            input.reserve(16 * 1024);
            open = stream.read_buf(&mut input).await? > 0;
        }
    }
    Ok(stream.shutdown().await?)
}

/// Reads the request and answers it; `None` when it was refused.
async fn open(stream: &mut TcpStream, input: &mut BytesMut) -> Result<Option<Option<Deflate>>, Box<dyn Error>> {
    let policy = DeflatePolicy {
        server_no_context_takeover: false,
        client_no_context_takeover: false,
        ..DeflatePolicy::default()
    };
    let mut parser = RequestParser::new(RequestLimits::default());
    let upgrade = loop {
        match parser.parse(input) {
            Ok(Some(request)) => break Upgrade::check(&request),
            Ok(None) if stream.read_buf(input).await? == 0 => return Ok(None),
            Ok(None) => {}
            Err(rejection) => break Err(rejection),
        }
    };
    match upgrade {
        Ok(upgrade) => {
            let accepted = upgrade.accept(None, Some(&policy));
            stream.write_all(&accepted.response).await?;
            Ok(Some(accepted.deflate))
        }
        Err(rejection) => {
            stream.write_all(&rejection.to_bytes()).await?;
            Ok(None)
        }
    }
}

fn reply(out: &mut Vec<u8>, opcode: OpCode, payload: &[u8], compressor: Option<&mut Compressor>) {
    match compressor {
        Some(compressor) => compressor.encode(out, opcode, payload, None),
        None => encode(out, opcode, true, false, payload, None),
    }
}

/// Runs every case of a fuzzing server.
async fn run_cases(url: &str) -> Result<(), Box<dyn Error>> {
    let mut count = connect(&format!("{url}/getCaseCount")).await?;
    let cases: u32 = std::str::from_utf8(&count.next().await?)?.parse()?;
    count.close(CloseCode::NORMAL, "", |_| {}).await;
    // Four at a time: most cases wait for an answer most of the time.
    tokio::join!(
        run_every(url, 1, cases),
        run_every(url, 2, cases),
        run_every(url, 3, cases),
        run_every(url, 4, cases)
    );
    let mut report = connect(&format!("{url}/updateReports?agent=deepalpha")).await?;
    let end = report.next().await;
    println!("{cases} cases: {}", end.err().map_or_else(String::new, |error| error.to_string()));
    Ok(())
}

/// Every fourth case from this one on.
async fn run_every(url: &str, first: u32, cases: u32) {
    for case in (first..=cases).step_by(4) {
        let mut connection = match connect(&format!("{url}/runCase?case={case}&agent=deepalpha")).await {
            Ok(connection) => connection,
            Err(error) => {
                eprintln!("case {case}: {error}");
                continue;
            }
        };
        loop {
            let sent = match connection.next_message().await {
                Ok((opcode, payload)) => connection.send(opcode, &payload),
                Err(ConnectionError::Closed(_) | ConnectionError::Protocol(_)) => break,
                Err(error) => break eprintln!("case {case}: {error}"),
            };
            if let Err(error) = sent {
                break eprintln!("case {case}: {error}");
            }
        }
    }
}

async fn connect(url: &str) -> Result<Connection, Box<dyn Error>> {
    let mut config = ConnectionConfig::new(url.parse()?);
    config.limits = LIMITS;
    config.deflate = true;
    // A fuzzing server counts every frame, so none may come from a heartbeat.
    config.ping_interval = Duration::from_secs(3600);
    let network = Network::new(config.endpoint.clone(), &Roots::Public)?;
    Connection::open(&config, &network).await.map_err(|error: ConnectionError| error.into())
}
