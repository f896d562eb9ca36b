"""How much a story counts by who tells it and what it tells: trust tiers of sources, half-life and impact of events.

The numbers are judgement, not measurement. They only scale a story's weight between bounds; no source and no event can
move the vote beyond the agent's caps.
"""

from __future__ import annotations

import urllib.parse
from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple

from deepalpha.agents.news_labels import NewsEvent
from deepalpha.agents.news_text import plain


class Tier(StrEnum):
    """How a source earns belief."""

    OFFICIAL = "official"
    """Regulators, central banks: they make the news."""
    WIRE = "wire"
    """Agencies with an editor on every story."""
    PRESS = "press"
    """Newspapers and trade press."""
    UNKNOWN = "unknown"
    RELEASE = "release"
    """Companies about themselves."""
    SOCIAL = "social"
    """Anyone may write there."""


TRUST: Mapping[Tier, float] = MappingProxyType(
    {Tier.OFFICIAL: 1.0, Tier.WIRE: 0.95, Tier.PRESS: 0.8, Tier.UNKNOWN: 0.5, Tier.RELEASE: 0.35, Tier.SOCIAL: 0.25}
)

_HOSTS: dict[Tier, str] = {
    Tier.OFFICIAL: "sec.gov federalreserve.gov ecb.europa.eu justice.gov cftc.gov bankofengland.co.uk europa.eu",
    Tier.WIRE: "reuters.com apnews.com bloomberg.com dowjones.com afp.com dpa.com",
    Tier.PRESS: "wsj.com ft.com cnbc.com nytimes.com economist.com barrons.com marketwatch.com handelsblatt.com "
    "coindesk.com theblock.co cointelegraph.com decrypt.co cryptopotato.com cryptonews.com theverge.com",
    Tier.RELEASE: "prnewswire.com globenewswire.com businesswire.com accesswire.com newsfilecorp.com",
    Tier.SOCIAL: "x.com twitter.com reddit.com t.me telegram.org medium.com substack.com youtube.com stocktwits.com "
    "facebook.com discord.com bitcointalk.org tiktok.com",
}
_TIERS = {host: tier for tier, hosts in _HOSTS.items() for host in hosts.split()}
_NAMED = {plain(host.rsplit(".", 1)[0]): tier for host, tier in _TIERS.items() if len(host.split(".")[0]) > 2} | {
    "associated press": Tier.WIRE,
    "dow jones": Tier.WIRE,
    "wall street journal": Tier.PRESS,
    "the wall street journal": Tier.PRESS,
    "financial times": Tier.PRESS,
    "pr newswire": Tier.RELEASE,
    "business wire": Tier.RELEASE,
}


def tier_of(source: str, url: str) -> Tier:
    """The tier of a headline's source.

    A feed may call itself anything, so where there is an address its host decides, and the name cannot better it.

    Example:
        >>> tier_of("Reuters", "https://pump.example/1").value, tier_of("Reuters", "").value
        ('unknown', 'wire')
    """
    try:
        host = (urllib.parse.urlsplit(url).hostname or "").removeprefix("www.")
    except ValueError:  # an address that is none has no host
        host = ""
    if host:
        parts = host.split(".")
        return next((found for n in range(len(parts)) if (found := _TIERS.get(".".join(parts[n:])))), Tier.UNKNOWN)
    return _NAMED.get(plain(source), Tier.UNKNOWN)


class Impact(StrEnum):
    """How much an event of this kind usually moves a price."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


WEIGHT: Mapping[Impact, float] = MappingProxyType({Impact.HIGH: 1.25, Impact.MEDIUM: 1.0, Impact.LOW: 0.6})


class Course(NamedTuple):
    """How an event of some kind runs: its impact, and after how many days a story of it weighs half."""

    impact: Impact
    half_life_days: float


COURSES: Mapping[NewsEvent, Course] = MappingProxyType(
    {
        NewsEvent.BANKRUPTCY: Course(Impact.HIGH, 7.0),
        NewsEvent.DEAL: Course(Impact.HIGH, 5.0),
        NewsEvent.DIVIDEND: Course(Impact.MEDIUM, 4.0),
        NewsEvent.EARNINGS: Course(Impact.HIGH, 3.0),
        NewsEvent.FLOWS: Course(Impact.LOW, 1.0),
        NewsEvent.GUIDANCE: Course(Impact.HIGH, 4.0),
        NewsEvent.LEGAL: Course(Impact.MEDIUM, 4.0),
        NewsEvent.LIQUIDATION: Course(Impact.MEDIUM, 0.5),
        NewsEvent.LISTING: Course(Impact.MEDIUM, 2.0),
        NewsEvent.MACRO: Course(Impact.MEDIUM, 1.5),
        NewsEvent.MANAGEMENT: Course(Impact.LOW, 3.0),
        NewsEvent.OTHER: Course(Impact.LOW, 1.5),
        NewsEvent.OUTAGE: Course(Impact.LOW, 0.5),
        NewsEvent.PRODUCT: Course(Impact.MEDIUM, 3.0),
        NewsEvent.RATING: Course(Impact.MEDIUM, 2.0),
        NewsEvent.REGULATION: Course(Impact.HIGH, 5.0),
        NewsEvent.SECURITY: Course(Impact.HIGH, 2.0),
        NewsEvent.STAKING: Course(Impact.LOW, 2.0),
    }
)
