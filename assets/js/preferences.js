// Preferences in a cookie for the server. The browser adds its time zone.
const NAME = "hookshelf_view";
const KEPT = 400 * 24 * 60 * 60;
// Base path of the pages: this script is at /assets/HASH/js/ below it.
const PATH = new URL("../../..", import.meta.url).pathname.slice(0, -1) || "/";
const root = document.documentElement.dataset;

function parts() {
  const value = document.cookie.split(`${NAME}=`)[1]?.split(";")[0] ?? "";
  return Object.fromEntries(value.split(".").filter(Boolean).map((it) => it.split(":")));
}

function prefer(changes) {
  Object.assign(root, changes);
  const value = Object.entries({ ...parts(), ...changes }).map(([name, it]) => `${name}:${it}`).join(".");
  document.cookie = `${NAME}=${value}; path=${PATH}; max-age=${KEPT}; samesite=lax`;
}

export function turn(name) {
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
