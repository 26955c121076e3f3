// Keys of the pages. They never fire in a field, and not together with Ctrl, Alt or Meta.
import { element } from "./stored.js";

const PAGES = { o: "/", l: "/live", e: "/events", c: "/conversations", m: "/comments", d: "/deliveries", r: "/rejections", a: "/accounts", h: "/health" };
const GO_WITHIN = 1000;
const SHEET = [
  ["/", "Find an id, a name or a URL"],
  ["g o", "Overview"],
  ["g l", "Live"],
  ["g e", "Events"],
  ["g c", "Conversations"],
  ["g m", "Comments"],
  ["g d", "Deliveries"],
  ["g r", "Rejections"],
  ["g a", "Accounts"],
  ["g h", "Health"],
  ["j k", "Next and previous row"],
  ["Enter", "Open the row"],
  ["o", "Open the row in a new tab"],
  ["Esc", "Close"],
  ["[ ]", "Newer and older"],
  ["f", "Filters"],
  ["Space", "Pause Live"],
  ["End", "Resume Live"],
  ["y", "Copy as, then a first letter"],
  ["?", "These keys"],
];

let wentAt = 0;

document.addEventListener("keydown", (event) => {
  const isTyping = event.target.closest("input, textarea, select, [contenteditable]");
  if (document.querySelector("dialog[open]")) return;
  if (isTyping && event.key === "Escape") event.target.blur();
  if (event.key === "/" && !isTyping) return find(event);
  if (isTyping || event.ctrlKey || event.altKey || event.metaKey) return;
  if (chooseCopy(event)) return;
  if (Date.now() - wentAt < GO_WITHIN && event.key in PAGES) return open(event, `.side a[href*="${PAGES[event.key]}"]`);
  wentAt = event.key === "g" ? Date.now() : 0;
  if (event.key === "j") move(event, 1);
  if (event.key === "k") move(event, -1);
  if (event.key === "[") open(event, "a[rel=prev]");
  if (event.key === "]") open(event, "a[rel=next]");
  if (event.key === "Escape") open(event, ".pane .event-head a[aria-label=Close]");
  if (event.key === "o" && document.activeElement.matches("a.row")) globalThis.open(document.activeElement.href, "_blank", "noreferrer");
  if (event.key === "f") open(event, ".filters summary");
  if (event.key === "y") openCopies(event);
  if (event.key === "?") showKeys(event);
});

function find(event) {
  event.preventDefault();
  document.querySelector(".find input")?.focus();
}

function open(event, selector) {
  const link = document.querySelector(selector);
  if (!link) return;
  event.preventDefault();
  link.click();
}

// Moves the focus to the next or previous row of the list.
function move(event, by) {
  const rows = [...document.querySelectorAll(".list a.row, .talk-list :is(a.entry, a.media)")];
  if (!rows.length) return;
  event.preventDefault();
  const at = rows.indexOf(document.activeElement);
  const next = at < 0 ? 0 : Math.min(Math.max(at + by, 0), rows.length - 1);
  rows[next].focus();
}

// Opens the menu of copies: that of the open object, or else that of the list.
function openCopies(event) {
  const menu = document.querySelector(".pane .copy-as") ?? document.querySelector(".copy-as");
  if (!menu) return;
  event.preventDefault();
  menu.open = true;
  menu.querySelector("button")?.focus({ preventScroll: true });
}

// In an open menu of copies, a first letter chooses, and Esc closes.
function chooseCopy(event) {
  const menu = document.querySelector(".copy-as[open]");
  if (!menu) return false;
  const buttons = [...menu.querySelectorAll("button")];
  const chosen = buttons.find((button) => button.querySelector("kbd")?.textContent === event.key);
  if (event.key === "Escape") {
    menu.open = false;
    menu.querySelector("summary").focus({ preventScroll: true });
  }
  chosen?.click();
  if (chosen || event.key === "Escape") event.preventDefault();
  return Boolean(chosen) || event.key === "Escape";
}

function showKeys(event) {
  event.preventDefault();
  document.querySelector("dialog.keys")?.remove();
  const rows = SHEET.map(([keys, action]) => {
    const names = keys.split(" ").flatMap((key, at) => [at ? " " : "", element("kbd", {}, key)]);
    return element("div", {}, element("dt", {}, ...names), element("dd", {}, action));
  });
  const close = element("button", { class: "button", autofocus: "" }, "Close");
  const form = element("form", { method: "dialog", class: "actions" }, close);
  const sheet = element("dialog", { class: "keys", "aria-label": "Keys" }, element("h2", {}, "Keys"), element("dl", {}, ...rows), form);
  document.body.append(sheet);
  sheet.addEventListener("close", () => sheet.remove());
  sheet.showModal();
}

// Keys work from here on.
document.documentElement.dataset.keys = "on";
