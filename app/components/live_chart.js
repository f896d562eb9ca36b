// Candles that follow the market through the hub's WebSocket: no rerun of the page, the zoom stays.
//
// data: {url, symbol, segment, timeframe, bars: [[time_ms, open, high, low, close, volume], ...], mode}
// The canvas, the view (first bar, width of a bar) and the socket live as long as the element; a rerun of the page only
// brings bars that are not known yet.

const RIGHT = 64; // price axis
const BOTTOM = 22; // time axis
const VOLUME_SHARE = 0.18;
const GAP = 10;
const MIN_STEP = 1.5; // pixels a bar
const MAX_STEP = 60;
const KEPT = 5000;

function colours(element) {
  const style = getComputedStyle(element);
  const read = (name, fallback) => style.getPropertyValue(name).trim() || fallback;
  return {
    text: read("--st-text-color", "#1a2233"),
    faint: read("--st-border-color", "#d5dbe5"),
    up: "#2eb67d",
    down: "#e5484d",
    line: read("--st-primary-color", "#1f6fce"),
    back: read("--st-background-color", "#ffffff"),
  };
}

function niceStep(span, count) {
  const raw = span / Math.max(count, 1);
  const power = 10 ** Math.floor(Math.log10(raw));
  return [1, 2, 2.5, 5, 10].map((factor) => factor * power).find((step) => step >= raw) ?? raw;
}

function decimalsOf(step) {
  let places = 0;
  while (places < 8 && Math.abs(step * 10 ** places - Math.round(step * 10 ** places)) > 1e-6) places += 1;
  return places;
}

function timeText(ms, timeframe) {
  const iso = new Date(ms).toISOString();
  return /[dwo]$/.test(timeframe) ? iso.slice(0, 10) : iso.slice(5, 16).replace("T", " ");
}

class LiveChart {
  constructor(root) {
    this.canvas = root.querySelector("canvas");
    this.badge = root.querySelector(".state");
    this.legend = root.querySelector(".legend");
    this.bars = [];
    this.step = null; // pixels a bar; null: as many as were asked for fit
    this.asked = 0;
    this.offset = 0; // bars between the right edge and the newest bar; 0 follows the market
    this.gaps = 0;
    this.received = 0;
    this.pointer = null;
    this.listen();
    this.observer = new ResizeObserver(() => this.draw());
    this.observer.observe(this.canvas);
  }

  update(data) {
    const changed = !this.data || this.data.symbol !== data.symbol || this.data.timeframe !== data.timeframe;
    const moved = changed || this.data.url !== data.url;
    this.data = data;
    if (changed) {
      this.bars = [];
      this.offset = 0;
      this.received = 0;
    }
    if (changed || data.bars.length !== this.asked) {
      this.asked = data.bars.length;
      this.step = null;
    }
    for (const bar of data.bars) this.add(bar);
    if (moved) this.connect();
    this.draw();
  }

  // A new bar, a revision of a known one, or one that was missed: each at its place in time.
  add(bar) {
    let place = this.bars.length;
    while (place > 0 && this.bars[place - 1][0] >= bar[0]) place -= 1;
    if (this.bars[place]?.[0] === bar[0]) {
      this.bars[place] = bar;
      return;
    }
    this.bars.splice(place, 0, bar);
    if (this.offset > 0) this.offset += 1; // somebody looks at the past: it must not move
    if (this.bars.length > KEPT) this.bars.shift();
  }

  connect() {
    this.reader?.close();
    const topic = `bars.${this.data.timeframe}.${this.data.segment}`;
    const listener = {
      message: ({ data: bar }) => {
        this.received += 1;
        this.add([Math.round(bar.ts_open / 1e6), bar.open, bar.high, bar.low, bar.close, bar.volume]);
        this.say("on");
        this.schedule();
      },
      missed: (count) => {
        this.gaps += count; // shown: a screen never hides that it skipped
        this.say("on");
      },
      state: (state, words) => this.say(state, words),
    };
    // Bars that closed between the page's reading and the subscription come from what the hub holds.
    this.reader = new HubReader([topic], listener, { whole: true });
    this.reader.open(this.data.url);
  }

  say(state, text) {
    this.badge.dataset.state = state;
    const skipped = this.gaps ? ` · ${this.gaps} skipped` : "";
    this.badge.textContent = state === "on" ? `${this.data.mode} · ${this.received} bars received${skipped}` : text;
  }

