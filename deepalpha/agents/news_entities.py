"""Who a headline is about: names, tickers and coins in a title, and how much it concerns one symbol.

A feed that is tagged with a symbol also carries stories about others; those must not count. Names are matched in the
folded words of the title, tickers in capitals only and never in a shouted title, since half of them are words.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Sequence

from deepalpha.agents.news_text import MAX_CHARS, visible

PRIMARY = 1.0
SECONDARY = 0.5
"""Named, but after somebody else; or a story about the market as a whole."""
UNRELATED = 0.0

_NAMES: dict[str, str] = {
    "AAPL": "apple|iphone|app store|tim cook",
    "MSFT": "microsoft|xbox|linkedin|nadella",
    "GOOG": "google|alphabet|youtube|waymo|pichai",
    "AMZN": "amazon|jassy",
    "META": "meta|facebook|instagram|whatsapp|zuckerberg",
    "NVDA": "nvidia|jensen huang",
    "TSLA": "tesla",
    "NFLX": "netflix",
    "IBM": "ibm|international business machines",
    "INTC": "intel",
    "AMD": "amd|advanced micro devices",
    "ORCL": "oracle",
    "CRM": "salesforce",
    "ADBE": "adobe",
    "CSCO": "cisco",
    "QCOM": "qualcomm",
    "AVGO": "broadcom",
    "HPQ": "hp|hewlett-packard",
    "DELL": "dell",
    "SMSNG": "samsung",
    "SONY": "sony",
    "YHOO": "yahoo",
    "NOK": "nokia",
    "TWTR": "twitter",
    "SNAP": "snapchat|snap inc",
    "UBER": "uber",
    "SHOP": "shopify",
    "PYPL": "paypal",
    "COIN": "coinbase",
    "HOOD": "robinhood",
    "MSTR": "microstrategy",
    "MARA": "marathon digital",
    "PLTR": "palantir",
    "CRWD": "crowdstrike",
    "BABA": "alibaba",
    "BA": "boeing",
    "GE": "general electric",
    "GM": "general motors",
    "F": "ford",
    "DIS": "disney",
    "KO": "coca-cola",
    "PEP": "pepsi|pepsico",
    "MCD": "mcdonald's",
    "SBUX": "starbucks",
    "NKE": "nike",
    "WMT": "walmart",
    "HD": "home depot",
    "PG": "procter & gamble|procter gamble",
    "JNJ": "johnson & johnson|johnson johnson",
    "PFE": "pfizer",
    "MRNA": "moderna",
    "LLY": "eli lilly",
    "MRK": "merck",
    "UNH": "unitedhealth",
    "JPM": "jpmorgan|jp morgan",
    "BAC": "bank of america",
    "WFC": "wells fargo",
    "GS": "goldman|goldman sachs",
    "MS": "morgan stanley",
    "C": "citigroup",
    "BRK": "berkshire|berkshire hathaway",
    "XOM": "exxon|exxonmobil",
    "CVX": "chevron",
    "T": "at&t",
    "VZ": "verizon",
    "FDX": "fedex",
    "UPS": "united parcel service",
    "BTC": "bitcoin|btc|xbt",
    "ETH": "ethereum|ether|eth",
    "SOL": "solana",
    "XRP": "xrp|ripple",
    "BNB": "bnb|binance",
    "ADA": "cardano",
    "DOGE": "dogecoin|doge",
    "DOT": "polkadot",
    "LINK": "chainlink",
    "AVAX": "avalanche|avax",
    "MATIC": "polygon|matic",
    "LTC": "litecoin|ltc",
    "BCH": "bitcoin cash",
    "ETC": "ethereum classic",
    "UNI": "uniswap",
    "ATOM": "cosmos",
    "TRX": "tron",
    "XLM": "stellar lumens",
    "XMR": "monero",
    "ALGO": "algorand",
    "ARB": "arbitrum",
    "LUNA": "luna|terra",
    "SHIB": "shiba inu",
    "USDT": "tether|usdt",
    "USDC": "usdc|usd coin",
    "FTT": "ftx",
}

_NOT = re.compile(
    r"apple (?:harvest|pie|juice|orchards?|growers?|cider)|amazon (?:rainforest|rain forest|river|basin|jungle)|"
    r"nikola tesla|ripple effects?|avalanche (?:of|kills|warning|risk|rescue)|terra firma|meta stud(?:y|ies)|"
    r"ford foundation|intel (?:officials?|agenc(?:y|ies)|sources)|cosmos (?:series|exhibition)|polygon (?:shaped|art)|"
    r"oracle (?:attack|manipulation|exploit|bone)"
)
"""Where a name is a word: taken out before names are looked for."""

_WORD_TICKERS = "F C T BA GE GM MS GS HD PG COIN SNAP SHOP HOOD LINK DOT SOL ADA UNI ATOM ALGO ARB LUNA META UPS ETC KO"
_WORDS = frozenset(_WORD_TICKERS.split())
"""Tickers that are words or initials: only with a dollar sign or an exchange before them (``$COIN``, ``NYSE: F``)."""

_SAME = {"GOOGL": "GOOG", "BRK.A": "BRK", "BRK.B": "BRK", "XBT": "BTC", "WBTC": "BTC", "POL": "MATIC", "BTCUSD": "BTC"}
_TICKER = re.compile(
    r"(?P<marked>\$|(?:NYSE|NASDAQ|Nasdaq|LSE|AMEX):\s*)?(?<![A-Za-z0-9.&-])(?P<ticker>[A-Z]{1,5})(?![A-Za-z0-9&-])"
)


def ticker_of(symbol: str) -> str:
    """What a symbol is a price of: ``BTC/USDT`` and ``BTC/USDT:USDT`` are BTC, ``GOOGL`` is GOOG.

    Example:
        >>> ticker_of("BTC/USDT:USDT"), ticker_of("GOOGL")
        ('BTC', 'GOOG')
    """
    base = symbol.split(":")[0].split("/")[0].upper()
    return _SAME.get(base, base)


def known_ticker(ticker: str) -> bool:
    """Whether names are known for it; of the others a title cannot be told to be about them."""
    return ticker in _NAMES


@functools.lru_cache(maxsize=8192)
def entities_in(title: str) -> tuple[str, ...]:
    """Tickers of the companies and coins that a title names, in the order they first come.

    Example:
        >>> entities_in("Samsung sues Apple over iPhone patents"), entities_in("Apple harvest begins")
        (('SMSNG', 'AAPL'), ())
    """
    words = _NOT.sub(lambda found: " " * len(found.group()), visible(title))
    places: dict[str, int] = {}
    for found in _names().finditer(words):
        places.setdefault(_owners()[found.group()], found.start())
    text = unicodedata.normalize("NFKC", title[:MAX_CHARS])
    shouted = not any(word.islower() and len(word) > 2 for word in text.split())
    for found in _TICKER.finditer(text):
        ticker = ticker_of(found["ticker"])
        if known_ticker(ticker) and (found["marked"] or (not shouted and ticker not in _WORDS)):
            places.setdefault(ticker, found.start())
    return tuple(sorted(places, key=lambda ticker: (places[ticker], ticker)))


def relevance(title: str, symbol: str, tags: Sequence[str]) -> float:
    """How much a headline concerns `symbol`, in 0..1.

    Args:
        title: as it came.
        symbol: whose price is asked about.
        tags: symbols the feed gave the headline; () is a headline about no one symbol.

    Returns:
        0 when the tags, or all names in the title, are somebody else's; 1 when it is about the symbol; 0.5 when the
        symbol comes second or the headline is about the market.
    """
    ours = ticker_of(symbol)
    tagged = any(ticker_of(tag) == ours for tag in tags)
    if tags and not tagged:
        return UNRELATED
    named = entities_in(title)
    if not named:
        return PRIMARY if tagged else SECONDARY
    if ours in named:
        return PRIMARY if named[0] == ours else SECONDARY
    if known_ticker(ours) or not tagged:
        return UNRELATED
    return SECONDARY  # a symbol without known names: only the tag speaks for it


@functools.cache
def _owners() -> dict[str, str]:
    return {name: ticker for ticker, names in _NAMES.items() for name in names.split("|")}


@functools.cache
def _names() -> re.Pattern[str]:
    longest_first = sorted(_owners(), key=lambda name: (-len(name), name))
    return re.compile(r"(?<![\w-])(?:" + "|".join(map(re.escape, longest_first)) + r")(?![\w-])")
