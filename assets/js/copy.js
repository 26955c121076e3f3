// Copies the value of a button with data-copy, and says so on the button.
document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  event.preventDefault();
  const copied = await write(button.dataset.copy);
  button.dataset.copied = copied ? "yes" : "no";
  setTimeout(() => delete button.dataset.copied, 1500);
});

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
