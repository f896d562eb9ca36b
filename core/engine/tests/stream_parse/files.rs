//! The shared recordings, unpacked by `gzip` and `tar`; absent ones are skipped with a printed reason.

use std::path::PathBuf;
use std::process::Command;

/// `../shared/data` beside the checkout.
pub(crate) fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data")
}

fn output(program: &str, arguments: &[&str]) -> Option<Vec<u8>> {
    let output = Command::new(program).args(arguments).output();
    match output {
        Ok(output) if output.status.success() => Some(output.stdout),
        Ok(output) => {
            println!("skipped: {program} {arguments:?}: {}", String::from_utf8_lossy(&output.stderr).trim());
            None
        }
        Err(error) => {
            println!("skipped: {program} cannot run: {error}");
            None
        }
    }
}

/// A raw recording of Binance, such as `spot_btcusdt`.
pub(crate) fn binance(name: &str) -> Option<Vec<u8>> {
    let path = folder().join(format!("binance_{name}_raw_ws_20240808.jsonl.gz"));
    if !path.exists() {
        println!("skipped: {name} is not in ../shared/data");
        return None;
    }
    output("gzip", &["-dc", path.to_str()?])
}

/// A recording of cryptofeed's, such as `KRAKEN.ws.50.0`.
pub(crate) fn cryptofeed(name: &str) -> Option<Vec<u8>> {
    let path = folder().join("exchange_ws_recordings_cryptofeed.tar.xz");
    if !path.exists() {
        println!("skipped: {name} is not in ../shared/data");
        return None;
    }
    output("tar", &["-xJOf", path.to_str()?, &format!("cryptofeed_sample/{name}")])
}

/// Its lines.
pub(crate) fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty())
}
