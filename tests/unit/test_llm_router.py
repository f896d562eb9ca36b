"""The router: one deadline, own retries, failover, limits, and an answer from the log to an equal question."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import llm_kit as kit
import pytest

from deepalpha.errors import LLMError, RecordedCallMissingError, StoreError
from deepalpha.llm import CallStatus, LLMResult, MemoryCallLog, Recorded
from deepalpha.llm.guard import Breaker, Circuit, TokenBucket
from deepalpha.types import LLMCall

pytest.importorskip("openai", reason="pip install 'deepalpha[llm]'")


S = CallStatus


def run(main: Callable[[Any, Any], Awaitable[None]]) -> None:
    """A test with two scripted providers."""

    async def both() -> None:
        async with kit.served(2) as (first, second):
            await main(first, second)

    asyncio.run(both())


def test_retries_wait_with_jitter_and_stop_when_it_works() -> None:
    async def main(first: Any, _: Any) -> None:
        world = kit.World()
        first.play("error_500", "error_500", "ok")
        result = await kit.router([kit.member(first.url)], world=world, rounds=5).complete(kit.request())
        assert result.ok and result.attempts == 3
        assert len(world.waits) == 2 and 0.25 <= world.waits[0] <= 0.5 and 0.5 <= world.waits[1] <= 1.0

    run(main)


def test_retry_after_is_honoured_within_the_deadline_only() -> None:
    async def main(first: Any, _: Any) -> None:
        world = kit.World()
        first.play("rate_limited", "ok")
        result = await kit.router([kit.member(first.url)], world=world, rounds=2).complete(kit.request())
        assert result.ok and world.waits == [2.0]

        first.play("rate_limited", "ok")
        first.retry_after = "120"
        result = await kit.router([kit.member(first.url)], world=world, rounds=2).complete(kit.request())
        assert result.status is S.RATE_LIMITED and len(first.seen) == 1 and world.waits == [2.0]

        first.play("rate_limited", "ok")
        first.retry_after = "Wed, 21 Oct 2026 07:28:00 GMT"
        result = await kit.router([kit.member(first.url)], world=world, rounds=2).complete(kit.request())
        assert result.ok and world.waits[-1] <= 0.5

    run(main)


@pytest.mark.parametrize(
    "mode", ["error_500", "rate_limited", "unauthorized", "refusal", "length", "answer_bounds", "drop", "tool_call"]
)
def test_the_next_provider_is_asked_when_one_fails(mode: str) -> None:
    async def main(first: Any, second: Any) -> None:
        world = kit.World()
        first.play(mode)
        router = kit.router([kit.member(first.url, name="one"), kit.member(second.url, name="two")], world=world)
        result = await router.complete(kit.request())
        assert result.ok and result.provider == "two" and world.waits == []
        assert "one/model-1" in result.reason, "the first failure stays visible"

    run(main)


def test_failures_for_good_are_not_repeated_and_passing_ones_are() -> None:
    async def main(first: Any, second: Any) -> None:
        first.play("unauthorized")
        second.play("error_500")
        router = kit.router([kit.member(first.url, name="one"), kit.member(second.url, name="two")], rounds=3)
        result = await router.complete(kit.request())
        assert result.status is S.ERROR
        assert (len(first.seen), len(second.seen)) == (1, 3)

    run(main)


def test_everything_is_inside_one_deadline() -> None:
    async def main(first: Any, second: Any) -> None:
        first.play("slow")
        log = MemoryCallLog()
        router = kit.router([kit.member(first.url, name="one"), kit.member(second.url, name="two")], log=log)
        loop = asyncio.get_running_loop()
        begun = loop.time()
        result = await router.complete(kit.request(deadline_s=0.2))
        assert result.status is S.TIMEOUT and loop.time() - begun < 5
        assert second.seen == []
        assert [row.status for row in log.rows] == ["sent", "cancelled", "timeout"]

    run(main)


def test_a_caller_that_goes_away_leaves_a_row_and_gives_everything_back() -> None:
    async def main(first: Any, _: Any) -> None:
        first.play("slow")
        log = MemoryCallLog()
        member = kit.member(first.url, concurrency=1)
        router = kit.router([member], log=log)
        task = asyncio.create_task(router.complete(kit.request()))
        await first.asked.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert [row.status for row in log.rows] == ["sent", "cancelled"]
        assert log.rows[1].cost_is_bound and log.rows[1].cost_usd == log.rows[0].cost_usd
        first.play("ok")
        assert (await router.complete(kit.request())).ok, "the slot and the circuit are free again"

    run(main)


def test_an_open_circuit_is_skipped_and_tried_again_after_its_cool_down() -> None:
    async def main(first: Any, _: Any) -> None:
        world = kit.World()
        member = kit.member(first.url, breaker=Breaker(threshold=2, cool_down_s=30))
        router = kit.router([member], world=world)
        first.play("error_500")
        for _ in range(2):
            assert (await router.complete(kit.request())).status is S.ERROR
        result = await router.complete(kit.request())
        assert result.status is S.UNAVAILABLE and "circuit open" in result.reason and len(first.seen) == 2
        assert router.state().members[0].circuit is Circuit.OPEN
        world.seconds += 31
        first.play("ok")
        assert (await router.complete(kit.request())).ok
        assert router.state().members[0].circuit is Circuit.CLOSED

    run(main)


def test_a_refused_key_opens_the_circuit_at_once_and_a_bad_request_does_not() -> None:
    async def main(first: Any, _: Any) -> None:
        for mode, circuit in (("unauthorized", Circuit.OPEN), ("bad_request", Circuit.CLOSED)):
            first.play(mode)
            router = kit.router([kit.member(first.url)])
            await router.complete(kit.request())
            assert router.state().members[0].circuit is circuit

    run(main)


def test_our_own_rate_limit_waits_or_says_so() -> None:
    async def main(first: Any, _: Any) -> None:
        world = kit.World()
        member = kit.member(first.url, requests_per_minute=6, concurrency=1)
        router = kit.router([member], world=world)
        assert (await router.complete(kit.request())).ok
        assert (await router.complete(kit.request())).ok
        assert world.waits == [pytest.approx(10.0)]
        result = await router.complete(kit.request(deadline_s=5))
        assert result.status is S.RATE_LIMITED and "our own limit" in result.reason
        assert len(first.seen) == 2

    run(main)


def test_an_equal_question_is_answered_from_the_log_for_a_while() -> None:
    async def main(first: Any, _: Any) -> None:
        world = kit.World()
        router = kit.router([kit.member(first.url)], world=world, cache_s=300.0)
        once = await router.complete(kit.request())
        again = await router.complete(kit.request())
        assert again.replayed and again.canonical() == once.canonical() and first.connections == 1
        await router.complete(kit.request(user='{"p_up": 0.62}'))
        assert len(first.seen) == 2
        world.seconds += 301
        later = await router.complete(kit.request())
        assert not later.replayed and later.call_id != once.call_id and len(first.seen) == 3

    run(main)


def test_a_failure_is_never_served_from_the_cache() -> None:
    async def main(first: Any, _: Any) -> None:
        router = kit.router([kit.member(first.url)], cache_s=300.0)
        first.play("error_500", "ok")
        assert (await router.complete(kit.request())).status is S.ERROR
        assert (await router.complete(kit.request())).ok

    run(main)


def test_a_replay_without_its_call_is_a_typed_error() -> None:
    result: LLMResult[Any] = asyncio.run(Recorded(MemoryCallLog(), ["a/b"], cycle="d1").complete(kit.request()))
    assert result.status is S.NOT_RECORDED and result.parsed is None
    with pytest.raises(RecordedCallMissingError, match="cycle d1"):
        result.unwrap()


def test_a_schema_that_changed_since_makes_a_replay_invalid_not_wrong() -> None:
    async def main(first: Any, _: Any) -> None:
        log = MemoryCallLog()
        router = kit.router([kit.member(first.url)], log=log)
        await router.complete(kit.request())
        changed = [
            LLMCall(**{**{f: getattr(row, f) for f in row.__struct_fields__}, "text": '{"verdict": "buy"}'})
            for row in log.rows
        ]
        other = MemoryCallLog()
        for row in changed:
            other.append(row)
        result = await Recorded(other, router.names).complete(kit.request())
        assert result.status is S.INVALID and result.parsed is None

    run(main)


def test_nothing_is_sent_that_cannot_be_recorded() -> None:
    class Full(MemoryCallLog):
        def append(self, call: LLMCall) -> None:
            raise StoreError("ops.sqlite: disk full")

    async def main(first: Any, _: Any) -> None:
        member = kit.member(first.url)
        result = await kit.router([member], log=Full()).complete(kit.request())
        assert result.status is S.ERROR and "disk full" in result.reason
        assert first.seen == []
        assert (await kit.router([member]).complete(kit.request())).ok, "slot, money and circuit were given back"

    run(main)


def test_without_a_provider_it_is_rule_only_and_says_so() -> None:
    router = kit.router([])
    assert router.mode == "rule-only" and "llm.providers" in router.words
    result = asyncio.run(router.complete(kit.request()))
    assert result.status is S.UNAVAILABLE and "rules only" in result.reason


def test_a_route_to_nobody_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(LLMError, match="no provider 'x/y'"):
        asyncio.run(kit.router([]).complete(kit.request(), route=("x/y",)))


def test_the_token_bucket_never_lets_more_through_than_it_says() -> None:
    bucket = TokenBucket(per_minute=60, burst=3)
    now, begun = 0.0, []
    for _ in range(50):
        now += bucket.wait(now)
        bucket.take(now)
        begun.append(now)
    for width in (0.5, 1.0, 7.0, 30.0):
        for start in begun:
            assert sum(start <= at < start + width for at in begun) <= 3 + width + 1e-6


def test_a_half_open_circuit_lets_one_probe_through_and_doubles_its_cool_down() -> None:
    breaker = Breaker(threshold=1, cool_down_s=10, longest_s=15)
    assert breaker.admit(0)
    breaker.failed(0)
    assert not breaker.admit(9.9) and breaker.admit(10) and not breaker.admit(10)
    breaker.abandoned()
    assert breaker.admit(10)
    breaker.failed(10)
    assert not breaker.admit(24.9) and breaker.admit(25.1), "20 s, but at most 15"
    breaker.succeeded()
    assert breaker.state(25.1) is Circuit.CLOSED
