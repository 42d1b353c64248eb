// Draws a service's last 15 minutes: requests a second and milliseconds as lines, errors as bars. All of it is text, too.

const HTML = "http://www.w3.org/1999/xhtml";
const SVG = "http://www.w3.org/2000/svg";
const HEIGHT = 24;

const KINDS = [
  {
    label: "Requests",
    values: (series) => series.rates,
    now: (values) => `${figure(values.at(-1) ?? 0)} /s`,
    most: (most) => `most ${figure(most)} /s`,
    shape: line,
  },
  {
    label: "Errors",
    values: (series) => series.errors,
    now: (values) => figure(values.reduce((sum, value) => sum + value, 0)),
    most: () => "in 15 min",
    shape: bars,
  },
  {
    label: "Mean",
    values: (series) => series.milliseconds,
    now: (values) => (values.at(-1) == null ? "–" : `${figure(values.at(-1))} ms`),
    most: (most) => `most ${figure(most)} ms`,
    shape: line,
  },
];

function figure(value) {
  return value >= 100 || Number.isInteger(value) ? String(Math.round(value)) : value.toFixed(1);
}

// One line for each stretch without a gap; a single value is a short one.
function line(values, y) {
  return values
    .map((value, at) => {
      if (value == null) {
        return "";
      }
      const begins = at === 0 || values[at - 1] == null;
      return `${begins ? `M${at} ${y(value)}h1` : ""}L${at + 1} ${y(value)}`;
    })
    .join("");
}

function bars(values, y) {
  return values.map((value, at) => (value ? `M${at + 0.5} ${HEIGHT}V${y(value)}` : "")).join("");
}

function element(parent, name, attributes, text = "") {
  const made = parent.ownerDocument.createElementNS(["svg", "path"].includes(name) ? SVG : HTML, name);
  Object.entries(attributes).forEach(([key, value]) => made.setAttribute(key, value));
  made.textContent = text;
  parent.append(made);
  return made;
}

function plot(parent, kind, series) {
  const values = kind.values(series);
  const most = Math.max(0, ...values.map((value) => value ?? 0));
  const y = (value) => (HEIGHT - 1 - (most ? (value / most) * (HEIGHT - 2) : 0)).toFixed(1);
  const said = `${kind.label} of the last 15 minutes: ${kind.now(values)}, ${kind.most(most)}`;
  const figures = element(parent, "div", { class: `plot ${kind.shape.name}` });
  element(figures, "span", { class: "label" }, kind.label);
  element(figures, "strong", {}, kind.now(values));
  const svg = element(figures, "svg", {
    viewBox: `0 0 ${values.length} ${HEIGHT}`,
    preserveAspectRatio: "none",
    role: "img",
    "aria-label": said,
  });
  element(svg, "path", { class: "base", d: `M0 ${HEIGHT - 0.5}H${values.length}` });
  element(svg, "path", { d: kind.shape(values, y) });
  element(figures, "span", { class: "most" }, kind.most(most));
}

let quiet = null; // the series of a service without a request

function nothing(slots) {
  const of = (value) => Array(slots).fill(value);
  quiet ??= { rates: of(0), errors: of(0), milliseconds: of(null) };
  return quiet;
}

export function draw(main, history) {
  if (!history.slots) {
    return;
  }
  for (const place of main.querySelectorAll("[data-plots]")) {
    const known = Object.hasOwn(history.services, place.dataset.plots);
    const series = known ? history.services[place.dataset.plots] : nothing(history.slots);
    if (place.drawn !== series) {
      place.drawn = series;
      place.textContent = "";
      KINDS.forEach((kind) => plot(place, kind, series));
    }
  }
}
