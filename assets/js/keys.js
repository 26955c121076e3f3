// Keys of the pages. They never fire in a field, and not together with Ctrl, Alt or Meta.
const PAGES = { l: "/live", e: "/events" };
const GO_WITHIN = 1000;

let wentAt = 0;

document.addEventListener("keydown", (event) => {
  const isTyping = event.target.closest("input, textarea, select, [contenteditable]");
  if (event.key === "/" && !isTyping) return find(event);
  if (isTyping || event.ctrlKey || event.altKey || event.metaKey) return;
  if (Date.now() - wentAt < GO_WITHIN && event.key in PAGES) return open(event, `.side a[href*="${PAGES[event.key]}"]`);
  wentAt = event.key === "g" ? Date.now() : 0;
  if (event.key === "j") move(event, 1);
  if (event.key === "k") move(event, -1);
  if (event.key === "[") open(event, "a[rel=prev]");
  if (event.key === "]") open(event, "a[rel=next]");
  if (event.key === "Escape") open(event, ".pane .event-head a[aria-label=Close]");
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
  const rows = [...document.querySelectorAll(".list a.row")];
  if (!rows.length) return;
  event.preventDefault();
  const at = rows.indexOf(document.activeElement);
  const next = at < 0 ? 0 : Math.min(Math.max(at + by, 0), rows.length - 1);
  rows[next].focus();
}

// Keys work from here on.
document.documentElement.dataset.keys = "on";
