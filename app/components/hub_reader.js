// A connection of a page to the hub (subprotocol deepalpha.v1) that is kept up and goes on where it ended.
//
// Topics are names or patterns. After a break it subscribes again from the last offset of every topic it has seen, so
// that the hub fills what was missed; what the hub cannot fill is told as missed, never hidden. A hub that was started
// anew has another epoch: its offsets begin anew.

const SUBSCRIBE = 1;
const BACKFILL = 2;
const RETRY_MS = [500, 1000, 2000, 5000, 10000];

class HubReader {
  // listener: {message(record), missed(count), state(state, words), began(run)}; state is wait, on or off; `began`, if
  // there is one, comes with each subscription that does not follow from the one before: what the page read before it
  // may lack what happened in between. `whole`: the topics are names, and what the hub still holds of them comes first.
  constructor(topics, listener, { whole = false } = {}) {
    this.topics = topics;
    this.listener = listener;
    this.whole = whole;
    this.places = new Map(); // topic -> last offset
    this.epoch = null;
    this.runs = 0;
    this.retries = 0;
  }

  open(url) {
    this.close();
    this.url = url;
    if (!url) {
      this.listener.state("off", "not connected: no engine runs");
      return;
    }
    this.listener.state("wait", "connecting");
    const socket = new WebSocket(url, "deepalpha.v1");
    this.socket = socket;
    socket.onopen = () => socket.send(JSON.stringify(this.request()));
    socket.onmessage = (event) => this.read(JSON.parse(event.data));
    socket.onclose = () => {
      const wait = RETRY_MS[Math.min(this.retries, RETRY_MS.length - 1)] * (0.5 + Math.random() / 2);
      this.retries += 1;
      this.listener.state("off", `connection lost, trying again in ${(wait / 1000).toFixed(1)} s`);
      this.timer = setTimeout(() => this.open(url), wait);
    };
  }

  request() {
    const resume = {};
    for (const [topic, offset] of this.places) resume[topic] = { epoch: this.epoch, offset };
    return { op: "subscribe", id: SUBSCRIBE, topics: this.topics, ...(this.places.size ? { resume } : {}) };
  }

  read(record) {
    if (record.op === "subscribed") {
      this.retries = 0;
      if (record.id === BACKFILL) {
        this.places.clear();
      } else if (record.epoch !== this.epoch) {
        this.begin(record.epoch);
      }
      this.listener.state("on");
    } else if (record.op === "error") {
      this.listener.state("off", record.message);
    } else if (record.topic && record.gap) {
      const [first, last] = record.gap;
      // What was gone before this page saw anything of the topic is not missed.
      if (this.places.has(record.topic)) this.listener.missed(last - first + 1);
      this.places.set(record.topic, last);
    } else if (record.topic && "data" in record) {
      const last = this.places.get(record.topic);
      if (last !== undefined && record.offset <= last) return; // the last value again
      const skipped = last === undefined ? 0 : record.offset - last - 1 - (record.skipped ?? 0);
      this.places.set(record.topic, record.offset);
      if (skipped > 0) this.listener.missed(skipped);
      this.listener.message(record);
    }
  }

  begin(epoch) {
    this.epoch = epoch;
    this.places.clear();
    this.runs += 1;
    this.listener.began?.(`${epoch}-${this.runs}`);
    if (this.whole) {
      const resume = Object.fromEntries(this.topics.map((topic) => [topic, { epoch, offset: null }]));
      this.socket.send(JSON.stringify({ op: "subscribe", id: BACKFILL, topics: this.topics, resume }));
    }
  }

  close() {
    clearTimeout(this.timer);
    if (this.socket) {
      this.socket.onclose = this.socket.onmessage = null;
      this.socket.close();
      this.socket = null;
    }
  }
}
