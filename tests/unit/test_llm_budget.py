"""Money: never more than the caps, whatever runs at the same time, and no way around them by a restart."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from datetime import UTC, date, datetime
from decimal import Decimal

import llm_kit as kit
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deepalpha.config import Settings
from deepalpha.config.settings import BudgetSettings, PriceSettings
from deepalpha.llm import Budget, CallStatus, MemoryCallLog, OutputMode, Price, Usage, contaminating, model_table
from deepalpha.llm.budget import Refusal, Reservation, Spent
from deepalpha.llm.build import month_start
from deepalpha.llm.call_log import spent
from deepalpha.types import DAY, SECOND

pytest.importorskip("openai", reason="pip install 'deepalpha[llm]'")


CENT = Decimal("0.01")
CAPS = BudgetSettings(per_call_usd=3 * CENT, per_cycle_usd=5 * CENT, per_day_usd=8 * CENT, per_month_usd=12 * CENT)
PICO = 10**10  # a cent in picodollars


@settings(max_examples=300)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["reserve", "settle", "wait"]),
            st.integers(0, 5),  # which call, or which reservation
            st.integers(0, 2),  # which cycle
            st.integers(1, 4 * PICO),
            st.floats(0, 1),
        ),
        max_size=60,
    )
)
def test_spent_and_reserved_never_exceed_a_cap(steps: list[tuple[str, int, int, int, float]]) -> None:
    budget, now = Budget(CAPS), kit.START
    held: list[tuple[Reservation, tuple[str, ...]]] = []
    naive: dict[str, int] = defaultdict(int)
    bounds = {"call": 3 * PICO, "cycle": 5 * PICO, "day": 8 * PICO, "month": 12 * PICO}
    for action, which, cycle, amount, share in steps:
        if action == "wait":
            now += int(share * 20 * DAY)
        elif action == "settle" and held:
            reservation, windows = held.pop(which % len(held))
            actual = int(reservation.amount * share)
            budget.settle(reservation, actual)
            for window in windows:
                naive[window] += actual - reservation.amount
        elif action == "reserve":
            moment = datetime.fromtimestamp(now // SECOND, UTC)
            windows = (f"call {which}", f"cycle {cycle}", f"day {moment.date()}", f"month {moment:%Y-%m}")
            fits = all(naive[window] + amount <= bounds[window.split()[0]] for window in windows)
            answer = budget.reserve(call_id=str(which), cycle=str(cycle), amount=amount, now=now)
            assert isinstance(answer, Reservation) == fits, "granted exactly when it fits under every cap"
            if isinstance(answer, Reservation):
                held.append((answer, windows))
                for window in windows:
                    naive[window] += amount
        assert all(used <= bounds[window.split()[0]] for window, used in naive.items())


@pytest.mark.parametrize("wire", kit.WIRES)
def test_many_calls_at_once_stop_at_the_cap_and_the_rest_says_budget(wire: str) -> None:
    async def main() -> None:
        async with kit.served() as (provider,):
            log = MemoryCallLog()
            cap = Decimal("0.02")
            caps = BudgetSettings(per_call_usd=cap, per_cycle_usd=cap, per_day_usd=cap, per_month_usd=cap)
            router = kit.router([kit.member(provider.url, wire, concurrency=20)], log=log, caps=caps)
            provider.play("no_usage")  # the provider does not say what it took: the worst case stays booked
            questions = [kit.request(user=f'{{"n": {n}}}') for n in range(20)]
            results = await asyncio.gather(*(router.complete(question) for question in questions))
            statuses = [result.status for result in results]
            assert set(statuses) == {CallStatus.OK, CallStatus.BUDGET}
            assert sum((result.cost_usd for result in results), Decimal(0)) <= cap
            assert len(provider.seen) == statuses.count(CallStatus.OK)
            assert all(result.parsed is None for result in results if not result.ok)
            assert router.mode == "rule-only"
            assert "model budget of the day" in router.words and "0.02 USD" in router.words

    asyncio.run(main())


def test_models_are_asked_again_the_next_day() -> None:
    async def main() -> None:
        async with kit.served() as (provider,):
            world = kit.World()
            caps = BudgetSettings(per_day_usd=Decimal("0.01"), per_month_usd=Decimal("0.02"), per_cycle_usd=Decimal(1))
            router = kit.router([kit.member(provider.url)], world=world, caps=caps)
            provider.play("no_usage")
            days = []
            for _ in range(5):
                assert router.mode == "llm" or "month" in router.words
                statuses = [(await router.complete(kit.request())).status for _ in range(4)]
                days.append(statuses.count(CallStatus.OK))
                assert router.mode == "rule-only" and CallStatus.BUDGET in statuses
                world.seconds += 86_400
            assert days[0] == days[1] > 0 and days[-1] == 0, "a day's cap opens again, the month's does not"
            world.seconds += 31 * 86_400
            assert router.mode == "llm"

    asyncio.run(main())


def test_a_restart_forgets_nothing() -> None:
    async def main() -> None:
        async with kit.served() as (provider,):
            log, world = MemoryCallLog(), kit.World()
            cap = Decimal("0.01")
            caps = BudgetSettings(per_call_usd=cap, per_cycle_usd=cap, per_day_usd=cap, per_month_usd=cap)
            provider.play("no_usage")
            total = Decimal(0)
            for number in range(12):
                # A new process each time: all it knows is the log.
                budget = Budget(caps, spent(log, month_start(world.clock())))
                router = kit.router([kit.member(provider.url)], log=log, world=world, budget=budget, run_id=str(number))
                total += (await router.complete(kit.request())).cost_usd
            assert 0 < total <= cap and len(provider.seen) < 12

    asyncio.run(main())


def test_a_call_that_never_ended_counts_with_its_worst_case() -> None:
    async def main() -> None:
        async with kit.served() as (provider,):
            log = MemoryCallLog()
            await kit.router([kit.member(provider.url)], log=log).complete(kit.request())
            crashed = MemoryCallLog()
            crashed.append(log.rows[0])  # the process died before the second row
            assert log.rows[0].phase == "sent"
            (lost,), (ended,) = spent(crashed, 0), spent(log, 0)
            assert lost.cost_usd == log.rows[0].cost_usd > ended.cost_usd == log.rows[1].cost_usd

    asyncio.run(main())


def test_an_unknown_price_is_refused_and_never_free() -> None:
    async def main() -> None:
        async with kit.served() as (provider,):
            router = kit.router([kit.member(provider.url, price=None)])
            result = await router.complete(kit.request())
            assert result.status is CallStatus.BUDGET and "llm.providers.scripted.price" in result.reason
            limited = kit.row(priced_up_to=1500)
            router = kit.router([kit.member(provider.url, row=limited)])
            result = await router.complete(kit.request(user="x" * 2000))
            assert result.status is CallStatus.BUDGET and "known up to 1500" in result.reason
            assert provider.seen == []
            free = Price.per_million(PriceSettings(input=Decimal(0), output=Decimal(0)))
            result = await kit.router([kit.member(provider.url, price=free)]).complete(kit.request())
            assert result.ok and result.cost_usd == 0

    asyncio.run(main())


def test_a_cheaper_provider_is_asked_when_the_first_does_not_fit() -> None:
    async def main() -> None:
        async with kit.served() as (provider,):
            dear = Price.per_million(PriceSettings(input=Decimal(1000), output=Decimal(1000)))
            members = [kit.member(provider.url, name="dear", price=dear), kit.member(provider.url, name="cheap")]
            router = kit.router(members, caps=BudgetSettings(per_day_usd=Decimal(1)))
            result = await router.complete(kit.request())
            assert router.mode == "llm", "one model is too dear, not all"
            assert result.ok and result.provider == "cheap" and "per day" in result.reason

    asyncio.run(main())


@given(
    st.integers(0, 10**6), st.integers(0, 10**5), st.integers(0, 10**6), st.integers(0, 10**6),
    st.decimals(0, 100, places=6), st.decimals(0, 100, places=6), st.decimals(0, 100, places=6),
)  # fmt: skip
def test_the_worst_case_bounds_every_bill(
    plain: int, output: int, cached: int, written: int, price_in: Decimal, price_out: Decimal, price_write: Decimal
) -> None:
    row = PriceSettings(input=price_in, output=price_out, cached=price_in / 10, cache_write=price_write)
    price = Price.per_million(row)
    usage = Usage(
        input_tokens=plain + cached + written, output_tokens=output, cached_tokens=cached, cache_write_tokens=written
    )
    exact = (plain * price_in + output * price_out + cached * (price_in / 10) + written * price_write) / 10**6
    bill = price.cost(usage)
    assert Decimal(bill) / 10**12 >= exact, "rounded up, never down"
    assert bill <= price.worst_case(usage.input_tokens, output)


def test_the_model_table_is_dated_and_says_what_it_does_not_know() -> None:
    table = model_table()
    assert table.as_of.year >= 2026
    row = table.find("deepseek", "deepseek-v4-flash")
    assert row.output is OutputMode.JSON_OBJECT and row.roundtrip_reasoning and row.price is not None
    assert table.find("anthropic", "claude-haiku-5-5").price is not None
    unknown = table.find("nobody", "model-9")
    assert unknown.price is None and unknown.output is OutputMode.PROMPT
    first_day = datetime(2030, 1, 1, tzinfo=UTC).date()
    assert unknown.contaminates(first_day), "an unknown cutoff may be any day"
    luna = table.find("openai", "gpt-6-luna")
    assert not luna.contaminates(first_day) and luna.contaminates(luna.training_cutoff)  # type: ignore[arg-type]
    for found in table.models:
        assert found.price is None or found.training_cutoff is None or found.training_cutoff < table.as_of


def test_a_backtest_inside_a_models_training_is_marked() -> None:
    providers = {"openai": {"model": "gpt-6-luna"}, "local-1": {"model": "m", "base_url": "http://127.0.0.1:1"}}
    llm = Settings.from_mapping({"llm": {"enabled": True, "providers": providers}}).llm
    assert contaminating(llm, date(2026, 5, 18)) == ("openai/gpt-6-luna", "local-1/m")
    assert contaminating(llm, date(2026, 5, 19)) == ("local-1/m",), "an unknown cutoff is never clean"
    assert contaminating(llm.model_copy(update={"enabled": False}), date(2000, 1, 1)) == ()


def test_a_refusal_names_the_cap_and_where_to_change_it() -> None:
    budget = Budget(CAPS, [Spent(ts=kit.START, cycle="c", cost_usd=7 * CENT)])
    answer = budget.reserve(call_id="a", cycle="d", amount=2 * PICO, now=kit.START)
    assert isinstance(answer, Refusal)
    assert "0.07 of 0.08 USD per day" in answer.words and "llm.budget.per_day_usd" in answer.words
    assert budget.exhausted(kit.START)
    assert budget.exhausted(kit.START + DAY) == "", "a new day"
    assert isinstance(budget.reserve(call_id="a", cycle="d", amount=2 * PICO, now=kit.START + DAY), Reservation)
