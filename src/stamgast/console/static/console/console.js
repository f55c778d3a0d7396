// What pages need beyond links and forms: the menu on a telephone, the panel that explains, pausing what moves, copying.
"use strict";

document.addEventListener("click", (event) => {
  const pressed = event.target.closest("[data-menu], [data-pause], [data-close], [data-copy], [data-print]");
  if (!pressed) return;
  if (pressed.hasAttribute("data-menu")) {
    const isOpen = document.getElementById("navigation").classList.toggle("sg-open");
    pressed.setAttribute("aria-expanded", String(isOpen));
  } else if (pressed.hasAttribute("data-pause")) {
    const isPaused = pressed.closest("[data-live-frame]").classList.toggle("sg-paused");
    pressed.textContent = isPaused ? pressed.dataset.resume : pressed.dataset.pause;
  } else if (pressed.hasAttribute("data-close")) {
    pressed.closest("dialog").close();
  } else if (pressed.hasAttribute("data-print")) {
    window.print();
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

// Some choices need a name beside them.
document.addEventListener("change", (event) => {
  const name = document.getElementById(event.target.dataset?.names ?? "");
  if (!name) return;
  name.hidden = !["identifier", "property", "number", "money", "boolean", "trait"].includes(event.target.value);
  if (name.hidden) name.value = "";
});

// A file is measured before it is sent, and says how much of it is under way. Without this script the form sends it as it is.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.hasAttribute("data-upload")) return;
  event.preventDefault();
  const field = form.querySelector("input[type=file]");
  const problem = form.querySelector("[data-problem]");
  const tell = (text) => { problem.textContent = text; problem.hidden = !text; };
  if (field.files[0].size > Number(field.dataset.most)) return tell(field.dataset.tooLarge);
  const sending = form.querySelector("[data-sending]");
  const bar = sending.querySelector("progress");
  const words = sending.querySelector("p");
  const button = form.querySelector("button.btn-primary");
  const request = new XMLHttpRequest();
  const end = (text) => { tell(text); sending.hidden = true; button.disabled = false; };
  request.upload.addEventListener("progress", (sent) => {
    bar.value = Math.floor((100 * sent.loaded) / sent.total);
    words.textContent = sent.loaded < sent.total ? `${bar.value} % ${words.dataset.sent}` : words.dataset.checking;
  });
  request.addEventListener("error", () => end(words.dataset.broken));
  request.addEventListener("load", () => {
    const answer = new DOMParser().parseFromString(request.responseText, "text/html");
    const said = answer.querySelector("[data-problem]:not([hidden])");
    if (said) return end(said.textContent);
    window.location.assign(request.responseURL);
  });
  request.open("POST", form.action);
  request.send(new FormData(form));
  tell("");
  sending.hidden = false;
  button.disabled = true;
});

// A finding leads to its line in the document, which is then selected.
document.addEventListener("click", (event) => {
  const pressed = event.target.closest("[data-line]");
  const text = document.getElementById("document");
  if (!pressed || !text) return;
  const lines = text.value.split("\n");
  const start = lines.slice(0, pressed.dataset.line - 1).reduce((sum, line) => sum + line.length + 1, 0);
  text.focus();
  text.setSelectionRange(start, start + (lines[pressed.dataset.line - 1] ?? "").length);
});

// A field that the browser finds wrong cannot be shown, and nothing is sent, while it is folded away.
document.addEventListener("invalid", (event) => {
  for (let fold = event.target.closest("details"); fold; fold = fold.parentElement.closest("details")) fold.open = true;
}, true);

// What is open in the programme's form stays open when it is drawn again. It is known by what it is called, as that was typed.
document.addEventListener("formdata", (event) => {
  for (const fold of event.target.querySelectorAll("details[data-fold][open]")) {
    const name = fold.dataset.named ? event.target.elements[fold.dataset.named].value : "";
    event.formData.append("open", `${fold.dataset.fold} ${name}`);
  }
});

// What was wrong with a field of the programme is said above, and the field says so too.
document.addEventListener("htmx:after:swap", () => {
  const problem = document.querySelector("#problem[data-field]");
  const fields = document.getElementById("fields");
  if (!problem || !fields) return;
  for (const field of fields.querySelectorAll("[name]")) {
    const isWrong = !problem.hidden && field.name === problem.dataset.field;
    field.removeAttribute("aria-invalid");
    if (!isWrong && field.getAttribute("aria-describedby") === "problem") field.removeAttribute("aria-describedby");
    if (!isWrong) continue;
    field.setAttribute("aria-invalid", "true");
    field.setAttribute("aria-describedby", "problem");
  }
});

// What the form changed in the document comes into view, where the document has a place of its own beside the form.
let before = document.getElementById("document")?.value;
document.addEventListener("htmx:after:swap", () => {
  const text = document.getElementById("document");
  const pane = text?.closest(".sg-beside");
  if (!pane || text === document.activeElement || text.value === before) return;
  const [were, are] = [before.split("\n"), text.value.split("\n")];
  before = text.value;
  const line = are.findIndex((one, place) => one !== were[place]);
  const [top, height] = [text.getBoundingClientRect().top - pane.getBoundingClientRect().top, text.scrollHeight / text.rows];
  pane.scrollTop += top + height * (line < 0 ? are.length : line) - pane.clientHeight / 3;
});
