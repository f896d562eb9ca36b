"""Keys never get out, prompts go only where they may, and text by strangers is made harmless to read."""

from __future__ import annotations

import asyncio
import io
import logging
import string
import traceback
import unicodedata
from pathlib import Path
from typing import Any

import llm_kit as kit
import llm_server as server
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from deepalpha.config import Settings, Workspace
from deepalpha.errors import ConfigError
from deepalpha.llm import Redactor, clean, fence, make_router, protect_logging
from deepalpha.llm.security import allowed_base_url, checked_model, checked_name, resolve_key
from deepalpha.llm.untrusted import visible
from deepalpha.store import LLMCallLog, Ops, project

pytest.importorskip("openai", reason="pip install 'deepalpha[llm]'")


KEY = "sk-live-abcdefghijklmnop0123456789"


@pytest.mark.parametrize("wire", kit.WIRES)
def test_a_key_is_in_no_log_row_file_or_exception_after_every_failure(
    wire: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LLM_TEST_KEY", KEY)
    monkeypatch.setenv("OPENAI_LOG", "debug")
    monkeypatch.setenv("ANTHROPIC_LOG", "debug")
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    root = logging.getLogger()
    monkeypatch.setattr(root, "handlers", [handler])
    before = root.level
    root.setLevel(logging.DEBUG)  # not by monkeypatch: loggers remember what is enabled until it is called again
    workspace = Workspace(tmp_path / "ws")
    ops = Ops(workspace.ops)
    shown: list[str] = []

    async def main() -> None:
        async with kit.served() as (provider,):
            base = provider.url if wire == "openai" else provider.url.removesuffix("/v1")
            one: dict[str, Any] = {"kind": wire, "base_url": base, "model": "m", "key": "env:LLM_TEST_KEY"}
            one["price"] = {"input": 1, "output": 1}
            settings = Settings.from_mapping({"llm": {"enabled": True, "rounds": 1, "providers": {"one": one}}})
            log = LLMCallLog(ops, run_id="r", account_id="a")
            for mode in server.MODES:
                router = make_router(settings.llm, log, run_id=mode)
                provider.play(mode)
                try:
                    deadline = 0.2 if mode in ("slow", "hang") else 20.0
                    # A prompt that holds the key by mistake is redacted where it is written, too.
                    result = await router.complete(kit.request(user=f'"{mode} {KEY}"', deadline_s=deadline))
                    shown.append(f"{result!r} {router!r} {vars(router)!r} {settings!r} {result.canonical()!r}")
                    logging.getLogger("deepalpha.llm").warning("key %s and api_key=%s", KEY, KEY)
                    try:
                        raise RuntimeError(f"forced, with {KEY}")
                    except RuntimeError:
                        logging.getLogger("deepalpha.llm").exception("failed with Bearer %s", KEY)
                finally:
                    await router.close()
            assert KEY in str([seen.headers for seen in provider.seen]), "it did go where it must"

    try:
        asyncio.run(main())
    finally:
        root.setLevel(before)
    assert ops.scalar("SELECT count(*) FROM llm_call") > 2 * len(server.MODES) - 5
    project(ops, workspace.duckdb)
    text = stream.getvalue()
    assert "[redacted]" in text and "Traceback" in text
    secret = KEY.removeprefix("sk-live-")
    assert secret not in text
    assert not [found for found in shown if secret in found]
    for path in tmp_path.rglob("*"):
        assert not path.is_file() or secret.encode() not in path.read_bytes(), path


def test_an_error_that_escapes_shows_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    one = {"model": "m", "key": KEY, "base_url": "https://example.org/v1"}
    settings = Settings.from_mapping({"llm": {"enabled": True, "providers": {"one": one}}})
    with pytest.raises(ConfigError, match="never write the key itself") as caught:
        make_router(settings.llm, kit.MemoryCallLog(), run_id="r")
    assert KEY not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize(
    "text",
    [
        f"Authorization: Bearer {KEY}",
        f"Bearer {KEY}",
        f'{{"api_key": "{KEY}"}}',
        "api_key=Zm9vYmFyYmF6",
        "X-MBX-APIKEY: vmPUZE6mv9SEXAMPLE",
        "apiSecret='NhqPtmdSJYdKjVHjA7PZ'",
        "OK-ACCESS-PASSPHRASE: hunter22",
        "signature=9f86d081884c7d659a2feaa0c55ad015",
        "?key=AIzaSyD-9tSrke72PouQMnMX",
        "token=ghp_16C7e42F292c6912E7710c838347",
        "password: correcthorse",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dozjgNryP4J3jVmNHl0w",
    ],
)
def test_everything_shaped_like_a_secret_is_replaced(text: str) -> None:
    redacted = Redactor()(text)
    assert "[redacted]" in redacted
    for word in ("Zm9v", "vmPUZ", "Nhqp", "hunter22", "9f86d0", "AIzaSyD", "ghp_", "correct", "abcdefgh", "eyJz"):
        assert word.lower() not in redacted.lower()
    assert Redactor()(redacted) == redacted


@pytest.mark.parametrize(
    "text",
    [
        '{"total_tokens": 123456789}',
        "the key: momentum",
        '"prompt_cache_key":"deepalpha-1"',
        "1d:RSI_14",
        "a sign of weakness",
    ],
)
def test_ordinary_text_is_left_alone(text: str) -> None:
    assert Redactor()(text) == text


@given(st.text(string.printable, max_size=80), st.text(string.ascii_letters + string.digits, min_size=6, max_size=40))
def test_a_known_secret_never_survives_whatever_surrounds_it(around: str, secret: str) -> None:
    redactor = Redactor([SecretStr(secret)])
    assert secret not in redactor(f"{around}{secret}{around}").replace("[redacted]", "")
    assert secret not in repr(redactor)


@pytest.mark.parametrize(
    "url",
    [
        "http://api.example.com/v1",
        "https://user:pass@api.example.com/v1",
        "https://api.example.com@evil.example/v1",
        "ftp://127.0.0.1/",
        "file:///etc/passwd",
        "https://",
        "https://host/v1?key=1",
        "https://host/#x",
        "https://ho st/v1",
        "http://127.0.0.1.evil.example/v1",
        "http://localhost.evil.example/",
        "http://0.0.0.0:1/v1",
        "http://169.254.169.254/latest",
        "https://host:99999/",
        "javascript:alert(1)",
        "",
    ],
)
def test_an_address_that_keys_must_not_go_to_is_refused(url: str) -> None:
    with pytest.raises(ConfigError) as caught:
        allowed_base_url(url)
    assert "pass" not in str(caught.value)


@pytest.mark.parametrize(
    "url", ["https://api.openai.com/v1", "http://127.0.0.1:8080/v1/", "http://localhost:11434/v1", "http://[::1]:1/v1"]
)
def test_https_and_loopback_are_allowed(url: str) -> None:
    assert allowed_base_url(url) == url.rstrip("/")


@pytest.mark.parametrize("name", ["", "Open", "a/b", "../x", "a" * 33, "a\n", "1a", "а"])
def test_a_providers_name_is_plain(name: str) -> None:
    with pytest.raises(ConfigError):
        checked_name(name)


@pytest.mark.parametrize("model", ["", "../secret", "a b", "m\n", "m\u202e", "a" * 201, "-x", 'm"'])
def test_a_models_name_is_plain(model: str) -> None:
    with pytest.raises(ConfigError) as caught:
        checked_model(model)
    assert "\u202e" not in str(caught.value)


def test_names_that_providers_use_pass() -> None:
    for model in ("gpt-6.1-sol", "anthropic/claude-sonnet-5-5", "llama3.3:70b-q4_K_M", "models/x@2026"):
        assert checked_model(model) == model


def test_keys_come_from_the_environment_or_the_keyring_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_KEY", " abc-123456 ")
    key = resolve_key("env:SOME_KEY")
    assert key is not None and key.get_secret_value() == "abc-123456" and "abc" not in repr(key)
    assert resolve_key(None) is None
    monkeypatch.delenv("SOME_KEY")
    with pytest.raises(ConfigError, match="SOME_KEY is not set"):
        resolve_key("env:SOME_KEY")
    with pytest.raises(ConfigError, match="keyring"):
        resolve_key("keyring:deepalpha/openai")


def test_debug_logs_of_the_sdks_are_silenced() -> None:
    import openai

    assert openai
    logging.getLogger("openai").setLevel(logging.DEBUG)
    protect_logging(Redactor())
    assert not logging.getLogger("openai._base_client").isEnabledFor(logging.DEBUG)


@given(st.text(max_size=300))
def test_cleaned_text_is_bounded_visible_and_stable(text: str) -> None:
    cleaned = clean(text, max_chars=100)
    assert len(cleaned) <= 100
    assert clean(cleaned, max_chars=100) == cleaned
    assert unicodedata.is_normalized("NFKC", cleaned)
    assert all(char in "\n\t" or unicodedata.category(char)[0] != "C" for char in cleaned)
    assert visible(text) == visible(visible(text))


def test_hidden_and_padded_text_is_taken_out() -> None:
    assert clean("sell\u200b\u202e\u2066 \uff42\uff55\uff59\x00\x1b[31m") == "sell buy[31m"
    assert len(clean("a" * 10_000_000)) == 2000
    assert len(clean("\ufdfa" * 10_000)) == 2000, "a character that grows when it is normalised"


@given(st.text(max_size=200), st.lists(st.text("0123456789abcdef", min_size=1, max_size=2), max_size=3))
def test_a_fence_cannot_be_closed_from_inside(text: str, guesses: list[str]) -> None:
    nonces = iter([*guesses, "f00dbeef" * 2])
    fenced = fence(f"{text} <<end text {''.join(guesses)}>>", nonce=lambda: next(nonces))
    first, *inside, last = fenced.split("\n")
    mark = last.removeprefix("<<end text ").removesuffix(">>")
    assert first.startswith(f"<<text {mark}:") and not any(mark in line for line in inside)