  schedule() {
    if (this.frame) return;
    this.frame = requestAnimationFrame(() => {
      this.frame = 0;
      this.draw();
    });
  }

  listen() {
    const canvas = this.canvas;
    canvas.addEventListener(
      "wheel",
      (event) => {
        event.preventDefault();
        this.step = Math.min(MAX_STEP, Math.max(MIN_STEP, this.step * Math.exp(-event.deltaY / 400)));
        this.schedule();
      },
      { passive: false },
    );
    canvas.addEventListener("pointerdown", (event) => {
      canvas.setPointerCapture(event.pointerId);
      this.drag = { x: event.offsetX, offset: this.offset };
    });
    canvas.addEventListener("pointerup", () => (this.drag = null));
    canvas.addEventListener("pointermove", (event) => {
      this.pointer = { x: event.offsetX, y: event.offsetY };
      if (this.drag) {
        const moved = Math.round((event.offsetX - this.drag.x) / this.step);
        this.offset = Math.min(Math.max(0, this.drag.offset + moved), Math.max(0, this.bars.length - 5));
      }
      this.schedule();
    });
    canvas.addEventListener("pointerleave", () => {
      this.pointer = null;
      this.schedule();
    });
    canvas.addEventListener("dblclick", () => {
      this.offset = 0;
      this.step = null;
      this.schedule();
    });
  }

