// Times in the form that the reader chose, as the server writes them (src/http/pages/times.rs).
import { element } from "./stored.js";

const ZONES = { local: undefined, utc: "UTC" };

// Element of a time.
export function timeTag(text) {
  const at = new Date(text);
  const form = document.documentElement.dataset.time;
  const other = form === "utc" ? clock(at, undefined) : at.toISOString();
  const title = form === "relative" ? at.toISOString() : `${other}, ${ago(at)}`;
  return element("time", { datetime: at.toISOString(), title }, shown(at));
}

// Writes relative times again, since they change.
export function refreshTimes(within) {
  if (document.documentElement.dataset.time !== "relative") return;
  for (const tag of within.querySelectorAll("time")) {
    const text = shown(new Date(tag.dateTime));
    if (tag.textContent !== text) tag.textContent = text;
  }
}

// The time of day in the zone of the page.
export function clockOfPage(at) {
  return clock(at, ZONES[document.documentElement.dataset.time]);
}

function shown(at) {
  return document.documentElement.dataset.time === "relative" ? ago(at) : clockOfPage(at);
}

function clock(at, timeZone) {
  const part = (options) => at.toLocaleString("en-GB", { timeZone, ...options });
  const day = { day: "numeric", month: "short" };
  const time = part({ hour: "2-digit", minute: "2-digit", second: "2-digit" });
  const isToday = part(day) === new Date().toLocaleString("en-GB", { timeZone, ...day });
  return isToday ? time : `${part(day)} ${time}`;
}

function ago(at) {
  const since = Math.round((Date.now() - at.getTime()) / 1000);
  const ending = since < 0 ? "ahead" : "ago";
  return `${inUnit(Math.abs(since))} ${ending}`;
}

function inUnit(seconds) {
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 172800) return `${Math.floor(seconds / 3600)} h`;
  return `${Math.floor(seconds / 86400)} d`;
}
