// Lines of the tail. They look like those of the server (templates/event_line.html).
import { element, shortId, stored } from "./stored.js";
import { inUnit, timeTag } from "./times.js";

const LONGEST = 280;
const LATE = 60;

export function maker(root) {
  const templates = [...root.querySelectorAll("template[data-part]")];
  const parts = new Map(templates.map((it) => [it.dataset.part, it.content]));
  const part = (name) => parts.get(name)?.cloneNode(true);
  const look = (kind) => part(`kind-${kind}`) ?? part("kind-unknown");
  return {
    // Family of a kind, which has a hue.
    family: (kind) => look(kind).firstElementChild.classList[1],
    row(event) {
      const row = part("line").firstElementChild;
      const [time, kind, account, who, text, notes] = row.cells;
      row.id = `p${event.position}`;
      time.firstElementChild.href = `${root.dataset.line}${event.position}`;
      time.firstElementChild.append(timeTag(event.received_at));
      kind.append(look(event.kind));
      if (event.is_echo) kind.querySelector("span > span").append(" sent");
      if (event.account_id) account.append(part(`account-${event.account_id}`) ?? short(event.account_id, { title: event.account_id }));
      if (event.username) who.append(stored(`@${event.username}`));
      else if (event.person_id) who.append(short(event.person_id));
      text.append(said(event) ?? part("masked"));
      for (const [name, words] of notesOf(event)) {
        notes.append(part(name));
        notes.lastElementChild.lastElementChild.append(words);
      }
      return row;
    },
  };
}

function short(id, attributes) {
  return element("span", { class: "mono", ...attributes }, stored(shortId(id)));
}

// Text of an event; null if it is masked.
function said(event) {
  const text = event.text ?? reaction(event);
  if (text) return stored([...text].slice(0, LONGEST).join(""));
  if (event.erased_at) return element("span", { class: "dim" }, "Erased on ", timeTag(event.erased_at));
  return event.masked.length ? null : element("span", { class: "dim" }, "–");
}

function reaction({ kind, data }) {
  if (kind !== "reaction" || !data) return null;
  const words = [data.action === "react" ? null : data.action, data.emoji ?? data.reaction];
  return words.filter((it) => typeof it === "string").join(" ");
}

function notesOf(event) {
  const late = event.occurred_at ? (new Date(event.received_at) - new Date(event.occurred_at)) / 1000 : 0;
  return [
    ["problem", event.problem?.replaceAll("_", " ")],
    ["source", event.source !== "live" && event.source],
    ["late", late > LATE && `${inUnit(Math.floor(late), 2, "days")} late`],
  ].filter((it) => it[1]);
}
