"""Words of market headlines that VADER, made for social media, does not know or reads wrongly.

Valences follow VADER's scale of -4 (worst) to +4 (best), here for the price of what the headline is about. The list is
our own, written from the vocabulary of company and crypto headlines; no labelled data set was used. It is a baseline
and not a calibrated model: see the limits on the news agent.
"""

from __future__ import annotations

from types import MappingProxyType

_POSITIVE = {
    2.6: "beats beat outperforms outperform outperformed upgrade upgrades upgraded bullish surges surge surged "
    "soars soar soared skyrockets skyrocket breakthrough",
    2.0: "jumps jump jumped rallies rally rallied rebounds rebound rebounded climbs climb climbed leaps leap "
    "leaped buyback buybacks doubles double doubled triples tripled exceeds exceed exceeded tops topped "
    "approval approves approved oversubscribed blockbuster",
    1.5: "rises rise rose higher advances advanced gains gained raises raised expands expand expanded "
    "expansion grows grew growth record recovers recover recovered recovery wins adopts adopt adoption "
    "listing dividend inflows accumulates profitable tailwind tailwinds lifts lift lifted",
    1.0: "launches launch launched unveils partnership partners partnered acquires settles settled resumes "
    "invests earns earned undervalued milestone demand hires",
}

_NEGATIVE = {
    -3.2: "bankruptcy bankrupt insolvent insolvency fraud ponzi embezzlement delisted delisting delist collapse "
    "collapses collapsed liquidated",
    -2.6: "misses miss missed downgrade downgrades downgraded bearish plunges plunge plunged crashes crash "
    "crashed tumbles tumble tumbled plummets plummet plummeted hack hacked hacks hacker hackers exploited "
    "scam scams default defaults defaulted selloff sell-off",
    -2.0: "lawsuit lawsuits sues sued recall recalls recalled probe probes subpoena indicted indictment slumps "
    "slump slumped sinks sink sank slides slide slid layoffs writedown write-down impairment breach "
    "outage halts halted bans banned ban liquidations contagion recession shortfall restates restatement",
    -1.5: "falls fall fell drops drop dropped declines decline declined lower loses lost loss losses cuts cut "
    "slashes slashed warns warning warned weaker weak weaken weakens disappoint disappoints disappointing "
    "disappointed disappointment delays delayed delay investigation investigates fine fined penalty "
    "outflows shortage headwind headwinds dumps dumped",
    -1.0: "slows slow slowdown slowing volatile uncertainty tariff tariffs strike resigns resignation short "
    "stalls stall stalled overvalued suspends suspended dilution antitrust crackdown closures",
}

_NEUTRAL = (
    "share shares interest interests security securities trust united value values gross crude bond bonds top vice "
    "energy play please like party alert chance novel super free natural matter matters challenge feature features "
    "solution solutions debt no number tank capital reserve reserves liability liabilities apple block "
    "fair active credit creditors dear greeting legal kind reach join straight well intelligent defi "
    "best-buy better-homes help helps create creates created creation importance important"
)
"""VADER gives most of these a mood ("share" +1.2, "crude" -2.7); in a headline they name a thing."""


def finance_valences() -> MappingProxyType[str, float]:
    """Word in lower case -> valence in -4..4, 0 where VADER's own valence is to be switched off.

    Example:
        >>> finance_valences()["downgrade"], finance_valences()["shares"]
        (-2.6, 0.0)
    """
    words = dict.fromkeys(_NEUTRAL.split(), 0.0)
    for table in (_POSITIVE, _NEGATIVE):
        for valence, names in table.items():
            words.update(dict.fromkeys(names.split(), valence))
    return MappingProxyType(words)
