// Stored text as an element, with the marks that the server makes (src/http/pages/text.rs).
const CONTROL = /[\u{0}-\u{8}\u{b}-\u{1f}\u{7f}-\u{9f}\u{61c}\u{180e}\u{200b}\u{200c}\u{200e}\u{200f}\u{202a}-\u{202e}\u{2060}-\u{206f}\u{feff}\u{fff9}-\u{fffb}\u{e0001}]/u;
const COMBINING = /[\u{300}-\u{36f}\u{483}-\u{489}\u{591}-\u{5bd}\u{610}-\u{61a}\u{64b}-\u{65f}\u{e31}\u{e34}-\u{e3a}\u{e47}-\u{e4e}\u{1ab0}-\u{1aff}\u{1dc0}-\u{1dff}\u{20d0}-\u{20ff}\u{fe20}-\u{fe2f}]/u;
const MOST_COMBINING = 8;

export function stored(text) {
  const bdi = element("bdi");
  let plain = "";
  let combining = 0;
  for (const character of text) {
    combining = COMBINING.test(character) ? combining + 1 : 0;
    if (CONTROL.test(character)) {
      bdi.append(plain, mark(character));
      plain = "";
    } else if (combining <= MOST_COMBINING) {
      plain += character;
    }
  }
  bdi.append(plain);
  return bdi;
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
