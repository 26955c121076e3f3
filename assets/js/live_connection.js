// Connection of the tail to the stream of events: it reconnects behind the last event that it got,
// closes while the tab is hidden, and says its state in words.
import { clockOfPage } from "./times.js";

const LONGEST_WAIT = 15;
const SILENCE = 20;
const SHOWN = 10;

export class Connection {
  // `told` gets each state: a class and a text. `got` gets each event.
  constructor({ stream, probe, after }, told, got) {
    Object.assign(this, { stream, probe, after, told, got });
    this.lost = null;
    this.tries = 0;
    this.heard = Date.now();
    this.open();
  }

  open() {
    this.close();
    this.behind = 0;
    this.isBehind = true;
    this.tell("warn", this.lost ? `Reconnecting since ${clockOfPage(this.lost)}` : "Connecting");
    const source = new EventSource(withParameters(this.stream, { after: this.after }));
    source.addEventListener("message", (message) => this.receive(message));
    source.addEventListener("caught_up", (message) => this.catchUp(message));
    source.addEventListener("gap", (message) => this.miss(message));
    source.addEventListener("error", () => this.lose());
    this.source = source;
  }

  close() {
    this.source?.close();
    this.source = null;
    this.retryAt = null;
  }

  // Closes the stream of a hidden tab: browsers allow few connections to a server.
  hide() {
    this.close();
    this.isHidden = true;
    this.told("", "Paused while this tab is hidden");
  }

  show() {
    this.isHidden = false;
    this.lost ??= new Date();
    this.open();
  }

  receive(message) {
    this.hear(message);
    if (this.isBehind) {
      this.behind += 1;
      this.tell("warn", `Catching up: ${events(this.behind)} so far`);
    }
    this.got(JSON.parse(message.data));
  }

  catchUp(message) {
    this.hear(message);
    if (!this.isBehind) return;
    this.isBehind = false;
    this.tries = 0;
    const note = this.gap ?? (this.lost ? `Resumed without a gap, ${events(this.behind)} caught up` : "");
    this.lost = this.gap = null;
    this.live(note);
  }

  // Says that events are missing because they are no longer stored.
  miss(message) {
    this.hear(message);
    const { from, to } = JSON.parse(message.data);
    this.gap = `Resumed with a gap: positions ${from} to ${to} are no longer stored`;
    if (!this.isBehind) this.live(this.gap);
  }

  live(note) {
    this.noteUntil = note ? Date.now() + SHOWN * 1000 : 0;
    this.tell(this.isAway ? "bad" : "ok", note ? `Live. ${note}` : "Live");
  }

  hear(message) {
    this.heard = Date.now();
    if (message.lastEventId) this.after = message.lastEventId;
  }

  lose() {
    this.close();
    if (this.isHidden) return;
    this.lost ??= new Date();
    this.tries += 1;
    const wait = Math.min(2 ** (this.tries - 1), LONGEST_WAIT);
    this.retryAt = Date.now() + wait * 1000;
    this.reason = "";
    this.ask();
    this.tick();
  }

  // Once a second: the next try, the end of a note, and a look after the server in a silence.
  tick() {
    const now = Date.now();
    if (this.retryAt) {
      const left = Math.ceil((this.retryAt - now) / 1000);
      if (left <= 0) return this.open();
      const reason = this.reason ? ` ${this.reason}.` : "";
      this.tell("warn", `Reconnecting since ${clockOfPage(this.lost)}, next try in ${left} s.${reason}`);
    } else if (this.source && !this.isBehind) {
      if (this.noteUntil && this.noteUntil < now) this.live("");
      if (now - this.heard > SILENCE * 1000) {
        this.heard = now;
        this.ask();
      }
    }
  }

  // Asks the list for the reason of a failure: a stream does not tell it.
  async ask() {
    const problem = await problemOf(this.probe, this.after);
    if (problem?.end) {
      this.after = problem.end;
      this.gap = `The database was replaced: continued behind position ${problem.end}`;
    }
    this.reason = problem?.detail ?? "";
    const wasAway = this.isAway;
    this.isAway = Boolean(problem) && !this.retryAt;
    if (this.isAway && this.source) this.tell("bad", `Nothing is committed: ${this.reason}`);
    else if (wasAway && this.source && !this.isBehind) this.live("");
  }

  tell(look, text) {
    if (this.isHidden) return;
    this.told(look, text);
  }
}

// Problem that the list of events answers with; null if it answers with events, or not at all.
async function problemOf(probe, after) {
  try {
    const answer = await fetch(withParameters(probe, { after, limit: 1, wait: 1 }));
    return answer.ok ? null : await answer.json();
  } catch {
    return null;
  }
}

function events(count) {
  return count === 1 ? "1 event" : `${count.toLocaleString("en")} events`;
}

function withParameters(address, parameters) {
  const url = new URL(address, location.href);
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== "") url.searchParams.set(name, value);
  }
  return url;
}
