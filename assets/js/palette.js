// Search box: offers for words, the last places for none.
const [box, list, here] = ["find", "offers", "place"].map((id) => () => document.getElementById(id));
const places = () => (localStorage.places ?? "").split("\n");
let wait;

function show(html) {
  list().innerHTML = html;
  list().hidden = !html;
  box().ariaExpanded = !!html;
}

function ask({ target }) {
  if (target !== box()) return;
  clearTimeout(wait);
  const { form, value } = target;
  if (!value) return show(places().slice(1).join(""));
  wait = setTimeout(async () => {
    const answer = await fetch(`${form.action}/offers?${new URLSearchParams(new FormData(form))}`);
    if (answer.ok && box().value === value) show(await answer.text());
  }, 120);
}

function press(event) {
  const isCtrl = event.ctrlKey || event.metaKey;
  const all = [...list().children].filter((it) => it.checkVisibility());
  const at = all.findIndex((it) => it.ariaSelected === "true");
  const to = { ArrowDown: at + 1, ArrowUp: at - 1 }[event.key];
  if (isCtrl && event.key === "k") box().focus();
  else if (event.target !== box()) return;
  else if (to >= -1) {
    for (const it of all) it.ariaSelected = it === all[to];
    box().ariaActiveDescendantElement = all[to];
  } else if (event.key !== "Enter" || at < 0) return;
  else if (isCtrl && all[at].href) open(all[at].href);
  else all[at].click();
  event.preventDefault();
}

function pick({ target }) {
  const offer = target.closest("#offers > *");
  if (!offer) return;
  document.activeElement.blur();
  document.querySelector(offer.dataset.click)?.click();
}

// Keeps the place that the server wrote.
function keep() {
  const place = here()?.innerHTML;
  if (place) localStorage.places = [place, ...places().filter((it) => it !== place)].slice(0, 11).join("\n");
}

const on = { input: ask, focusin: ask, focusout: () => (box().ariaExpanded = false), keydown: press, click: pick, "htmx:after:swap": keep };
for (const name in on) addEventListener(name, on[name]);
keep();
