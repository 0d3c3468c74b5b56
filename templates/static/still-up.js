// Niceties only: every page works without this script.
"use strict";

// Copy buttons. They are hidden until here, because without a script they could do nothing.
function readyCopyButtons(root) {
  if (!navigator.clipboard) return;
  for (const button of root.querySelectorAll("button.copy")) button.hidden = false;
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest("button.copy");
  if (!button) return;
  button.dataset.words ??= button.textContent;
  try {
    await navigator.clipboard.writeText(button.dataset.copy);
    button.textContent = document.body.dataset.copied;
  } catch {
    button.textContent = document.body.dataset.notAllowed;
  }
  setTimeout(() => { button.textContent = button.dataset.words; }, 1500);
});

// A filter's empty fields stay out of the address, so that it can be read and shared.
document.addEventListener("submit", (event) => {
  if (!event.target.matches("form.filter")) return;
  for (const field of event.target.elements) if (field.name && field.value === "") field.disabled = true;
});
window.addEventListener("pageshow", () => {
  for (const field of document.querySelectorAll("form.filter :disabled")) field.disabled = false;
});

// Pages of something that is under way bring their live parts up to date in place. A part that somebody is
// reading with the keyboard or selecting from is left alone.
function inUse(part) {
  const selection = document.getSelection();
  return part.contains(document.activeElement) ||
    (selection && !selection.isCollapsed && part.contains(selection.anchorNode));
}

async function refresh() {
  const answer = await fetch(location.href, { headers: { Accept: "text/html" }, credentials: "same-origin" });
  if (!answer.ok || answer.redirected) return false;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const part of document.querySelectorAll("[data-live][id]")) {
    const fresh = page.getElementById(part.id);
    if (!fresh || inUse(part) || fresh.innerHTML === part.dataset.shown) continue;
    part.dataset.shown = fresh.innerHTML;
    for (const open of part.querySelectorAll("details[id][open]")) {
      fresh.querySelector(`#${CSS.escape(open.id)}`)?.setAttribute("open", "");
    }
    part.dispatchEvent(new CustomEvent("still-up:refreshing", { bubbles: true, detail: { fresh } }));
    part.replaceChildren(...fresh.childNodes);
    readyCopyButtons(part);
    part.dispatchEvent(new CustomEvent("still-up:refreshed", { bubbles: true }));
  }
  return "refreshSeconds" in page.body.dataset;
}

function keepFresh(seconds) {
  setTimeout(async () => {
    let goOn = true;
    // A lost connection is tried again at the next turn.
    if (!document.hidden) goOn = await refresh().catch(() => true);
    if (goOn) keepFresh(seconds);
  }, seconds * 1000);
}

readyCopyButtons(document);
const seconds = Number(document.body.dataset.refreshSeconds);
if (seconds > 0) keepFresh(seconds);
