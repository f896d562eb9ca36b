//! A hub with the endpoints of the load generator: `hub --port 9001 --shards 1`; ends after `--seconds`, or never.
use std::net::{Ipv4Addr, SocketAddr};
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use deepalpha_io::hub::{Hub, HubConfig};

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Box<dyn std::error::Error>> {
    let mut config = HubConfig { bench: true, ..HubConfig::default() };
    let mut seconds = u64::MAX;
    let mut arguments = std::env::args().skip(1);
    while let Some(flag) = arguments.next() {
        let value: u64 = arguments.next().ok_or("a flag without its value")?.parse()?;
        match flag.as_str() {
            "--port" => config.address = SocketAddr::from((Ipv4Addr::LOCALHOST, u16::try_from(value)?)),
            "--shards" => config.shards = usize::try_from(value)?,
            "--seconds" => seconds = value,
            _ => return Err(format!("flag {flag} is none of --port, --shards, --seconds").into()),
        }
    }
    let hub = Hub::start(config)?;
    println!("{}", hub.local_addr());
    thread::sleep(Duration::from_secs(seconds));
    println!("{:?}", hub.shutdown(Duration::from_secs(2)));
    Ok(())
}