  draw() {
    const { clientWidth: width, clientHeight: height } = this.canvas;
    if (!width || !height) return;
    const ratio = window.devicePixelRatio || 1;
    if (this.canvas.width !== Math.round(width * ratio) || this.canvas.height !== Math.round(height * ratio)) {
      this.canvas.width = Math.round(width * ratio);
      this.canvas.height = Math.round(height * ratio);
    }
    const ink = colours(this.canvas);
    const pen = this.canvas.getContext("2d");
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, width, height);
    pen.font = "11px system-ui, sans-serif";
    if (!this.bars.length) {
      pen.fillStyle = ink.text;
      pen.fillText("No bar yet.", 12, 24);
      return;
    }
    const right = width - RIGHT;
    const bottom = height - BOTTOM;
    const split = bottom * (1 - VOLUME_SHARE);
    const end = this.bars.length - this.offset;
    this.step ??= Math.min(MAX_STEP, Math.max(MIN_STEP, right / Math.max(1, this.asked)));
    const begin = Math.max(0, end - Math.ceil(right / this.step));
    const shown = this.bars.slice(begin, end);
    const day = (bar) => timeText(bar[0], this.data.timeframe);
    this.canvas.ariaLabel = `${this.bars.length} bars, ${day(this.bars[0])} to ${day(this.bars[this.bars.length - 1])}`;
    let low = Math.min(...shown.map((bar) => bar[3]));
    let high = Math.max(...shown.map((bar) => bar[2]));
    const room = (high - low || Math.abs(high) || 1) * 0.06;
    low -= room;
    high += room;
    const most = Math.max(...shown.map((bar) => bar[5]), 1e-12);
    const x = (place) => right - (end - begin - place - 0.5) * this.step;
    const y = (price) => ((high - price) / (high - low)) * (split - GAP);
    this.grid(pen, ink, { low, high, y, right, bottom, height, shown, x });
    const body = Math.max(1, this.step * 0.7);
    shown.forEach(([, open, top, floor, close, volume], place) => {
      const middle = x(place);
      pen.fillStyle = pen.strokeStyle = close >= open ? ink.up : ink.down;
      pen.beginPath();
      pen.moveTo(Math.round(middle) + 0.5, y(top));
      pen.lineTo(Math.round(middle) + 0.5, y(floor));
      pen.stroke();
      const upper = y(Math.max(open, close));
      pen.fillRect(middle - body / 2, upper, body, Math.max(1, y(Math.min(open, close)) - upper));
      pen.globalAlpha = 0.4;
      const tall = (volume / most) * (bottom - split);
      pen.fillRect(middle - body / 2, bottom - tall, body, tall);
      pen.globalAlpha = 1;
    });
    this.lastPrice(pen, ink, { y, right, split });
    this.crosshair(pen, ink, { x, right, bottom, shown, low, high, split });
  }

  grid(pen, ink, { low, high, y, right, bottom, height, shown, x }) {
    const step = niceStep(high - low, 7);
    this.decimals = decimalsOf(step);
    pen.strokeStyle = ink.faint;
    pen.fillStyle = ink.text;
    pen.lineWidth = 1;
    pen.textAlign = "left";
    for (let price = Math.ceil(low / step) * step; price <= high; price += step) {
      const level = Math.round(y(price)) + 0.5;
      pen.beginPath();
      pen.moveTo(0, level);
      pen.lineTo(right, level);
      pen.stroke();
      pen.globalAlpha = 0.7;
      pen.fillText(price.toFixed(this.decimals), right + 6, level + 4);
      pen.globalAlpha = 1;
    }
    const every = Math.max(1, Math.ceil(90 / this.step));
    pen.textAlign = "center";
    pen.globalAlpha = 0.7;
    shown.forEach((bar, place) => {
      if ((shown.length - place) % every === 0 && x(place) > 40 && x(place) < right - 30) {
        pen.fillText(timeText(bar[0], this.data.timeframe), x(place), height - 7);
      }
    });
    pen.globalAlpha = 1;
    pen.beginPath();
    pen.moveTo(0, bottom + 0.5);
    pen.lineTo(right, bottom + 0.5);
    pen.stroke();
  }

  lastPrice(pen, ink, { y, right, split }) {
    const last = this.bars[this.bars.length - 1];
    const level = y(last[4]);
    if (level < 0 || level > split) return;
    pen.setLineDash([3, 3]);
    pen.strokeStyle = ink.line;
    pen.beginPath();
    pen.moveTo(0, level);
    pen.lineTo(right, level);
    pen.stroke();
    pen.setLineDash([]);
    pen.fillStyle = ink.line;
    pen.fillRect(right + 1, level - 9, RIGHT - 2, 18);
    pen.fillStyle = "#ffffff";
    pen.textAlign = "left";
    pen.fillText(last[4].toFixed(Math.max(2, this.decimals)), right + 6, level + 4);
  }

  crosshair(pen, ink, { x, right, bottom, shown, low, high, split }) {
    let bar = this.bars[this.bars.length - 1];
    if (this.pointer && this.pointer.x < right && this.pointer.y < bottom) {
      const place = Math.min(shown.length - 1, Math.max(0, Math.round((this.pointer.x - x(0)) / this.step)));
      bar = shown[place];
      pen.strokeStyle = ink.text;
      pen.globalAlpha = 0.35;
      pen.beginPath();
      pen.moveTo(Math.round(x(place)) + 0.5, 0);
      pen.lineTo(Math.round(x(place)) + 0.5, bottom);
      pen.moveTo(0, this.pointer.y);
      pen.lineTo(right, this.pointer.y);
      pen.stroke();
      pen.globalAlpha = 1;
      const price = high - (this.pointer.y / (split - GAP)) * (high - low);
      if (price >= low) {
        pen.fillStyle = ink.text;
        pen.fillRect(right + 1, this.pointer.y - 9, RIGHT - 2, 18);
        pen.fillStyle = ink.back;
        pen.textAlign = "left";
        pen.fillText(price.toFixed(Math.max(2, this.decimals)), right + 6, this.pointer.y + 4);
      }
    }
    const places = Math.max(2, this.decimals);
    const [time, open, top, floor, close, volume] = bar;
    const change = open ? ((close - open) / open) * 100 : 0;
    this.legend.textContent =
      `${this.data.symbol} ${this.data.timeframe}  ${timeText(time, this.data.timeframe)}  ` +
      `O ${open.toFixed(places)}  H ${top.toFixed(places)}  L ${floor.toFixed(places)}  C ${close.toFixed(places)}  ` +
      `${change >= 0 ? "+" : ""}${change.toFixed(2)} %  V ${volume.toLocaleString("en", { maximumSignificantDigits: 6 })}`;
  }

  close() {
    this.observer.disconnect();
    this.reader?.close();
  }
}

const charts = new WeakMap();

export default function (component) {
  const { parentElement, data } = component;
  let chart = charts.get(parentElement);
  if (!chart) {
    chart = new LiveChart(parentElement);
    charts.set(parentElement, chart);
  }
  chart.update(data);
  return () => {
    chart.close();
    charts.delete(parentElement);
  };
}
