// Copies the value of a button with data-copy, or the answer at its data-copy-from, and says so.
document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy], [data-copy-from]");
  if (!button) return;
  event.preventDefault();
  const menu = button.closest(".copy-as");
  const said = menu ? menu.querySelector("summary") : button;
  const text = button.dataset.copy ?? (await read(button.dataset.copyFrom));
  const copied = text !== null && (await write(text));
  said.dataset.copied = copied ? "yes" : "no";
  setTimeout(() => delete said.dataset.copied, 1500);
  if (!menu) return;
  menu.open = false;
  said.focus({ preventScroll: true });
});

async function read(path) {
  try {
    const answer = await fetch(path);
    return answer.ok ? await answer.text() : null;
  } catch {
    return null;
  }
}

async function write(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return writeSelected(text);
  }
}

// Without https, browsers have no clipboard for scripts but the selection.
function writeSelected(text) {
  const area = document.createElement("textarea");
  area.value = text;
  document.body.append(area);
  area.select();
  const copied = document.execCommand("copy");
  area.remove();
  return copied;
}
