// Scripts of every page: swaps of htmx, and parts that load their own scripts.
import "./keys.js";
import "./palette.js";

const PARTS = { ".live": "live", "[data-news]": "chat" };
const loaded = {};

async function startParts() {
  for (const [selector, name] of Object.entries(PARTS)) {
    const root = document.querySelector(selector);
    if (root || loaded[name]) (loaded[name] = await import(`./${name}.js`)).start(root);
  }
}

document.addEventListener("htmx:after:swap", ({ detail }) => detail.ctx.target.matches("#main, body") && startParts());
startParts();

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy], [data-copy-from]");
  if (button) (await import("./copy.js")).copy(button);
});

document.addEventListener("pointerdown", async (event) => {
  const bar = event.button ? null : event.target.closest(".chart a");
  if (bar) (await import("./chart.js")).drag(bar);
});

// An item of a delivery and its bytes are marked together.
addEventListener("pointerover", ({ target }) => {
  const item = target.closest("[data-item]")?.dataset.item;
  for (const it of document.querySelectorAll("[data-item]")) it.classList.toggle("lit", it.dataset.item === item);
});

// The list of pages on a phone is open by its address, which a swap does not change.
document.addEventListener("click", (event) => {
  if (event.target.closest(".side:target a[href]")) location.replace("#main");
}, true);

// A hidden page asks for nothing by itself.
document.addEventListener("htmx:before:request", (event) => {
  if (document.hidden && event.target.closest("[data-quiet]")) event.preventDefault();
});

export function hasRoom() {
  return document.querySelector(".split")?.firstElementChild.checkVisibility();
}

const pane = () => document.querySelector(".pane");
const rowOf = (id) => document.querySelector(`#${id?.replace("pane-", "p")} .row`);
let [opened, wasBeside] = [];

// An answer without the main part, as of a proxy, is a page of its own.
document.addEventListener("htmx:before:swap", (event) => {
  [opened, wasBeside] = [pane()?.id, hasRoom()];
  const { text, response } = event.detail.ctx;
  if (/<main id="main"/.test(text)) return;
  event.preventDefault();
  location.assign(response.raw.url);
});

// A row is marked while its pane is open, and gets the focus back.
document.addEventListener("htmx:after:swap", () => {
  tell(null);
  const id = pane()?.id;
  if (id === opened) return;
  rowOf(opened)?.removeAttribute("aria-current");
  rowOf(id)?.setAttribute("aria-current", true);
  if (!id) return rowOf(opened)?.focus({ preventScroll: wasBeside });
  if (hasRoom()) return;
  scrollTo(0, 0);
  pane().focus();
});

document.addEventListener("htmx:error", ({ detail: { ctx } }) => {
  if (ctx?.sourceElement.matches("a, form, body")) tell(ctx.request.action);
});

function tell(address) {
  const failed = document.querySelector("#failed");
  failed.hidden = !address;
  failed.lastElementChild.href = address;
}
