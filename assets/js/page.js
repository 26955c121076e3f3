// Scripts of every page: the time zone, copying, and keys. The tail loads its own.
import "./preferences.js";
import "./copy.js";
import "./keys.js";

function loadOwn() {
  if (document.querySelector("[data-stream]")) import("./live.js");
}

document.addEventListener("htmx:after:swap", loadOwn);
loadOwn();
