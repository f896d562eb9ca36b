// Prices and events as the hub tells them, newest first.
//
// data: {url, account_id, prices: {symbol: [last, before]}, events: [[topic, body], ...]}; see deepalpha.live.tape

const TOPICS = ["prices.*", "decisions.*", "orders", "fills.*", "risk"];
const MOST = 200; // events kept
const ENDED = ["refused", "rejected", "cancelled", "expired"];
const STATUS = { pending: "waits for a click", auto: "sent at once" };

const amount = (value, places = 2) =>
  Number(value).toLocaleString("en", { minimumFractionDigits: places, maximumFractionDigits: places });
const quantity = (value) => Number(value).toLocaleString("en", { maximumFractionDigits: 8 });

function moment(ns) {
  const iso = new Date(Math.round(ns / 1e6)).toISOString();
  return iso.slice(11, 19) === "00:00:00" ? iso.slice(0, 10) : iso.slice(0, 16).replace("T", " ");
}

// An event as {id, words, tone}; null for what is no event.
function told(topic, body) {
  switch (topic.split(".")[0]) {
    case "decisions": {
      if (body.action === "hold") return null;
      const up = body.action === "buy";
      const after = STATUS[body.status] ?? (body.blocked_by ? `no order: ${body.blocked_by}` : "no order");
      const words = `${up ? "▲" : "▼"} ${body.symbol} ${body.action} ${amount(body.confidence, 0)} % at ${amount(body.price)} · ${after}`;
      return { id: body.decision_id, words, tone: up ? "up" : "down" };
    }
    case "orders":
      if (!ENDED.includes(body.state)) return null;
      return {
        id: `${body.client_order_id} ${body.seq}`,
        words: `order ${body.state}${body.reason ? `: ${body.reason}` : ""}`,
        tone: "",
      };
    case "fills": {
      const gain = Number(body.realised_pnl);
      const result = gain ? ` · ${gain > 0 ? "+" : ""}${amount(gain)}` : "";
      const verb = body.side === "buy" ? "bought" : "sold";
      const words = `${verb} ${quantity(body.quantity)} ${body.symbol} at ${amount(body.price)}${result}`;
      return { id: body.fill_id, words, tone: gain > 0 ? "up" : gain < 0 ? "down" : "" };
    }
    case "risk": {
      const words = `${body.kind.replace("_", " ")}: ${body.status}${body.ref ? ` (${body.ref})` : ""}`;
      return { id: `${body.ts_init} ${body.kind} ${body.ref}`, words, tone: "alarm" };
    }
    default:
      return null;
  }
}

class LiveTape {
  // began: told with each subscription that does not follow from the one before.
  constructor(root, began) {
    this.badge = root.querySelector(".state");
    this.list = root.querySelector(".events");
    this.chips = root.querySelector(".prices");
    this.reset();
    this.reader = new HubReader(TOPICS, {
      message: ({ topic, data }) => this.take(topic, data),
      missed: (count) => {
        this.missed += count; // shown: a screen never hides that it skipped
        this.say("on");
      },
      state: (state, words) => this.say(state, words),
      began,
    });
  }

  reset() {
    this.events = new Map(); // id -> {ts_init, ts_event, words, tone}
    this.prices = new Map(); // symbol -> {last, before, ts_event}
    this.missed = 0;
    this.count = 0;
  }

  update(data) {
    if (this.account !== data.account_id) {
      this.reset();
      this.account = data.account_id;
    }
    for (const [symbol, [last, before]] of Object.entries(data.prices)) {
      if (!this.prices.has(symbol)) this.prices.set(symbol, { last, before, ts_event: 0 });
    }
    for (const [topic, body] of data.events) this.note(topic, body);
    if (this.url !== data.url) {
      this.url = data.url;
      this.reader.open(data.url);
    }
    this.schedule();
  }

  take(topic, body) {
    if (topic.startsWith("prices.")) {
      const known = this.prices.get(body.symbol);
      const before = known && body.ts_event > known.ts_event && known.last !== body.price ? known.last : known?.before;
      this.prices.set(body.symbol, { last: body.price, before: before ?? null, ts_event: body.ts_event });
    } else {
      this.note(topic, body);
    }
    this.schedule();
  }

  note(topic, body) {
    const event = told(topic, body);
    if (!event || this.events.has(event.id)) return;
    this.count += 1;
    this.events.set(event.id, { ...event, ts_init: body.ts_init, ts_event: body.ts_event, place: this.count });
    if (this.events.size > 2 * MOST) {
      for (const { id } of this.newestFirst().slice(MOST)) this.events.delete(id);
    }
  }

  newestFirst() {
    return [...this.events.values()].sort((one, other) => other.ts_init - one.ts_init || other.place - one.place);
  }

  say(state, text) {
    this.badge.dataset.state = state;
    const skipped = this.missed ? ` · ${this.missed} skipped` : "";
    this.badge.textContent = state === "on" ? `live${skipped}` : text;
  }

  schedule() {
    if (this.frame) return;
    this.frame = requestAnimationFrame(() => {
      this.frame = 0;
      this.draw();
    });
  }

  draw() {
    const chips = [...this.prices].sort(([one], [other]) => one.localeCompare(other)).map(([symbol, price]) => {
      const chip = document.createElement("span");
      chip.className = "price";
      const name = document.createElement("b");
      name.textContent = symbol;
      const change = price.before ? (price.last / price.before - 1) * 100 : null;
      const moved = change === null ? "" : ` ${change >= 0 ? "+" : "−"}${Math.abs(change).toFixed(2)} %`;
      const value = document.createElement("span");
      value.className = change > 0 ? "up" : change < 0 ? "down" : "";
      value.textContent = ` ${amount(price.last)}${moved}`;
      chip.append(name, value);
      return chip;
    });
    this.chips.replaceChildren(...chips);
    const lines = this.newestFirst().slice(0, MOST).map((event) => {
      const line = document.createElement("li");
      const time = document.createElement("time");
      time.textContent = moment(event.ts_event);
      const words = document.createElement("span");
      words.className = event.tone;
      words.textContent = event.words;
      line.append(time, words);
      return line;
    });
    if (!lines.length) {
      const line = document.createElement("li");
      line.textContent = "Nothing has happened yet.";
      lines.push(line);
    }
    this.list.replaceChildren(...lines);
  }

  close() {
    cancelAnimationFrame(this.frame);
    this.reader.close();
  }
}

const tapes = new WeakMap();

export default function (component) {
  const { parentElement, data, setStateValue } = component;
  let tape = tapes.get(parentElement);
  if (!tape) {
    tape = new LiveTape(parentElement, (run) => setStateValue("run", run));
    tapes.set(parentElement, tape);
  }
  tape.update(data);
  return () => {
    tape.close();
    tapes.delete(parentElement);
  };
}
