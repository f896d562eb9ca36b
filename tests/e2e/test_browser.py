"""The app as a newcomer meets it: the real server, the real engine, Debian's Chromium. Screenshots are kept."""

from __future__ import annotations

import http.client
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, WebSocketRoute, expect, sync_playwright

from deepalpha.config import Workspace
from deepalpha.live import control
from deepalpha.live.lock import holder
from deepalpha.live.workstation import Workstation

ROOT = Path(__file__).parents[2]
SCREENSHOTS = Path(__file__).parent / "screenshots"
PAGES = [path.stem.split("_", 1)[1] for path in sorted((ROOT / "app" / "views").glob("[0-9]*.py"))]
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PATIENCE_S = 60

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine; install it to click through")


@dataclass
class Served:
    """A running app and its workspace."""

    port: int
    workspace: Workspace

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


def until(condition: Callable[[], bool], what: str, shown: Callable[[], object] = str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, f"no {what} within {PATIENCE_S} s {shown()}"
        os.sched_yield()


def answers(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    workspace = Workspace(tmp_path_factory.mktemp("e2e") / "ws")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {**os.environ, "DEEPALPHA_WORKSPACE": str(workspace.root)}
    command = [sys.executable, "-m", "streamlit", "run", "app/main.py", "--server.port", str(port)]
    with (workspace.root / "app.log").open("wb") as log:
        server = subprocess.Popen(command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        until(lambda: answers(port), "answer of the app")
        yield Served(port, workspace)
    finally:
        server.send_signal(signal.SIGTERM)
        try:
            server.wait(timeout=PATIENCE_S)
        finally:
            control.stop(workspace)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        made = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        expect.set_options(timeout=PATIENCE_S * 1000)
        yield made
        made.close()


def opened(browser: Browser, width: int = 1440) -> Page:
    page = browser.new_page(viewport={"width": width, "height": 900})
    page.set_default_timeout(PATIENCE_S * 1000)
    return page


def watched(page: Page, problems: list[str]) -> Page:
    """Collect console errors. Streamlit probes below the page's own path first; those 404 are its own."""

    def note(message: ConsoleMessage) -> None:
        if message.type == "error" and "/_stcore/" not in message.location.get("url", ""):
            problems.append(f"{message.text} ({message.location.get('url')})")

    page.on("console", note)
    page.on("pageerror", lambda error: problems.append(str(error)))
    return page


def test_a_double_click_on_approve_becomes_one_order_and_one_fill_on_the_screen(
    served: Served, browser: Browser
) -> None:
    problems: list[str] = []
    page = watched(opened(browser), problems)
    page.goto(served.url)
    approve = page.get_by_role("button", name="Approve")
    expect(approve.first).to_be_visible()
    expect(page.get_by_text("PRACTICE").first).to_be_visible()
    SCREENSHOTS.mkdir(exist_ok=True)
    page.screenshot(path=SCREENSHOTS / "cockpit-waiting.png")
    with Workstation(served.workspace) as station:
        (first, _), *others = station.pending()
        for other, _ in others:
            station.reject(other.decision_id)
        expect(approve).to_have_count(1)
        approve.first.dblclick()
        until(lambda: not station.fills().is_empty(), "fill")
        commands = station.ops.rows("SELECT kind, decision_id FROM command WHERE kind = 'approve'")
        assert commands == [{"kind": "approve", "decision_id": first.decision_id}]
        entries = "SELECT count(*) FROM order_intent WHERE protective = 0"
        assert station.ops.scalar(entries) == 1
        order_id = first.order.client_order_id
    page.goto(f"{served.url}/orders")
    expect(page.get_by_text(f"{order_id}-F1").first).to_be_visible()
    page.screenshot(path=SCREENSHOTS / "orders-after-the-click.png")
    page.close()
    assert problems == []
    assert holder(served.workspace.lock) is not None, "closing the browser must not stop the engine"


@pytest.mark.parametrize("width", [1440, 390])
def test_every_page_is_drawn_without_an_error(served: Served, browser: Browser, width: int) -> None:
    problems: list[str] = []
    page = watched(opened(browser, width), problems)
    for name in PAGES:
        page.goto(served.url if name == PAGES[0] else f"{served.url}/{name}")
        expect(page.get_by_test_id("stAppViewContainer")).to_be_visible()
        expect(page.get_by_test_id("stMain").get_by_test_id("stElementContainer").first).to_be_visible()
        page.wait_for_load_state("networkidle")
        assert page.get_by_test_id("stException").count() == 0, name
        SCREENSHOTS.mkdir(exist_ok=True)
        page.screenshot(path=SCREENSHOTS / f"{name}-{width}.png")
    page.close()
    assert problems == []


def test_the_kill_switch_halts_with_one_click_and_is_rearmed(served: Served, browser: Browser) -> None:
    page = opened(browser)
    page.goto(served.url)
    switch = page.get_by_role("button", name="KILL SWITCH")
    switch.dblclick()
    expect(page.get_by_text("Trading is halted").first).to_be_visible()
    expect(switch).to_be_disabled()
    assert control.status(served.workspace).killed is not None
    page.get_by_role("button", name="Re-arm trading").click()
    expect(switch).to_be_enabled()
    until(lambda: control.status(served.workspace).killed is None, "re-arming")
    page.close()


def test_the_chart_keeps_its_zoom_while_the_market_goes_on_around_it(served: Served, browser: Browser) -> None:
    page = opened(browser)
    page.goto(f"{served.url}/chart")
    chart = page.locator("canvas").first
    expect(chart).to_be_visible()
    page.wait_for_load_state("networkidle")

    def picture() -> bytes:
        page.mouse.move(2, 2)  # without the cross hair
        return chart.screenshot()

    def beats() -> int:
        with Workstation(served.workspace) as station:
            return int(station.ops.scalar("SELECT count(*) FROM heartbeat"))

    def turned() -> bool:
        # The canvas is there before the chart listens, so the wheel is turned until it does.
        chart.hover()
        page.mouse.wheel(0, -400)
        return picture() != whole

    until(lambda: picture() == picture(), "whole picture")
    whole = picture()
    until(turned, "zoom")
    until(lambda: picture() == picture(), "end of the zoom")
    zoomed, start = picture(), beats()
    until(lambda: beats() >= start + 3, "heartbeats")
    assert picture() == zoomed
    page.close()


@pytest.mark.parametrize("width", [1440, 390])
def test_the_live_chart_receives_bars_through_the_hub(served: Served, browser: Browser, width: int) -> None:
    problems: list[str] = []
    page = watched(opened(browser, width), problems)
    page.goto(f"{served.url}/chart")
    page.get_by_text("Follow the market").click()
    state = page.locator(".state")
    expect(state).to_have_attribute("data-state", "on")

    def received() -> int:
        with Workstation(served.workspace) as station:
            for waiting, _ in station.pending():
                station.reject(waiting.decision_id)  # the replayed market waits for clicks
        words = state.inner_text().split()
        return int(words[words.index("bars") - 1]) if "bars" in words else 0

    until(lambda: received() >= 4, "bars by WebSocket")
    page.locator("canvas").first.hover()
    page.wait_for_load_state("networkidle")
    page.screenshot(path=SCREENSHOTS / f"chart-live-{width}.png")
    assert not problems
    page.close()


class Cut:
    """Stands between a page and the hub, and breaks the connection on demand."""

    def __init__(self, page: Page) -> None:
        self.connections: list[WebSocketRoute] = []
        page.route_web_socket(lambda url: "/_stcore/" not in url, self._pass_on)

    def _pass_on(self, connection: WebSocketRoute) -> None:
        connection.connect_to_server()
        self.connections.append(connection)

    def now(self, page: Page) -> None:
        before = len(self.connections)
        self.connections[-1].close()
        # The page makes a new one only once it has noticed; that it says "off" meanwhile may be over before one looks.
        until(lambda: page.wait_for_timeout(20) is None and len(self.connections) > before, "new connection")
        expect(page.locator(".state")).to_have_attribute("data-state", "on")


@pytest.fixture
def running(served: Served) -> Iterator[Workstation]:
    """The engine of a page that was opened once, trading by itself."""
    with Workstation(served.workspace) as station:
        station.set(approval="auto")
        for waiting, _ in station.pending():
            station.reject(waiting.decision_id)
        yield station
        station.set(approval="approve", paused=False)


def test_a_broken_connection_costs_the_live_chart_no_bar(
    served: Served, browser: Browser, running: Workstation
) -> None:
    page = opened(browser)
    cut = Cut(page)
    page.goto(f"{served.url}/chart")
    page.get_by_text("Follow the market").click()
    expect(page.locator(".state")).to_have_attribute("data-state", "on")
    drawn = page.locator("canvas").first

    def shown() -> tuple[int, str, str]:
        count, _, first, _, last = (drawn.get_attribute("aria-label") or "0 bars, - to -").split()
        return int(count), first, last

    for _ in range(3):
        last = shown()[2]
        until(lambda last=last: page.wait_for_timeout(20) is None and shown()[2] > last, "bar by WebSocket")
        cut.now(page)
    last = shown()[2]
    until(lambda: page.wait_for_timeout(20) is None and shown()[2] > last, "bar after the last break")
    count, first, last = shown()
    symbol = page.locator(".legend").inner_text().split()[0]
    stored = running.candles(symbol, "1d")["time"].dt.strftime("%Y-%m-%d")
    assert count == stored.is_between(pl.lit(first), pl.lit(last)).sum(), "a hole in the chart"
    assert "skipped" not in page.locator(".state").inner_text()
    page.close()


def test_the_tape_shows_every_fill_through_broken_connections(
    served: Served, browser: Browser, running: Workstation
) -> None:
    page = opened(browser)
    cut = Cut(page)
    page.goto(served.url)
    expect(page.locator(".state")).to_have_attribute("data-state", "on")
    for _ in range(3):
        known = len(running.fills())
        until(lambda known=known: page.wait_for_timeout(20) is None and len(running.fills()) > known, "fill")
        cut.now(page)
    running.set(paused=True)
    until(lambda: running.status().state in ("paused", "finished"), "pause")
    newest = [
        f"{'bought' if side == 'buy' else 'sold'} {quantity} {symbol} at {price:,.2f}"
        for side, quantity, symbol, price in running.fills(limit=40)
        .select("side", pl.col("quantity").cast(pl.Int64), "symbol", pl.col("price").cast(pl.Float64))
        .iter_rows()
    ]
    lines = page.locator(".events li span")

    def told() -> list[str]:
        page.wait_for_timeout(20)
        return [line.split(" · ")[0] for line in lines.all_inner_texts() if line.startswith(("bought", "sold"))]

    def whole() -> bool:
        # The tape keeps so many lines, of fills among others: those it has are the newest, without a hole.
        fills = told()
        return bool(fills) and fills == newest[: len(fills)]

    until(whole, "the newest fills in their order", lambda: (told(), newest))
    assert "skipped" not in page.locator(".state").inner_text()
    page.screenshot(path=SCREENSHOTS / "cockpit-tape.png")
    page.close()


def request(port: int, path: str, headers: dict[str, str]) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
    try:
        connection.request("GET", path, headers=headers)
        return connection.getresponse().status
    finally:
        connection.close()


def test_a_foreign_page_gets_nothing(served: Served) -> None:
    upgrade = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    }
    stream, ours = "/_stcore/stream", {"Origin": served.url}
    assert request(served.port, stream, upgrade | ours) == 101
    assert request(served.port, stream, upgrade | {"Origin": "http://evil.example"}) == 403
    assert request(served.port, stream, upgrade | ours | {"Host": "evil.example"}) == 403


def test_the_app_listens_on_this_computer_only(served: Served) -> None:
    for address in {item[4][0] for item in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)}:
        if not address.startswith("127."):
            with socket.socket() as probe:
                probe.settimeout(2)
                assert probe.connect_ex((address, served.port)) != 0
