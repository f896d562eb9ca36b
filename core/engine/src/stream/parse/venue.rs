//! The venues whose messages are understood, and what their ids promise.

use crate::stream::depth_sync::Chain;

/// Whose messages a parser reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Venue {
    /// Binance spot.
    BinanceSpot,
    /// Binance USD-M futures.
    BinanceUsdm,
    /// Coinbase Exchange (`ws-feed`).
    Coinbase,
    /// Kraken, WebSocket v1.
    Kraken,
    /// OKX v5.
    Okx,
    /// Bybit: the first public API (2021) and v5.
    Bybit,
    /// Bitstamp v2.
    Bitstamp,
    /// Deribit v2 (JSON-RPC subscriptions).
    Deribit,
    /// Gate spot v4.
    Gate,
    /// KuCoin spot.
    Kucoin,
    /// BitMEX.
    Bitmex,
}

/// What a venue's trade ids say about each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TradeIds {
    /// Each trade of a symbol has the id after the one before: a gap is a loss.
    Consecutive,
    /// Ids of a symbol rise, with holes that mean nothing.
    Rising,
    /// Ids are text, or there are none: the number is a hash, good for finding duplicates only.
    Opaque,
}

impl Venue {
    /// Every venue.
    pub const ALL: [Self; 11] = [
        Self::BinanceSpot,
        Self::BinanceUsdm,
        Self::Coinbase,
        Self::Kraken,
        Self::Okx,
        Self::Bybit,
        Self::Bitstamp,
        Self::Deribit,
        Self::Gate,
        Self::Kucoin,
        Self::Bitmex,
    ];

    /// The name in settings and files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::BinanceSpot => "binance",
            Self::BinanceUsdm => "binance_usdm",
            Self::Coinbase => "coinbase",
            Self::Kraken => "kraken",
            Self::Okx => "okx",
            Self::Bybit => "bybit",
            Self::Bitstamp => "bitstamp",
            Self::Deribit => "deribit",
            Self::Gate => "gate",
            Self::Kucoin => "kucoin",
            Self::Bitmex => "bitmex",
        }
    }

    /// The venue of a name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|venue| venue.name().eq_ignore_ascii_case(name))
    }

    /// How it numbers the updates of its books.
    #[must_use]
    pub const fn book_chain(self) -> Chain {
        match self {
            Self::BinanceSpot | Self::Kucoin | Self::Gate => Chain::Range,
            Self::BinanceUsdm | Self::Okx | Self::Deribit => Chain::Previous,
            Self::Bybit => Chain::Step,
            Self::Bitstamp => Chain::Rising,
            Self::Coinbase | Self::Kraken | Self::Bitmex => Chain::None,
        }
    }

    /// What its trade ids promise.
    #[must_use]
    pub const fn trade_ids(self) -> TradeIds {
        match self {
            Self::BinanceSpot | Self::BinanceUsdm | Self::Coinbase | Self::Okx | Self::Deribit => TradeIds::Consecutive,
            Self::Bitstamp | Self::Gate => TradeIds::Rising,
            Self::Kraken | Self::Bybit | Self::Kucoin | Self::Bitmex => TradeIds::Opaque,
        }
    }
}
