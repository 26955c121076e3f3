// Keys of the pages. They never fire in a field, or with Ctrl, Alt or Meta.

const PAGES = { o: "", l: "live", e: "events", c: "conversations", m: "comments", d: "deliveries", r: "rejections", a: "accounts", h: "health" };
const MENU = ":is(.menu, .chip details)[open]";
const ROWS = ".list a.row, .talk-list :is(a.entry, a.media)";
const SINGLE = /^[a-z/[\]]$/;
const KEYS = {
  "/": () => !find("#find")?.focus(),
  "[": () => click("a[rel=prev]"),
  "]": () => click("a[rel=next]"),
  f: () => openMenu(".filters details"),
  j: () => move(1),
  k: () => move(-1),
  o: () => document.activeElement.matches(ROWS) && !open(document.activeElement.href, "_blank", "noreferrer"),
  t: () => turn("scheme"),
  u: () => turn("time"),
  y: () => openMenu(".pane .copy-as") || openMenu(".copy-as"),
  "?": () => !find("#keys").showModal(),
  " ": () => click("[data-live=pause]"),
  End: () => click(".paused:not([hidden]) button"),
  Escape: close,
};

const root = document.documentElement.dataset;
const places = new WeakMap();
let wentAt = 0;

document.addEventListener("keydown", (event) => {
  const { key, target } = event;
  if (event.ctrlKey || event.altKey || event.metaKey || event.isComposing || find("dialog[open]")) return;
  if (target.closest("input, textarea, select, [contenteditable]") && key !== "Escape") return;
  if (key === " " && target.closest("button, summary")) return;
  const copy = [...document.querySelectorAll(".copy-as[open] kbd")].find((it) => it.textContent === key && it.closest("button"));
  if (!copy && SINGLE.test(key) && root.keys === "off") return;
  const isPage = Date.now() - wentAt < 1000 && key in PAGES;
  wentAt = key === "g" ? Date.now() : 0;
  if (copy ? !copy.click() : isPage ? click(`.side a[href*="/${PAGES[key]}"]`) : KEYS[key]?.(target)) event.preventDefault();
});

function find(selector) {
  return document.querySelector(selector);
}

function click(selector) {
  const found = find(selector);
  found?.click();
  return found;
}

function move(by) {
  const rows = [...document.querySelectorAll(ROWS)];
  const at = rows.indexOf(document.activeElement);
  const row = rows[at < 0 ? 0 : Math.min(Math.max(at + by, 0), rows.length - 1)];
  row?.focus();
  return row;
}

function openMenu(selector) {
  const menu = find(selector);
  if (!menu) return false;
  places.set(menu, document.activeElement);
  menu.open = true;
  menu.querySelector("input, select, .pop button")?.focus({ preventScroll: true });
  return true;
}

export function closeMenu(menu) {
  const place = places.get(menu);
  places.delete(menu);
  menu.open = false;
  (place?.isConnected && place !== document.body ? place : menu.querySelector("summary")).focus({ preventScroll: true });
}

function close(target) {
  const menu = find(MENU);
  if (menu) closeMenu(menu);
  else if (target.matches("input, textarea, select")) target.blur();
  else if (!click(".pane [aria-label=Close]") && globalThis.navigation?.canGoBack) history.back();
  return true;
}

// A click beside a menu closes it, and does nothing else on a phone, where it covers the page.
document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll(MENU)) {
    if (menu.contains(event.target)) continue;
    menu.open = false;
    if (innerWidth >= 720) continue;
    event.stopPropagation();
    event.preventDefault();
  }
}, true);

root.keys ??= "on";

// Preferences in a cookie for the server. The browser adds its time zone.
const NAME = "hookshelf_view";
const KEPT = 400 * 24 * 60 * 60;
// Base path of the pages: this script is at /assets/HASH/js/ below it.
const PATH = new URL("../../..", import.meta.url).pathname.slice(0, -1) || "/";

function parts() {
  const value = document.cookie.split(`${NAME}=`)[1]?.split(";")[0] ?? "";
  return Object.fromEntries(value.split(".").filter(Boolean).map((it) => it.split(":")));
}

function prefer(changes) {
  Object.assign(root, changes);
  const value = Object.entries({ ...parts(), ...changes }).map(([name, it]) => `${name}:${it}`).join(".");
  document.cookie = `${NAME}=${value}; path=${PATH}; max-age=${KEPT}; samesite=lax`;
}

function turn(name) {
  const all = [...document.querySelectorAll(`.top input[name=${name}]`)];
  const next = all[(all.findIndex((it) => it.value === root[name]) + 1) % all.length];
  if (!next) return;
  next.checked = true;
  prefer({ [name]: next.value });
  if (name === "time") refresh();
}

function refresh() {
  globalThis.htmx?.ajax("GET", location.href, { target: "#main", swap: "outerMorph" });
}

const isFirst = !document.cookie.includes(NAME);
const { timeZone: zone } = Intl.DateTimeFormat().resolvedOptions();
if (zone && parts().zone !== zone) {
  prefer(isFirst ? { zone, time: "local" } : { zone });
  if (isFirst) addEventListener("load", refresh);
}
