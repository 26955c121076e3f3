// Stored text as an element, with the marks of the server (src/http/pages/text.rs).
const CONTROL = among("0-8 b-1f 7f-9f ad 61c 115f-1160 180e 200b-200c 200e-200f 2028-202e 2060-206f 3164 feff ffa0 fff9-fffb 1d173-1d17a e0001");
const WIDTHLESS = among("300-36f 483-489 591-5c7 610-61a 64b-65f 670 6d6-6ed 730-74a 7eb-7f3 8ca-8ff e31 e34-e3a e47-e4e eb1-ebc ec8-ece f71-fbc 180b-180d 1ab0-1aff 1cd0-1cfa 1dc0-1dff 200d 20d0-20ff 2de0-2dff 302a-302f 3099-309a a66f-a67d a8e0-a8f1 fe00-fe0f fe20-fe2f 1d165-1d172 1d17b-1d1ad 1e000-1e02a e0020-e01ef");
const MOST_WIDTHLESS = 8;

export function stored(text) {
  const bdi = element("bdi");
  let run = 0;
  for (const character of text) {
    const isControl = CONTROL.test(character);
    run = isControl || WIDTHLESS.test(character) ? run + 1 : 0;
    if (run > MOST_WIDTHLESS + 1) continue;
    if (run > MOST_WIDTHLESS) bdi.append(element("span", { class: "ctl" }, "…"));
    else bdi.append(isControl ? mark(character) : character);
  }
  bdi.normalize();
  return bdi;
}

function among(codes) {
  return new RegExp(`[${codes.replace(/ ?([\da-f]+)/g, "\\u{$1}")}]`, "u");
}

function mark(character) {
  const code = character.codePointAt(0).toString(16).toUpperCase().padStart(4, "0");
  return element("span", { class: "ctl", title: `U+${code}` }, code);
}

export function shortId(id) {
  const characters = [...id];
  if (characters.length <= 18) return id;
  return `${characters.slice(0, 8).join("")}…${characters.slice(-4).join("")}`;
}

export function counted(number, noun) {
  return `${number.toLocaleString("en")} ${noun}${number === 1 ? "" : "s"}`;
}

// An element. Text children are text, whatever they contain.
export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}
