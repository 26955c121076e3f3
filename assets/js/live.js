// Live tail: lines of the stream of events, which can be paused.
import { Connection } from "./live_connection.js";
import { maker } from "./live_line.js";
import { hasRoom } from "./page.js";
import { counted } from "./stored.js";
import { refreshTimes } from "./times.js";

const MOST = 500;
const BUSY = 50;
const SPEAK = 5000;
const AWAY = 40;

class Tail {
  constructor(root) {
    this.root = root;
    this.lines = maker(root);
    this.body = root.querySelector("tbody");
    this.bars = [...this.part("meter").children];
    this.isOnTop = root.dataset.newest === "top";
    this.queue = [];
    this.missed = new Map();
    this.arrived = this.bars.map(() => 0);
    this.unspoken = this.rangAt = 0;
    this.spokeAt = Date.now();
    this.connection = new Connection(root.dataset, (...state) => this.tell(...state), (event) => this.take(event));
    const { controls } = this.connection;
    const on = (name, act) => this.part(name).addEventListener("click", act, controls);
    addEventListener("scroll", () => this.scroll(), controls);
    document.addEventListener("htmx:after:swap", () => this.follow(), controls);
    on("pause", () => this.pause(!this.isPaused));
    on("resume", () => this.pause(false));
    on("bell", ({ currentTarget }) => this.turnBell(currentTarget));
    this.follow();
    this.clock = setInterval(() => this.tick(), 1000);
  }

  part(name) {
    return this.root.querySelector(`[data-live=${name}]`);
  }

  stop() {
    this.connection.stop();
    this.audio?.close();
    clearInterval(this.clock);
    clearTimeout(this.timer);
  }

  // Only another state is spoken.
  tell(look, text) {
    const state = this.part("connection");
    state.className = `state ${look}`;
    state.lastElementChild.textContent = text;
    const [name] = text.split(/\W/);
    if (name !== this.state) this.news = text;
    this.state = name;
  }

  take(event) {
    this.arrived[this.arrived.length - 1] += 1;
    this.unspoken += 1;
    this.queue.push(event);
    if (this.queue.length > MOST) this.queue.shift();
    const family = this.lines.family(event.kind);
    if (this.isPaused) this.missed.set(family, (this.missed.get(family) ?? 0) + 1);
    this.ring();
    this.timer ??= setTimeout(() => this.flush(), this.isBusy() ? 250 : 30);
  }

  isBusy() {
    return Math.max(...this.arrived.slice(-2)) > BUSY;
  }

  flush() {
    this.timer = null;
    if (this.isPaused) return this.showMissed();
    const { body, isOnTop } = this;
    const events = this.queue.splice(0).filter((event) => !body.rows[`p${event.position}`]);
    if (!events.length) return;
    const rows = events.map((event) => this.lines.row(event));
    if (!this.isBusy()) for (const row of rows) row.classList.add("glow");
    if (isOnTop) body.prepend(...rows.reverse());
    else body.append(...rows);
    for (const row of rows) globalThis.htmx?.process(row);
    while (body.rows.length > MOST) body.deleteRow(isOnTop ? -1 : 0);
    this.part("empty").hidden = true;
    this.follow();
  }

  // Moves to the newest line, unless an open line is the page.
  follow() {
    if (this.isPaused || !this.root.isConnected || !hasRoom()) return;
    if (this.isOnTop || this.body.rows.length) scrollTo({ top: this.isOnTop ? 0 : document.body.scrollHeight, behavior: "instant" });
    this.scrolled = scrollY;
  }

  scroll() {
    const moved = (scrollY - this.scrolled) * (this.isOnTop ? -1 : 1);
    const distance = this.isOnTop ? scrollY : document.documentElement.scrollHeight - innerHeight - scrollY;
    this.scrolled = scrollY;
    if (!hasRoom()) return;
    if (!this.isPaused && moved < 0 && distance > AWAY) this.pause(true);
    else if (this.isPaused && moved > 0 && distance < 2) this.pause(false);
  }

  pause(isPaused) {
    this.isPaused = isPaused;
    this.missed.clear();
    this.showMissed();
    this.flush();
    this.follow();
  }

  showMissed() {
    let count = 0;
    for (const entry of this.part("families").children) {
      const number = this.missed.get(entry.dataset.family) ?? 0;
      entry.hidden = !number;
      entry.lastElementChild.textContent = number;
      count += number;
    }
    this.part("missed").textContent = `Paused. ${counted(count, "new event")}`;
    this.part("paused").hidden = !this.isPaused;
    this.part("pause").ariaPressed = this.isPaused;
  }

  turnBell(button) {
    this.isBell = !this.isBell;
    button.ariaPressed = this.isBell;
    // Browsers allow sound only after a press.
    this.audio ??= new AudioContext();
    this.ring();
  }

  ring() {
    if (!this.isBell || Date.now() - this.rangAt < 2000) return;
    this.rangAt = Date.now();
    const [tone, volume] = [this.audio.createOscillator(), this.audio.createGain()];
    volume.gain.value = 0.1;
    tone.connect(volume).connect(this.audio.destination);
    tone.start();
    tone.stop(this.audio.currentTime + 0.3);
  }

  tick() {
    const most = Math.max(...this.arrived, 1);
    this.bars.forEach((bar, number) => bar.setAttribute("height", (this.arrived[number] / most) * 20));
    const rate = this.arrived.slice(-5).reduce((sum, it) => sum + it) / 5;
    this.part("rate").textContent = `${rate.toFixed(rate < 10 ? 1 : 0)} / s`;
    this.part("batches").hidden = !this.isBusy();
    this.arrived.push(0);
    this.arrived.shift();
    refreshTimes(this.body);
    this.speak();
  }

  speak() {
    const words = [this.news, this.unspoken && counted(this.unspoken, "new event")].filter(Boolean);
    if (!words.length || Date.now() - this.spokeAt < SPEAK) return;
    this.part("spoken").textContent = words.join(". ");
    this.news = this.unspoken = 0;
    this.spokeAt = Date.now();
  }
}

let tail = null;

export function start(root) {
  tail?.stop();
  tail = root && new Tail(root);
}
