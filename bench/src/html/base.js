// Elements, numbers and scales. Text from the data reaches the page as text nodes only.

const DATA = JSON.parse(document.getElementById("data").textContent);
const SVG = document.getElementById("svg").namespaceURI;
const COLOURS = 8;
const DASHES = ["", "6 4", "2 3", "10 3 2 3"];

function fill(node, attributes, children) {
  for (const [key, value] of Object.entries(attributes || {})) {
    if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else if (value !== null && value !== undefined && value !== false) node.setAttribute(key, value);
  }
  for (const child of [children].flat(Infinity)) {
    if (child !== null && child !== undefined) node.append(child);
  }
  return node;
}

function html(name, attributes, ...children) {
  return fill(document.createElement(name), attributes, children);
}

function svg(name, attributes, ...children) {
  return fill(document.createElementNS(SVG, name), attributes, children);
}

function section(id, title, about, ...children) {
  return html("section", { id }, html("h2", {}, title),
    about ? html("p", { class: "about" }, about) : null, ...children);
}

const colour = (at) => `var(--c${at % COLOURS})`;

// Four digits that count, with separators.
function number(value) {
  if (value === null || value === undefined || !Number.isFinite(value)) return "–";
  const size = Math.abs(value);
  const digits = size >= 1000 ? 0 : size >= 100 ? 1 : size >= 10 ? 2 : 3;
  return value.toLocaleString("en-US", { maximumFractionDigits: digits });
}

// Nanoseconds in the unit that keeps the number short.
function time(ns) {
  if (ns === null || ns === undefined || !Number.isFinite(ns)) return "–";
  for (const [unit, size] of [["s", 1e9], ["ms", 1e6], ["µs", 1e3]]) {
    if (Math.abs(ns) >= size) return `${number(ns / size)} ${unit}`;
  }
  return `${number(ns)} ns`;
}

// Nanoseconds of a column: the bare number below a millisecond.
const nanoseconds = (ns) => (Math.abs(ns) >= 1e6 ? time(ns) : number(ns));

// A number with its unit; large counts by thousands.
function quantity(value, unit) {
  if (unit === "ns") return time(value);
  if (value !== null && Number.isFinite(value)) {
    if (unit === "bytes") return `${number(value / 1e6)} MB`;
    for (const [sign, size] of [["G", 1e9], ["M", 1e6], ["k", 1e4]]) {
      const by = sign === "k" ? 1e3 : size;
      if (Math.abs(value) >= size) return `${number(value / by)} ${sign} ${unit}`;
    }
  }
  return `${number(value)} ${unit}`;
}

const percent = (value) =>
  value === null ? "–" : `${value > 0 ? "+" : ""}${value.toFixed(1)} %`;

function linear(from, to, low, high) {
  const span = to - from || 1;
  return (value) => low + ((value - from) / span) * (high - low);
}

function logarithmic(from, to, low, high) {
  const scale = linear(Math.log10(from), Math.log10(to), low, high);
  return (value) => scale(Math.log10(Math.max(value, from)));
}

// Round numbers for an axis from zero or below to `to`.
function ticks(from, to, about) {
  const rough = (to - from) / about || 1;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((by) => by * power).find((size) => size >= rough);
  const found = [];
  for (let at = Math.ceil(from / step); at * step <= to * (1 + 1e-9); at += 1) found.push(at * step);
  return found;
}

// 1, 2 and 5 times powers of ten, thinned out over many decades.
function logTicks(from, to) {
  const decades = Math.log10(to / from);
  const marks = decades > 4 ? [1] : decades > 2 ? [1, 3] : [1, 2, 5];
  const found = [];
  for (let power = Math.floor(Math.log10(from)); power <= Math.log10(to); power += 1) {
    for (const mark of marks) {
      const value = mark * 10 ** power;
      if (value >= from * 0.999 && value <= to * 1.001) found.push(value);
    }
  }
  return found;
}

function text(x, y, anchor, label, more) {
  return svg("text", { x, y, "text-anchor": anchor, ...more }, label);
}

function line(x1, y1, x2, y2, kind) {
  return svg("line", { x1, y1, x2, y2, class: kind });
}

// Moves and lines through pixels, to a tenth.
const path = (points) =>
  points.map(([x, y], at) => `${at ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}`).join("");

// Draws now and whenever the width changes.
function drawn(holder, draw) {
  const redraw = () => {
    const width = Math.max(holder.clientWidth, 320);
    holder.replaceChildren(...[draw(width)].flat());
  };
  new ResizeObserver(redraw).observe(holder);
  return redraw;
}

// Runs with a metric as { run, at, metric }.
function withMetric(name) {
  return DATA.runs
    .map((run, at) => ({ run, at, metric: run.report.metrics[name] }))
    .filter((found) => found.metric !== undefined);
}

const isLatency = (metric) => metric.distribution !== undefined;

// Names of metrics over all runs, in order, that pass.
function metricNames(passes) {
  const names = new Set();
  for (const run of DATA.runs) {
    for (const [name, metric] of Object.entries(run.report.metrics)) {
      if (passes(metric, name)) names.add(name);
    }
  }
  return [...names];
}

// The name behind the last `depth` slashes.
const suiteOf = (name) => name.split("/")[0];
const behind = (name) => name.slice(name.indexOf("/") + 1);

// A stroke as it looks in a chart.
function stroke(at, dash) {
  return svg("svg", { class: "key", width: 26, height: 8, "aria-hidden": "true" },
    svg("line", { x1: 0, y1: 4, x2: 26, y2: 4, stroke: at === null ? "currentColor" : colour(at),
      "stroke-width": 2, "stroke-dasharray": DASHES[dash % DASHES.length] }));
}
