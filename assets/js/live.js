// Live tail: lines of the stream of events, which can be paused.
import { Connection } from "./live_connection.js";
import { Lines } from "./live_line.js";
import { element } from "./stored.js";
import { refreshTimes } from "./times.js";

const MOST = 500;
const BUSY = 50;
const BATCHES = 250;
const AT_ONCE = 30;
const SPEAK = 5000;
const BARS = 24;
const AWAY = 40;
const FAMILIES = {
  messages: "Messages",
  comments: "Comments",
  mentions: "Mentions and stories",
  reactions: "Reactions and seen",
  buttons: "Buttons, referrals and opt-ins",
  control: "Handovers, policy and unknown",
};

class Tail {
  constructor(root) {
    this.root = root;
    this.lines = new Lines(root);
    this.body = root.querySelector("tbody");
    this.isOnTop = root.dataset.newest === "top";
    this.isPaused = false;
    this.queue = [];
    this.missed = new Map();
    this.arrived = new Array(BARS).fill(0);
    this.unspoken = 0;
    this.spokeAt = Date.now();
    this.scrolled = scrollY;
    this.controls = new AbortController();
    this.showMissed();
    this.listen();
    this.follow();
    const told = (look, text) => this.tell(look, text);
    this.connection = new Connection(root.dataset, told, (event) => this.take(event));
    this.clock = setInterval(() => this.tick(), 1000);
  }

  part(name) {
    return this.root.querySelector(`[data-live="${name}"]`);
  }

  listen() {
    const { signal } = this.controls;
    addEventListener("scroll", () => this.scroll(), { signal, passive: true });
    document.addEventListener("keydown", (event) => this.press(event), { signal });
    document.addEventListener("click", (event) => this.click(event), { signal, capture: true });
    document.addEventListener("visibilitychange", () => (document.hidden ? this.connection.hide() : this.connection.show()), { signal });
  }

  stop() {
    this.connection.close();
    this.controls.abort();
    clearInterval(this.clock);
    clearTimeout(this.timer);
  }

  tell(look, text) {
    const state = this.part("connection");
    state.className = `state ${look}`;
    state.lastElementChild.textContent = text;
  }

  take(event) {
    this.arrived[BARS - 1] += 1;
    this.unspoken += 1;
    this.queue.push(event);
    if (this.queue.length > MOST) this.queue.shift();
    if (this.isPaused) {
      const family = this.lines.family(event.kind);
      this.missed.set(family, (this.missed.get(family) ?? 0) + 1);
    }
    this.ring();
    this.timer ??= setTimeout(() => this.flush(), this.isBusy() ? BATCHES : AT_ONCE);
  }

  // True above the number of events in a second from which lines come in batches.
  isBusy() {
    return Math.max(this.arrived[BARS - 1], this.arrived[BARS - 2]) > BUSY;
  }

  flush() {
    this.timer = null;
    if (this.isPaused) return this.showMissed();
    const events = this.queue.splice(0);
    if (!events.length) return;
    const rows = events.map((event) => this.lines.row(event));
    if (!this.isBusy()) for (const row of rows) row.classList.add("glow");
    if (this.isOnTop) this.body.prepend(...rows.reverse());
    else this.body.append(...rows);
    while (this.body.rows.length > MOST) (this.isOnTop ? this.body.lastElementChild : this.body.firstElementChild).remove();
    this.part("empty").hidden = true;
    this.follow();
  }

  // Moves to the newest line.
  follow() {
    const end = this.isOnTop ? 0 : document.documentElement.scrollHeight;
    if (this.isOnTop || this.body.rows.length) scrollTo({ top: end, behavior: "instant" });
    this.scrolled = scrollY;
  }

  // Distance from the newest line.
  distance() {
    return this.isOnTop ? scrollY : document.documentElement.scrollHeight - innerHeight - scrollY;
  }

  scroll() {
    const moved = this.isOnTop ? this.scrolled - scrollY : scrollY - this.scrolled;
    this.scrolled = scrollY;
    if (!this.isPaused && moved < 0 && this.distance() > AWAY) this.pause();
    else if (this.isPaused && moved > 0 && this.distance() < 2) this.resume();
  }

  pause() {
    this.isPaused = true;
    this.missed.clear();
    this.showMissed();
  }

  resume() {
    this.isPaused = false;
    this.showMissed();
    this.flush();
    this.follow();
  }

