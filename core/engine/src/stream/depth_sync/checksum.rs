//! Checksums that venues send of the top of their book: CRC-32 over a text of its levels.

use std::fmt::{self, Write as _};

use crate::book::{Depth, DepthLevel, StepError};
use crate::types::{Price, Quantity, Side};

/// How a venue writes the levels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Checksum {
    /// Kraken: ten asks, then ten bids, each price and quantity as digits without point and leading zeros.
    Kraken {
        /// Decimals of the pair's prices as sent.
        price_decimals: u8,
        /// Decimals of the pair's quantities as sent.
        quantity_decimals: u8,
    },
    /// OKX: 25 levels, `bid:quantity:ask:quantity` in turn, numbers in shortest form.
    Okx,
}

const TABLE: [u32; 256] = {
    let mut table = [0; 256];
    let mut index = 0;
    while index < 256 {
        let mut value = index as u32;
        let mut bit = 0;
        while bit < 8 {
            value = (value >> 1) ^ (0xEDB8_8320 & (value & 1).wrapping_neg());
            bit += 1;
        }
        #[expect(clippy::indexing_slicing, reason = "evaluated by the compiler")]
        {
            table[index] = value;
        }
        index += 1;
    }
    table
};

/// CRC-32 (IEEE 802.3) of text written to it.
struct Crc(u32);

impl Crc {
    fn update(&mut self, bytes: &[u8]) {
        for byte in bytes {
            let index = (self.0 as u8) ^ byte;
            self.0 = (self.0 >> 8) ^ TABLE.get(usize::from(index)).copied().unwrap_or_default();
        }
    }
}

impl fmt::Write for Crc {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.update(text.as_bytes());
        Ok(())
    }
}

/// CRC-32 (IEEE 802.3) of bytes.
#[must_use]
pub fn crc32(bytes: &[u8]) -> u32 {
    let mut crc = Crc(u32::MAX);
    crc.update(bytes);
    !crc.0
}

/// `raw` 1e-8 units as a whole number of 10^-decimals.
fn scaled(raw: i64, decimals: u8) -> i128 {
    let power = |exponent: u8| 10_i128.pow(u32::from(exponent.min(18)));
    if decimals >= 8 { i128::from(raw) * power(decimals - 8) } else { i128::from(raw) / power(8 - decimals) }
}

impl Checksum {
    /// The checksum of a book.
    ///
    /// # Errors
    /// A price or quantity beyond 64 bits.
    pub fn of(self, depth: &Depth, tick_size: Price, lot_size: Quantity) -> Result<u32, StepError> {
        let mut crc = Crc(u32::MAX);
        let values = |level: DepthLevel| Ok((level.price.to_price(tick_size)?, level.quantity.to_quantity(lot_size)?));
        match self {
            Self::Kraken { price_decimals, quantity_decimals } => {
                for side in [Side::Sell, Side::Buy] {
                    for level in depth.levels(side).take(10) {
                        let (price, quantity) = values(level)?;
                        let (price, quantity) =
                            (scaled(price.raw(), price_decimals), scaled(quantity.raw(), quantity_decimals));
                        // Writing to a checksum cannot fail.
                        let _infallible = write!(crc, "{price}{quantity}");
                    }
                }
            }
            Self::Okx => {
                let (mut bids, mut asks) = (depth.levels(Side::Buy), depth.levels(Side::Sell));
                let mut separator = "";
                for _ in 0..25 {
                    for level in [bids.next(), asks.next()].into_iter().flatten() {
                        let (price, quantity) = values(level)?;
                        let _infallible = write!(crc, "{separator}{price}:{quantity}");
                        separator = ":";
                    }
                }
            }
        }
        Ok(!crc.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crc_of_the_check_text() {
        // The check value of CRC-32/ISO-HDLC; Python: zlib.crc32(b"123456789").
        assert_eq!(crc32(b"123456789"), 0xCBF4_3926);
        assert_eq!(crc32(b""), 0);
    }
}
