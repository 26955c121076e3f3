// Dragging over the bars of a chart narrows the time to all of them.
export function drag(bar) {
  const chart = bar.closest(".chart");
  const bars = [...chart.querySelectorAll("a")];
  const from = bars.indexOf(bar);
  const choose = (to) => bars.forEach((it, at) => it.classList.toggle("lit", to !== from && (at - from) * (at - to) <= 0));
  const end = () => {
    onpointermove = onpointerup = onpointercancel = ondragstart = null;
    choose(from);
  };
  ondragstart = () => false;
  onpointermove = ({ clientX }) => {
    const { left, width } = chart.getBoundingClientRect();
    choose(Math.floor(((clientX - left) / width) * bars.length));
  };
  onpointercancel = end;
  onpointerup = () => {
    const times = [...chart.querySelectorAll(".lit")].map((it) => new URL(it.href.baseVal, location.href));
    end();
    if (!times.length) return;
    times[0].searchParams.set("until", times.at(-1).searchParams.get("until"));
    location.assign(times[0]);
  };
}
