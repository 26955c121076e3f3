// Scripts of every page: the time zone, copying, and keys. The tail loads its own.
import "./preferences.js";
import "./copy.js";
import "./keys.js";

function loadOwn() {
  if (document.querySelector("[data-stream]")) import("./live.js");
}

document.addEventListener("htmx:after:swap", loadOwn);
loadOwn();

// An answer without the main part, as of a proxy, must not replace it: the browser opens it instead.
document.addEventListener("htmx:before:swap", (event) => {
  const { ctx } = event.detail;
  if (!ctx || /<main id="main"/.test(ctx.text)) return;
  event.preventDefault();
  location.assign(ctx.response.raw.url);
});

// The list of pages on a phone is open by its address, which a swap does not change.
document.addEventListener("click", (event) => {
  if (event.target.closest(".side:target a[href]")) location.replace("#main");
}, true);

// A hidden page asks for nothing by itself.
document.addEventListener("htmx:before:request", (event) => {
  if (document.hidden && event.target.closest("[data-quiet]")) event.preventDefault();
});
