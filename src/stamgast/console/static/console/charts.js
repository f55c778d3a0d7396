// Draws the charts of a page. Expressions run in vega's interpreter, so that no text is ever run as code.
// A colour written as var(--name) is read from the style sheet, and read again when the reader turns dark on or off.
"use strict";

const VARIABLE = /^var\((--[\w-]+)\)$/;

function coloured(part, read) {
  if (Array.isArray(part)) return part.map((item) => coloured(item, read));
  if (part && typeof part === "object") {
    return Object.fromEntries(Object.entries(part).map(([key, value]) => [key, coloured(value, read)]));
  }
  const name = typeof part === "string" && part.match(VARIABLE);
  return name ? read(name[1]) : part;
}

function reader() {
  const probe = document.createElement("span");
  document.body.append(probe);
  const read = (name) => {
    probe.style.color = `var(${name})`;
    return getComputedStyle(probe).color;
  };
  return [read, () => probe.remove()];
}

// The chart of a place, drawn in it or in a place of its own, with what is added to its specification.
async function embed(place, chart, add) {
  const [read, done] = reader();
  const spec = coloured({ ...JSON.parse(document.getElementById(chart).textContent), ...add }, read);
  done();
  const words = JSON.parse(document.getElementById("chart-words").textContent);
  const { view } = await vegaEmbed(place, spec, {
    ast: true, actions: false, defaultStyle: false, renderer: "svg", tooltip: { disableDefaultStyle: true, theme: "house" },
    formatLocale: words.numbers, timeFormatLocale: words.dates,
  });
  return view;
}

function draw(place) {
  return embed(place, place.dataset.chart);
}

// A picture goes where its page does not: it takes its title and its paper along, in the colours that the reader sees.
async function picture(place, title, kind) {
  const font = "Figtree Variable, system-ui, sans-serif";
  const view = await embed(document.createElement("div"), place.dataset.chart, {
    width: 960, padding: 20, background: "var(--sg-card)",
    title: { text: title, anchor: "start", offset: 16, font, fontSize: 17, fontWeight: 600, color: "var(--sg-ink)" },
  });
  const address = await view.toImageURL(kind, 2);
  view.finalize();
  return address;
}

function drawAll() {
  return Promise.all([...document.querySelectorAll("[data-chart]")].map(draw));
}

function save(name, address) {
  const link = document.createElement("a");
  link.download = name;
  link.href = address;
  link.click();
}

document.addEventListener("click", async (event) => {
  const pressed = event.target.closest("[data-save]");
  if (!pressed) return;
  const frame = pressed.closest("[data-chart-frame]");
  const place = frame.querySelector("[data-chart]");
  const kind = pressed.dataset.save;
  if (kind === "csv") {
    const lines = [...frame.querySelectorAll("table tr")].map((row) =>
      [...row.cells].map((cell) => `"${(cell.dataset.value ?? cell.textContent).trim().replaceAll('"', '""')}"`).join(","));
    save(`${place.dataset.name}.csv`, URL.createObjectURL(new Blob([lines.join("\r\n") + "\r\n"], { type: "text/csv" })));
  } else {
    save(`${place.dataset.name}.${kind}`, await picture(place, frame.querySelector("h2").textContent.trim(), kind));
  }
});

async function start() {
  if (!document.querySelector("[data-chart]")) return;
  await drawAll();
  document.documentElement.setAttribute("data-charts", "drawn");
}

start();
document.addEventListener("htmx:after:swap", (event) => {
  if (event.detail?.ctx?.target?.querySelector?.("[data-chart]")) start();
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
