"""Who may in, and how much one may ask: tokens, roles, topic abuse, too many connections, against a real hub process.

The tokens are signed here by `hmac`, not by the core, so that both would have to be wrong in the same way.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from typing import Any

import hub_client as client
import hub_server as process
import pytest

Wire, Server, ask, member = client.Wire, process.Server, client.ask, client.member

SECRET, OTHER = b"0123456789abcdef0123456789abcdef", b"another key of thirty-two bytes!"
AUTH_TIMEOUT_S, SLACK_S = 0.5, 4.0
UNAUTHORIZED = 4401


def part(value: Any) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def token(header: dict[str, Any] | None = None, key: bytes = SECRET, **claims: Any) -> str:
    """An HS256 token of a publisher, good for a minute; claims given as None are left out."""
    said = {"alg": "HS256", "typ": "JWT", "kid": "desk", **(header or {})}
    payload = {"sub": "ana", "roles": ["publisher"], "exp": int(time.time()) + 60, **claims}
    body = f"{part(said)}.{part({name: value for name, value in payload.items() if value is not None})}"
    return f"{body}.{part(hmac.digest(key, body.encode(), hashlib.sha256))}"


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    file = tmp_path_factory.mktemp("keys") / "hub.key"
    file.write_bytes(SECRET)
    keys = [{"alg": "HS256", "file": str(file), "kid": "desk"}]
    roles = {"desk": {"subscribe": ["fills.*"], "publish": []}}
    limits = {"auth_timeout_ms": int(AUTH_TIMEOUT_S * 1000), "close_timeout_ms": 200}
    with Server(auth={"keys": keys, "roles": roles}, **limits) as server:
        yield server


def bearer(signed: str) -> list[tuple[str, str]]:
    return [("Authorization", f"Bearer {signed}")]


def bad_tokens() -> dict[str, str]:
    good = token()
    head, body, signature = good.split(".")
    now = int(time.time())
    return {
        "expired": token(exp=now - 1),
        "alg none, signed by nobody": f"{part({'alg': 'none', 'kid': 'desk'})}.{body}.",
        "alg none with a signature": token({"alg": "none"}),
        "alg HS512": token({"alg": "HS512"}),
        "alg EdDSA over an HMAC": token({"alg": "EdDSA"}),
        "alg RS256 over an HMAC": token({"alg": "RS256"}),
        "an unknown kid": token({"kid": "nobody"}),
        "another key": token(key=OTHER),
        "an empty key": token(key=b""),
        "a changed signature": f"{head}.{body}.{'A' if signature[0] != 'A' else 'B'}{signature[1:]}",
        "changed claims": f"{head}.{part({'sub': 'eve', 'roles': ['publisher'], 'exp': now + 60})}.{signature}",
        "no exp": token(exp=None),
        "exp as text": token(exp=str(now + 60)),
        "not valid yet": token(nbf=now + 3600),
        "two parts": f"{head}.{body}",
        "padding": good + "=",
        "a long one": token(pad="x" * 9000)[:8_600],
        "nothing at all": "x",
    }


@pytest.mark.parametrize("fault", bad_tokens())
def test_a_bad_token_is_refused_before_the_upgrade_and_never_written_down(guarded: Any, fault: str) -> None:
    signed = bad_tokens()[fault]
    with Wire(guarded.port) as wire:
        wire.send(client.request(guarded.port, "/", headers=bearer(signed)))
        reply = wire.reply()
    assert reply.status in (401, 431), reply
    assert signed not in guarded.said()


def test_a_bad_token_in_the_first_message_closes_4401(guarded: Any) -> None:
    for signed in (token(exp=int(time.time()) - 1), token(key=OTHER)):
        with member(guarded.port) as wire:
            wire.text({"op": "auth", "token": signed})
            assert wire.ending() == UNAUTHORIZED
        assert signed not in guarded.said()


def test_without_a_token_nothing_is_served_and_the_connection_ends(guarded: Any) -> None:
    with member(guarded.port) as wire:
        answer, _ = ask(wire, op="subscribe", topics=["fills.A"])
        assert answer["op"] == "error"
        assert wire.ending(AUTH_TIMEOUT_S + SLACK_S) == UNAUTHORIZED


def test_a_token_in_the_query_is_no_token(guarded: Any) -> None:
    with Wire.open(guarded.port, f"/?token={token()}", headers=[("Sec-WebSocket-Protocol", client.PROTOCOL)]) as wire:
        assert wire.ending(AUTH_TIMEOUT_S + SLACK_S) == UNAUTHORIZED


@pytest.mark.parametrize("way", ["header", "subprotocol", "first message"])
def test_a_good_token_opens_by_each_of_its_three_ways(guarded: Any, way: str) -> None:
    signed = token()
    if way == "header":
        wire = member(guarded.port, headers=bearer(signed))
    elif way == "subprotocol":
        offer = [("Sec-WebSocket-Protocol", f"{client.PROTOCOL}, bearer.{signed}")]
        wire = Wire.open(guarded.port, "/", headers=offer)
    else:
        wire = member(guarded.port)
        assert ask(wire, op="auth", token=signed)[0]["op"] == "authenticated"
    with wire:
        answer, _ = ask(wire, op="publish", topic="fills.A", data={"n": 1})
        assert answer["op"] == "published", answer
    assert signed not in guarded.said()


def test_a_role_reads_its_topics_and_nothing_else(guarded: Any) -> None:
    with member(guarded.port, headers=bearer(token(roles=["desk"]))) as wire:
        assert ask(wire, op="subscribe", topics=["fills.A"])[0]["op"] == "subscribed"
        for what in (
            {"op": "subscribe", "topics": ["risk.A"]},
            {"op": "subscribe", "topics": [">"]},
            {"op": "publish", "topic": "fills.A", "data": 1},
        ):
            assert ask(wire, **what)[0]["code"] == "forbidden", what
    with member(guarded.port, headers=bearer(token(roles=["no such role"]))) as wire:
        assert ask(wire, op="subscribe", topics=["fills.A"])[0]["code"] == "forbidden"


def test_an_open_connection_ends_within_a_second_of_its_token(guarded: Any) -> None:
    expires = int(time.time()) + 2
    with member(guarded.port, headers=bearer(token(exp=expires))) as wire:
        assert ask(wire, op="subscribe", topics=["fills.A"])[0]["op"] == "subscribed"
        assert wire.ending(2 + SLACK_S) == UNAUTHORIZED
        assert -0.1 < time.time() - expires < 1 + SLACK_S


def test_a_connection_flood_is_told_to_come_back_and_room_is_given_again() -> None:
    with Server(max_connections=20, close_timeout_ms=200) as hub:
        held = [Wire.open(hub.port) for _ in range(20)]
        for _ in range(100):
            with Wire(hub.port) as wire:
                wire.send(client.request(hub.port))
                reply = wire.reply()
                assert reply.status in (0, 503), reply
        with Wire(hub.port) as wire:
            # Without a request: the refusal does not wait for one, so that it cannot be lost to a reset.
            reply = wire.reply()
            assert reply.status == 503
            assert int(reply.headers["retry-after"]) >= 1
        held[0].text("served")
        assert held[0].message() == b"served"
        for wire in held:
            wire.reset()

        def room() -> bool:
            with Wire(hub.port) as wire:
                wire.send(client.request(hub.port))
                return bool(wire.reply().status == 101)

        hub.until(room, "room for a new connection")


def test_a_topic_hoarder_is_bounded_and_closed() -> None:
    with Server(subscribe_rate=[1000, 2048], close_timeout_ms=200) as hub:
        before = hub.memory_kb()
        with member(hub.port) as wire:
            codes = set()
            with pytest.raises(client.Ended) as ended:
                for start in range(0, 100_000, 500):
                    wire.text({"op": "subscribe", "topics": [f"t.{n}" for n in range(start, start + 500)]})
                    while (message := wire.json())["op"] != "subscribed":
                        codes.add(message["code"])
        assert ended.value.code == 1008
        assert codes & {"too_many_subscriptions", "subscribe_rate", "subscribes", "too_fast"}, codes
        with member(hub.port) as wire:
            wire.text({"op": "subscribe", "topics": ["x" * 1_000_000]})
            assert wire.ending() == 1009
        with member(hub.port) as wire:
            for name in ("x" * 2000, "a..b", "", ".", "a.>.b", "a b", "\u0000", "*a", "../etc"):
                answer, _ = ask(wire, op="subscribe", topics=[name])
                assert answer["op"] == "error", name
        with member(hub.port) as wire:
            for number in range(200):
                wire.text({"op": "subscribe", "topics": [f"*.{number}.>"]})
            assert wire.ending() == 1008
        assert hub.memory_kb() - before < 32 << 10


@pytest.mark.parametrize(
    "message",
    ["", "{", "[]", "null", '{"op":1}', '{"op":"fly"}', '{"op":"subscribe"}', '{"op":"publish","topic":"a"}',
     '{"op":"publish","topic":"*","data":1}', '{"op":"subscribe","topics":["a"],"resume":{"a":{"offset":-1}}}',
     '{"op":"subscribe","topics":["a"],"filter":{"nonsense":1}}', "[" * 30_000, '{"op":"ping","op":"ping"}'],
)  # fmt: skip
def test_nonsense_gets_a_typed_error_and_the_connection_stays(guarded: Any, message: str) -> None:
    with member(guarded.port, headers=bearer(token())) as wire:
        wire.text(message)
        answer = wire.json()
        assert answer["op"] == "error", answer
        assert {"code", "message"} <= answer.keys()
        assert ask(wire, op="ping")[0]["op"] == "pong"
