//! Snapshots as bytes: what every state that can be saved writes and reads.

use serde::Serialize;
use serde::de::DeserializeOwned;

/// `what` as bytes, with a checksum behind them; none when it cannot be written.
pub(crate) fn seal<T: Serialize>(what: &T) -> Option<Vec<u8>> {
    let mut bytes = postcard::to_allocvec(what).ok()?;
    bytes.extend(checksum(&bytes).to_le_bytes());
    Some(bytes)
}

/// What [`seal`] was given; none for bytes that are cut, changed or of another shape.
pub(crate) fn unseal<T: DeserializeOwned>(bytes: &[u8]) -> Option<T> {
    let (body, sum) = bytes.split_last_chunk()?;
    if checksum(body).to_le_bytes() != *sum {
        return None;
    }
    match postcard::take_from_bytes(body) {
        Ok((what, [])) => Some(what),
        _ => None,
    }
}

/// FNV-1a: tells a cut or changed file from a whole one; no protection against a forger.
fn checksum(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::{seal, unseal};

    #[test]
    fn comes_back_whole_or_not_at_all() {
        let what = (7_u32, vec![1.5, f64::NAN], "text".to_owned());
        let bytes = seal(&what).unwrap_or_default();
        let back: Option<(u32, Vec<f64>, String)> = unseal(&bytes);
        assert!(back.is_some_and(|(a, b, c)| a == 7 && b.len() == 2 && c == "text"));
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed.iter_mut().skip(at).take(1).for_each(|byte| *byte ^= 4);
            assert!(unseal::<(u32, Vec<f64>, String)>(&changed).is_none(), "byte {at}");
            assert!(unseal::<(u32, Vec<f64>, String)>(bytes.get(..at).unwrap_or_default()).is_none(), "cut at {at}");
        }
    }
}
