// What pages need beyond links and forms: the menu on a telephone, the panel that explains, pausing what moves, copying.
"use strict";

document.addEventListener("click", (event) => {
  const pressed = event.target.closest("[data-menu], [data-pause], [data-close], [data-copy]");
  if (!pressed) return;
  if (pressed.hasAttribute("data-menu")) {
    const isOpen = document.getElementById("navigation").classList.toggle("sg-open");
    pressed.setAttribute("aria-expanded", String(isOpen));
  } else if (pressed.hasAttribute("data-pause")) {
    const isPaused = pressed.closest("[data-live-frame]").classList.toggle("sg-paused");
    pressed.textContent = isPaused ? pressed.dataset.resume : pressed.dataset.pause;
  } else if (pressed.hasAttribute("data-close")) {
    pressed.closest("dialog").close();
  } else {
    navigator.clipboard.writeText(pressed.dataset.copy).then(() => {
      document.getElementById("said-aloud").textContent = pressed.dataset.copied;
      pressed.querySelector("span").textContent = pressed.dataset.copied;
    });
  }
});

// A click beside the panel closes it; the dialog itself gives the focus back to the link that opened it.
document.addEventListener("click", (event) => {
  if (event.target.matches("dialog.sg-panel")) event.target.close();
});

// What repeats by itself rests while nobody looks and while the reader paused it.
document.addEventListener("htmx:before:request", (event) => {
  if (!event.target.closest || !event.target.hasAttribute("data-live")) return;
  if (document.hidden || event.target.closest(".sg-paused")) event.preventDefault();
});

document.addEventListener("htmx:after:swap", (event) => {
  const panel = document.getElementById("panel");
  const target = event.detail?.ctx?.target;
  if (panel && target?.id === "panel-body" && !panel.open) panel.showModal();
});

// "More" takes the button away; the first row that it brought gets the focus, so that the keyboard is not lost.
document.addEventListener("htmx:before:request", (event) => {
  const rows = event.target.closest?.("[data-more]");
  if (rows) rows.dataset.before = document.querySelector(rows.dataset.more)?.children.length ?? 0;
});