  // The bar that says what came during a pause.
  showMissed() {
    const count = [...this.missed.values()].reduce((sum, it) => sum + it, 0);
    this.part("missed").textContent = count === 1 ? "Paused. 1 new event" : `Paused. ${count.toLocaleString("en")} new events`;
    const families = [...this.missed].sort((one, other) => other[1] - one[1]);
    const entries = families.map(([family, number]) =>
      element("li", {}, element("span", { class: `swatch ${family}` }), FAMILIES[family], " ", element("span", { class: "num" }, String(number))),
    );
    this.part("families").replaceChildren(...entries);
    this.part("paused").hidden = !this.isPaused;
    this.part("pause").setAttribute("aria-pressed", String(this.isPaused));
  }

  press(event) {
    const isTyping = event.target.closest("input, textarea, select, button, summary, dialog, [contenteditable]");
    if (isTyping || event.ctrlKey || event.altKey || event.metaKey) return;
    if (event.key === " ") this.isPaused ? this.resume() : this.pause();
    else if (event.key === "End" && this.isPaused) this.resume();
    else return;
    event.preventDefault();
  }

  click(event) {
    if (event.button || event.ctrlKey || event.metaKey || event.shiftKey) return;
    const button = event.target.closest("[data-live]");
    if (button?.dataset.live === "pause") return this.isPaused ? this.resume() : this.pause();
    if (button?.dataset.live === "resume") return this.resume();
    if (button?.dataset.live === "bell") return this.turnBell(button);
    const row = event.target.closest(".tail a.row");
    const shut = event.target.closest(".pane .event-head a[aria-label=Close]");
    if (!row && !shut) return;
    event.preventDefault();
    event.stopPropagation();
    if (row) this.open(row);
    else this.shut();
  }

  // Opens a line beside the tail, which goes on.
  async open(row) {
    const answer = await fetch(`${row.href}&limit=1`, { headers: { "HX-Request": "true", Accept: "text/html" } });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const pane = page.querySelector(".pane");
    if (!pane) return location.assign(row.href);
    this.shut();
    row.setAttribute("aria-current", "true");
    this.root.querySelector(".split").append(pane);
    globalThis.htmx?.process(pane);
    history.replaceState(history.state, "", row.href);
    if (!this.isPaused) this.follow();
  }

  shut() {
    const current = this.root.querySelector(".tail [aria-current]");
    current?.removeAttribute("aria-current");
    this.root.querySelector(".pane")?.remove();
    history.replaceState(history.state, "", this.root.dataset.line.replace(/[?&]open=$/, ""));
    current?.focus({ preventScroll: true });
    if (!this.isPaused) this.follow();
  }

  turnBell(button) {
    const isOn = button.getAttribute("aria-pressed") !== "true";
    button.setAttribute("aria-pressed", String(isOn));
    // Browsers allow sound only after a press.
    this.audio = isOn ? new AudioContext() : this.audio?.close() && null;
    this.ring();
  }

  ring() {
    if (!this.audio || Date.now() - (this.rangAt ?? 0) < 2000) return;
    this.rangAt = Date.now();
    const [tone, volume, now] = [this.audio.createOscillator(), this.audio.createGain(), this.audio.currentTime];
    tone.frequency.value = 880;
    volume.gain.setValueAtTime(0.1, now);
    volume.gain.exponentialRampToValueAtTime(0.001, now + 0.4);
    tone.connect(volume).connect(this.audio.destination);
    tone.start(now);
    tone.stop(now + 0.4);
  }

  // Once a second: the meter, the connection, spoken news, and relative times.
  tick() {
    const most = Math.max(...this.arrived, 1);
    for (const [number, bar] of [...this.part("meter").children].entries()) {
      const size = Math.round((this.arrived[number] / most) * 20);
      bar.setAttribute("y", String(20 - size));
      bar.setAttribute("height", String(size));
    }
    const rate = this.arrived.slice(-5).reduce((sum, it) => sum + it, 0) / 5;
    this.part("rate").textContent = `${rate.toFixed(rate < 10 ? 1 : 0)} / s`;
    this.part("batches").hidden = !this.isBusy();
    this.arrived.push(0);
    this.arrived.shift();
    this.connection.tick();
    refreshTimes(this.body);
    this.speak();
  }

  speak() {
    if (!this.unspoken || Date.now() - this.spokeAt < SPEAK) return;
    this.part("spoken").textContent = `${this.unspoken} new events`;
    this.unspoken = 0;
    this.spokeAt = Date.now();
  }
}

let tail = null;

// Starts the tail of the present page, and stops that of the page before.
function start() {
  tail?.stop();
  const root = document.querySelector("[data-stream]");
  tail = root ? new Tail(root) : null;
}

// A swap may be one of several.
let swapped = null;
document.addEventListener("htmx:after:swap", () => {
  clearTimeout(swapped);
  swapped = setTimeout(start);
});
start();
