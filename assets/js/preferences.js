// Tells the server the time zone of the browser, in the cookie that it renders pages by.
const NAME = "hookshelf_view";
const KEPT = 400 * 24 * 60 * 60;
// Base path of the pages: this script is at /assets/HASH/js/ below it.
const PATH = new URL("../../..", import.meta.url).pathname.slice(0, -1) || "/";

const cookie = document.cookie.split("; ").find((it) => it.startsWith(`${NAME}=`));
const parts = new Map();
for (const part of (cookie ?? "").slice(NAME.length + 1).split(".")) {
  const [name, value] = part.split(":");
  if (value) parts.set(name, value);
}

const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
if (zone && parts.get("zone") !== zone) {
  const isFirst = !cookie;
  parts.set("zone", zone);
  if (isFirst) {
    parts.set("time", "local");
    document.documentElement.dataset.time = "local";
  }
  const value = [...parts].map(([name, it]) => `${name}:${it}`).join(".");
  document.cookie = `${NAME}=${value}; path=${PATH}; max-age=${KEPT}; samesite=lax`;
  if (isFirst) addEventListener("load", () => refresh());
}

// Renders the page again with the new preferences, in place.
export function refresh() {
  globalThis.htmx?.ajax("GET", location.href, { target: "#main", swap: "outerMorph" });
}
