// Lines of the tail. They look like those of the server (templates/event_line.html).
import { element, icon, shortId, stored } from "./stored.js";
import { timeTag } from "./times.js";

const LONGEST = 280;
const LATE = 60;

// Makes lines with the parts that the page has as templates: kinds, accounts and the masked bar.
export class Lines {
  constructor(root) {
    this.root = root;
    this.parts = new Map();
    for (const part of root.querySelectorAll("template[data-part]")) {
      this.parts.set(part.dataset.part, part.content);
    }
  }

  // Row of an event.
  row(event) {
    const link = element("a", { class: "row", href: `${this.root.dataset.line}${event.position}` }, timeTag(event.received_at));
    return element(
      "tr",
      { id: `p${event.position}` },
      element("td", { class: "c-time card-side" }, link),
      element("td", { class: "c-kind card-main" }, this.kind(event)),
      element("td", { class: "c-account" }, ...this.account(event.account_id)),
      element("td", { class: "c-person card-who" }, ...person(event)),
      element("td", { class: "c-text card-text" }, this.said(event)),
      element("td", { class: "c-notes" }, ...this.notes(event)),
    );
  }

  // Family of a kind, which has a hue.
  family(kind) {
    const look = this.part(`kind-${kind}`) ?? this.part("kind-unknown");
    return look.firstElementChild.classList[1];
  }

  part(name) {
    return this.parts.get(name)?.cloneNode(true);
  }

  kind(event) {
    const look = this.part(`kind-${event.kind}`) ?? this.part("kind-unknown");
    if (event.is_echo) look.querySelector("span > span").append(" sent");
    return look;
  }

  account(id) {
    if (!id) return [];
    return [this.part(`account-${id}`) ?? element("span", { class: "mono", title: id }, stored(shortId(id)))];
  }

  said(event) {
    const text = event.text ?? reaction(event);
    if (text) return stored([...text].slice(0, LONGEST).join(""));
    if (event.erased_at) return element("span", { class: "dim" }, "Erased on ", timeTag(event.erased_at));
    if (event.masked.length) return this.part("masked");
    return element("span", { class: "dim" }, "–");
  }

  notes(event) {
    const notes = [];
    if (event.problem) notes.push(["triangle-alert", event.problem.replaceAll("_", " ")]);
    if (event.source !== "live") notes.push(["tag", event.source]);
    const late = event.occurred_at ? (new Date(event.received_at) - new Date(event.occurred_at)) / 1000 : 0;
    if (late > LATE) notes.push(["clock", `${duration(Math.floor(late))} late`]);
    return notes.map(([name, text]) =>
      element("span", { class: "note" }, icon(this.root.dataset.icons, name), element("span", { class: "word" }, text)),
    );
  }
}

function person(event) {
  if (!event.person_id) return [];
  if (event.username) return [stored(`@${event.username}`)];
  return [element("span", { class: "mono" }, stored(shortId(event.person_id)))];
}

function reaction(event) {
  if (event.kind !== "reaction" || !event.data) return null;
  const { action, emoji, reaction: name } = event.data;
  const words = [action === "react" ? null : action, emoji ?? name].filter((it) => typeof it === "string");
  return words.join(" ");
}

function duration(seconds) {
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7200) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 172800) return `${Math.floor(seconds / 3600)} h`;
  return `${Math.floor(seconds / 86400)} days`;
}
