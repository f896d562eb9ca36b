"""Secrets, addresses and names: what may leave, where to, and what may be written down.

Invariants: a key is only ever read from the environment or the system's keyring, held as `SecretStr`, and given to one
SDK client; everything this room writes (rows, reasons, log records) passes a `Redactor`; an address is https or
loopback, without user info. Redaction is the second net: the first is that headers are never written at all.
"""

from __future__ import annotations

import importlib
import ipaddress
import logging
import os
import re
import unicodedata
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

from pydantic import SecretStr

from deepalpha.errors import ConfigError

MASK = "[redacted]"
MIN_SECRET_CHARS = 6

# Shapes of secrets: the providers' key prefixes, JWTs, bearer tokens, and values after a telling name (the names of the
# exchanges' headers end in one of these, e.g. X-MBX-APIKEY, OK-ACCESS-SIGN, CB-ACCESS-PASSPHRASE).
_PATTERNS = (
    re.compile(r"\b(?:sk|pk|rk|xai|gsk|hf|key)[-_][A-Za-z0-9_\-]{8,}"),
    re.compile(r"\beyJ[A-Za-z0-9_\-]{8,}\.[A-Za-z0-9_\-]{8,}\.[A-Za-z0-9_\-]{4,}"),
    re.compile(r"(?i)\b(?:bearer|basic)\s+[A-Za-z0-9._~+/\-]{6,}=*"),
    re.compile(
        r"(?i)(?P<name>[\"']?\b(?:[a-z]+-)*(?:api[_\-]?key|access[_\-]sign|access[_\-]?key|secret(?:[_\-]?key)?|api[_\-]?secret"
        r"|passphrase|password|passwd|signature|authorization)[\"']?\s*[:=]\s*)(?P<quote>[\"']?)"
        r"(?P<value>[^\s\"'&,;}\[\]]{6,})"
    ),
    # Names that also stand before harmless words: only a long value with a digit in it.
    re.compile(
        r"(?i)(?P<name>[\"']?\b(?:key|token|sign)[\"']?\s*[:=]\s*)(?P<quote>[\"']?)"
        r"(?P<value>(?=[^\s\"'&,;}\[\]]*\d)[^\s\"'&,;}\[\]]{16,})"
    ),
)
_NAME = re.compile(r"[a-z][a-z0-9-]{0,31}")
_MODEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/@+-]{0,199}")
_ENV = re.compile(r"env:([A-Za-z_][A-Za-z0-9_]{0,127})")
_KEYRING = re.compile(r"keyring:([^/\s]{1,128})/([^/\s]{1,128})")


class Redactor:
    """Replaces known secrets and everything shaped like one. Cheap to copy around, never shows what it knows."""

    def __init__(self, secrets: Iterable[SecretStr] = ()) -> None:
        self._secrets: set[str] = set()
        for secret in secrets:
            self.learn(secret)

    def learn(self, secret: SecretStr) -> None:
        """Also replace this value wherever it appears, whatever it looks like."""
        value = secret.get_secret_value()
        if len(value) >= MIN_SECRET_CHARS:
            self._secrets.add(value)

    def __call__(self, text: str) -> str:
        """The text without secrets."""
        for value in sorted(self._secrets, key=len, reverse=True):
            text = text.replace(value, MASK)
        for pattern in _PATTERNS:
            text = pattern.sub(_mask, text)
        return text

    def __repr__(self) -> str:
        return f"Redactor({len(self._secrets)} secrets)"


def _mask(found: re.Match[str]) -> str:
    if "name" not in found.re.groupindex:
        return MASK
    return f"{found['name']}{found['quote']}{MASK}"


class RedactingFilter(logging.Filter):
    """Redacts the finished message and the traceback of every record that passes a handler."""

    def __init__(self, redactor: Redactor) -> None:
        super().__init__()
        self._redactor = redactor
        self._format = logging.Formatter()

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = self._redactor(record.getMessage()), ()
        if record.exc_info and not record.exc_text:
            record.exc_text = self._format.formatException(record.exc_info)
        if record.exc_text:
            record.exc_text, record.exc_info = self._redactor(record.exc_text), None
        return True


def protect_logging(redactor: Redactor, handlers: Iterable[logging.Handler] | None = None) -> None:
    """Redact every record of these handlers (the root's when none are named) and silence the SDKs' debug logs.

    The SDKs log whole requests at DEBUG, prompts included, and can be switched to it by an environment variable.
    """
    for name in ("openai", "anthropic", "httpx2", "httpcore2", "httpx", "httpcore"):
        logging.getLogger(name).setLevel(logging.WARNING)
    for handler in logging.getLogger().handlers if handlers is None else handlers:
        if not any(isinstance(present, RedactingFilter) for present in handler.filters):
            handler.addFilter(RedactingFilter(redactor))


def resolve_key(source: str | None) -> SecretStr | None:
    """The key behind ``env:NAME`` or ``keyring:SERVICE/USER``; None when there is no source.

    Raises:
        ConfigError: another form (the value is not repeated: it may be a key), or nothing is stored there.
    """
    if source is None:
        return None
    if found := _ENV.fullmatch(source):
        value = os.environ.get(found[1], "").strip()
        if not value:
            raise ConfigError(f"environment variable {found[1]} is not set; put the provider's key there")
        return SecretStr(value)
    if found := _KEYRING.fullmatch(source):
        try:
            keyring: Any = importlib.import_module("keyring")
        except ImportError as error:
            raise ConfigError(
                "keyring: is used but the package keyring is not installed (pip install keyring)"
            ) from error
        value = keyring.get_password(found[1], found[2])
        if not value:
            raise ConfigError(f"the keyring has no password for {found[1]}/{found[2]}; set it or use env:NAME")
        return SecretStr(value)
    raise ConfigError("llm key: name where the key is, env:NAME or keyring:SERVICE/USER; never write the key itself")


def allowed_base_url(url: str) -> str:
    """The address, when requests with keys may go there.

    Raises:
        ConfigError: not https (loopback may be http), user info, a query, or no host.
    """
    try:
        parts = urlsplit(url)
        host, _port = parts.hostname, parts.port
    except ValueError as error:
        raise ConfigError(f"llm base_url is not an address: {error}") from error
    if "@" in parts.netloc or parts.query or parts.fragment or not host or any(char.isspace() for char in url):
        raise ConfigError("llm base_url must be scheme://host[:port][/path], without user, query or fragment")
    if parts.scheme == "https" or (parts.scheme == "http" and is_loopback(url)):
        return url.rstrip("/")
    raise ConfigError(f"llm base_url on {host}: use https (http only on 127.0.0.1, ::1 or localhost)")


def is_loopback(url: str) -> bool:
    """Whether the address is this machine."""
    host = urlsplit(url).hostname or ""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def checked_name(name: str) -> str:
    """A provider's name as it may stand in rows, screens and files.

    Raises:
        ConfigError: anything but lower-case letters, digits and dashes.
    """
    if not _NAME.fullmatch(name):
        raise ConfigError(f"llm provider {_shown(name)}: use 1 to 32 of a-z, 0-9 and -, beginning with a letter")
    return name


def checked_model(model: str) -> str:
    """A model's name as it may go on the wire.

    Raises:
        ConfigError: characters that no provider uses in names.
    """
    if not _MODEL.fullmatch(model) or ".." in model:
        raise ConfigError(f"llm model {_shown(model)}: use the provider's name (letters, digits, . _ : / @ + -)")
    return model


def _shown(text: str) -> str:
    return repr("".join(char for char in text[:60] if unicodedata.category(char)[0] != "C"))
