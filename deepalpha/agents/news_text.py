"""Untrusted headline text made comparable: one spelling for what looks alike, and nothing that hides.

Everything that reads a title (classifier, entity linking, story matching) reads it through here, so that a zero-width
space or a Cyrillic letter cannot make a word invisible to one of them. Pure functions, linear in the text's length.
"""

from __future__ import annotations

import re
import unicodedata

MAX_CHARS = 300
"""Characters of a title that are read; a longer one is padding."""

_INVISIBLE = frozenset({"Cf", "Co", "Cs"})
_BETWEEN = frozenset({"Cc", "Zl", "Zp"})
_WORD = re.compile(r"[^\W_]+(?:[-'’][^\W_]+)*")
_DIGIT = re.compile(r"\d")
_ASCII_SPACES = dict.fromkeys((*range(32), 127, ord("!")), " ")
_LOOKALIKES = str.maketrans(
    # Cyrillic and Greek letters, already in lower case, that print like a Latin one.
    "аеорсухкмтнвіѕјԁԛԝһʟαεορυνκτιςβ",
    "aeopcyxkmthbisjdqwhlaeopuvktisb",
)


def visible(text: str) -> str:
    """One lower-case line without invisible characters, exclamation marks or letters that only look Latin.

    Lookalikes are replaced inside words that mix scripts; a word written wholly in Greek or Cyrillic stays.

    Example:
        >>> visible("Apple\\u200b BEATS!!! \\u0430pple?")
        'apple beats apple?'
    """
    read = text[: 4 * MAX_CHARS]
    if read.isascii():  # most titles, and nothing in them hides
        return " ".join(read.lower().translate(_ASCII_SPACES).split())[:MAX_CHARS]
    folded = unicodedata.normalize("NFKC", read).casefold()
    # Format characters (zero width, direction marks) hide inside words; control characters stand between words.
    categories = ((char, unicodedata.category(char)) for char in folded)
    kept = "".join(
        " " if char == "!" or category in _BETWEEN else char
        for char, category in categories
        if category not in _INVISIBLE
    )
    return " ".join(_latin(word) for word in kept.split())[:MAX_CHARS]


def plain(text: str) -> str:
    """The words of `visible(text)`: punctuation only inside words.

    Example:
        >>> plain("Apple\\u200b BEATS!!! (again)")
        'apple beats again'
    """
    return " ".join(_WORD.findall(visible(text))).replace("’", "'")


def features_of(text: str) -> list[str]:
    """What the bag of words counts: words, ``#`` for anything with a digit, ``?`` at the end of a question.

    Example:
        >>> features_of("Will Apple pay $2bn?")
        ['will', 'apple', 'pay', '#', '?']
    """
    seen = visible(text)
    words = [word if word.isalpha() or not _DIGIT.search(word) else "#" for word in _WORD.findall(seen)]
    return [*words, "?"] if "?" in seen else words


def shingles(text: str) -> frozenset[str]:
    """The set of words of a title, for comparing two of them."""
    return frozenset(plain(text).split())


def overlap(a: frozenset[str], b: frozenset[str]) -> float:
    """Jaccard similarity in 0..1; two titles without any word are alike."""
    union = len(a | b)
    return len(a & b) / union if union else 1.0


def _latin(word: str) -> str:
    """`word` with lookalikes replaced if it then is, at least in part, Latin."""
    if word.isascii():
        return word
    swapped = word.translate(_LOOKALIKES)
    mixes = any("a" <= char <= "z" for char in word)
    return swapped if mixes else word
