// Copies the value of a button, or the answer of its address, and says so.
import { closeMenu } from "./keys.js";

export async function copy(button) {
  const menu = button.closest(".menu");
  const place = menu?.querySelector("summary") ?? button;
  const text = button.dataset.copy ?? (await read(button.dataset.copyFrom));
  const isCopied = text !== null && (await write(text));
  const said = document.querySelector("#said");
  place.dataset.copied = isCopied ? "yes" : "no";
  said.textContent = isCopied ? "Copied" : `Not copied: the ${text === null ? "server did not answer" : "browser does not allow it"}`;
  setTimeout(() => {
    delete place.dataset.copied;
    said.textContent = "";
  }, 3000);
  if (menu) closeMenu(menu);
}

async function read(path) {
  const answer = await fetch(path).catch(() => null);
  return answer?.ok ? answer.text() : null;
}

async function write(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return writeSelected(text);
  }
}

// Without https, scripts can copy the selection only.
function writeSelected(text) {
  const area = document.createElement("textarea");
  area.value = text;
  document.body.append(area);
  area.select();
  const copied = document.execCommand("copy");
  area.remove();
  return copied;
}
