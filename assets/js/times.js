// Times in the form that the reader chose, as the server writes them (src/http/pages/times.rs).
import { element } from "./stored.js";

const form = () => document.documentElement.dataset.time;

export function timeTag(text) {
  const at = new Date(text);
  const datetime = at.toISOString();
  const other = form() === "utc" ? clock(at) : datetime;
  const title = form() === "relative" ? datetime : `${other}, ${ago(at)}`;
  return element("time", { datetime, title }, shown(at));
}

export function refreshTimes(within) {
  if (form() !== "relative") return;
  for (const tag of within.querySelectorAll("time")) {
    const text = shown(new Date(tag.dateTime));
    if (tag.textContent !== text) tag.textContent = text;
  }
}

export function clockOfPage(at) {
  return clock(at, form() === "utc" ? "UTC" : undefined);
}

function shown(at) {
  return form() === "relative" ? ago(at) : clockOfPage(at);
}

function clock(at, timeZone) {
  const day = (it) => it.toLocaleDateString("en-GB", { timeZone, day: "numeric", month: "short" });
  const time = at.toLocaleTimeString("en-GB", { timeZone });
  return day(at) === day(new Date()) ? time : `${day(at)} ${time}`;
}

function ago(at) {
  const since = Math.round((Date.now() - at) / 1000);
  return `${inUnit(Math.abs(since), 1, "d")} ${since < 0 ? "ahead" : "ago"}`;
}

export function inUnit(seconds, least, days) {
  if (seconds < 60 * least) return `${seconds} s`;
  if (seconds < 3600 * least) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 172800) return `${Math.floor(seconds / 3600)} h`;
  return `${Math.floor(seconds / 86400)} ${days}`;
}
