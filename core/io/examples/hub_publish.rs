//! What a publish costs the publisher: mean and worst nanoseconds of `Hub::publish` for a 200-byte JSON value, with no
//! reader and with one that reads all.
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Instant;

use deepalpha_io::hub::{Class, Hub, HubConfig};

const MESSAGES: u32 = 500_000;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let hub = Hub::start(HubConfig::default())?;
    hub.topic("quotes.A", Class::LastValue, 1_024)?;
    let payload = format!("{{\"bid\":1.5,\"ask\":1.6,\"pad\":\"{}\"}}", "x".repeat(170));
    measure(&hub, &payload, "no reader")?;
    let mut reader = TcpStream::connect(hub.local_addr())?;
    write!(
        reader,
        "GET / HTTP/1.1\r\nHost: {}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        hub.local_addr()
    )?;
    let request = br#"{"op":"subscribe","topics":["quotes.A"]}"#;
    let mut frame = vec![0x81, 0x80 | u8::try_from(request.len())?, 0, 0, 0, 0];
    frame.extend_from_slice(request);
    reader.write_all(&frame)?;
    let drain = std::thread::spawn(move || {
        let mut buffer = vec![0; 1 << 16];
        while reader.read(&mut buffer).is_ok_and(|read| read > 0) {}
    });
    while hub.stats().counters.subscriptions == 0 {
        std::thread::yield_now();
    }
    measure(&hub, &payload, "one reader")?;
    drop(hub);
    let _ = drain.join();
    Ok(())
}

fn measure(hub: &Hub, payload: &str, what: &str) -> Result<(), Box<dyn std::error::Error>> {
    let (start, mut worst) = (Instant::now(), 0);
    for _ in 0..MESSAGES {
        let before = Instant::now();
        hub.publish("quotes.A", payload.as_bytes())?;
        worst = worst.max(before.elapsed().as_nanos());
    }
    let mean = start.elapsed().as_nanos() / u128::from(MESSAGES);
    println!("{what}: {mean} ns a publish, worst {worst} ns");
    Ok(())
}
