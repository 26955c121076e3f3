// Conversation that goes on while it is read: after new events, its newest part is read again.
import { Connection } from "./live_connection.js";
import { counted } from "./stored.js";

const LEAST = 5000;

class Chat {
  constructor(root) {
    this.root = root;
    this.bar = root.parentElement.querySelector(".unread");
    this.unread = this.readAt = 0;
    this.connection = new Connection(root.dataset, () => {}, (event) => this.hear(event));
    root.addEventListener("scroll", () => this.isNew && this.plan(), this.connection.controls);
    this.bar.addEventListener("click", () => root.scrollTo(0, 0), this.connection.controls);
  }

  stop() {
    this.connection.stop();
    clearTimeout(this.timer);
  }

  hear({ kind }) {
    this.isNew = true;
    if (kind === "message" || kind === "postback") this.unread += 1;
    this.plan();
  }

  plan() {
    this.timer ??= setTimeout(() => this.read(), this.readAt + LEAST - Date.now());
  }

  // Reads the part again, or says in the bar what came if the reader is away from its end.
  read() {
    const { root, bar } = this;
    const isAway = root.scrollTop < -40;
    this.timer = null;
    bar.hidden = !isAway || !this.unread;
    bar.lastElementChild.textContent = counted(this.unread, "new message");
    if (isAway) return;
    this.readAt = Date.now();
    this.unread = this.isNew = 0;
    htmx.ajax("GET", root.dataset.news, { source: root, target: root.querySelector(".chat:last-of-type"), select: ".chat", swap: "outerMorph" });
  }
}

let chat = null;

export function start(root) {
  chat?.stop();
  chat = root && new Chat(root);
}
