// Connection to the stream of events: it goes on behind the last event, and says its state.
import { counted } from "./stored.js";
import { clockOfPage } from "./times.js";

const LONGEST_WAIT = 15;
const SILENCE = 20000;

export class Connection {
  // `told` gets each state: a class and a text. `got` gets each event.
  constructor({ stream, probe, after }, told, got) {
    Object.assign(this, { stream, probe, after, told, got });
    this.tries = 0;
    this.heard = Date.now();
    this.clock = setInterval(() => this.tick(), 1000);
    this.controls = new AbortController();
    document.addEventListener("visibilitychange", () => this.look(), this.controls);
    this.look();
  }

  stop() {
    this.close();
    this.controls.abort();
    clearInterval(this.clock);
  }

  // A hidden tab has no stream: browsers allow few connections to a server.
  look() {
    if (!document.hidden) return this.open();
    this.close();
    this.lost ??= new Date();
    this.told("", "Paused while this tab is hidden");
  }

  open() {
    this.close();
    this.behind = 0;
    this.isBehind = true;
    this.tell("warn", this.lost ? `Reconnecting since ${clockOfPage(this.lost)}` : "Connecting");
    this.source = new EventSource(this.address(this.stream));
    const acts = { message: this.receive, caught_up: this.catchUp, gap: this.miss, error: this.lose };
    for (const [name, act] of Object.entries(acts)) this.source.addEventListener(name, act.bind(this));
  }

  close() {
    this.source?.close();
    this.source = this.retryAt = null;
  }

  receive(message) {
    this.hear(message);
    if (this.isBehind) {
      this.behind += 1;
      this.tell("warn", `Catching up: ${counted(this.behind, "event")} so far`);
    }
    this.got(JSON.parse(message.data));
  }

  catchUp(message) {
    this.hear(message);
    if (!this.isBehind) return;
    this.isBehind = false;
    this.tries = 0;
    this.live(this.gap ?? (this.lost && `Resumed without a gap, ${counted(this.behind, "event")} caught up`));
    this.lost = this.gap = null;
  }

  // Says that events are missing because they are no longer stored.
  miss(message) {
    this.hear(message);
    const { from, to } = JSON.parse(message.data);
    this.gap = `Resumed with a gap: positions ${from} to ${to} are no longer stored`;
    if (!this.isBehind) this.live(this.gap);
  }

  live(note) {
    this.noteUntil = note ? Date.now() + 10000 : Infinity;
    this.tell(this.isAway ? "bad" : "ok", note ? `Live. ${note}` : "Live");
  }

  hear(message) {
    this.heard = Date.now();
    this.after = message.lastEventId || this.after;
  }

  lose() {
    this.close();
    if (document.hidden) return;
    this.lost ??= new Date();
    this.retryAt = Date.now() + Math.min(2 ** this.tries, LONGEST_WAIT) * 1000;
    this.tries += 1;
    this.reason = "";
    this.ask();
    this.tick();
  }

  tick() {
    const now = Date.now();
    if (this.retryAt) {
      const left = Math.ceil((this.retryAt - now) / 1000);
      if (left <= 0) return this.open();
      this.tell("warn", `Reconnecting since ${clockOfPage(this.lost)}, next try in ${left} s. ${this.reason}`);
    } else if (this.source && !this.isBehind) {
      if (this.noteUntil < now) this.live();
      if (now - this.heard < SILENCE) return;
      this.heard = now;
      this.ask();
    }
  }

  // Asks the list for the reason of a failure: a stream does not tell it.
  async ask() {
    const answer = fetch(this.address(this.probe));
    const problem = await answer.then((it) => (it.ok ? null : it.json())).catch(() => null);
    if (problem?.end) {
      this.after = problem.end;
      this.gap = `The database was replaced: continued behind position ${problem.end}`;
    }
    this.reason = problem?.detail ?? "";
    const wasAway = this.isAway;
    this.isAway = Boolean(problem) && !this.retryAt;
    if (this.isAway && this.source) this.tell("bad", `Nothing is committed: ${this.reason}`);
    else if (wasAway && this.source && !this.isBehind) this.live();
  }

  tell(look, text) {
    if (!document.hidden) this.told(look, text);
  }

  address(path) {
    const url = new URL(path, location.href);
    url.searchParams.set("after", this.after);
    return url;
  }
}
