// Dragging over the bars of a chart narrows the time to all of them.
export function drag(bar) {
  const chart = bar.closest(".chart");
  const bars = [...chart.querySelectorAll("a")];
  const from = bars.indexOf(bar);
  let chosen = [];
  const controls = new AbortController();
  const on = (name, act) => addEventListener(name, act, controls);
  const choose = (next) => {
    chosen = next;
    for (const it of bars) it.classList.toggle("lit", chosen.includes(it));
  };
  const end = () => {
    controls.abort();
    choose([]);
  };
  on("dragstart", (event) => event.preventDefault());
  on("pointermove", ({ clientX }) => {
    const { left, width } = chart.getBoundingClientRect();
    const at = Math.floor(((clientX - left) / width) * bars.length);
    choose(at === from ? [] : bars.slice(Math.max(Math.min(from, at), 0), Math.max(from, at) + 1));
  });
  on("pointercancel", end);
  on("pointerup", () => {
    const times = chosen.map((it) => new URL(it.href.baseVal, location.href));
    end();
    if (!times.length) return;
    times[0].searchParams.set("until", times.at(-1).searchParams.get("until"));
    location.assign(times[0]);
  });
}
