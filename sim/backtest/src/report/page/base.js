// Elements and numbers. Text from the data reaches the page as text nodes only.

const DATA = JSON.parse(document.getElementById("data").textContent);

function html(name, attributes, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes || {})) {
    if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else if (value !== null && value !== undefined && value !== false) node.setAttribute(key, value);
  }
  for (const child of children.flat(Infinity)) {
    if (child !== null && child !== undefined) node.append(child);
  }
  return node;
}

function section(title, about, ...children) {
  return html("section", {}, html("h2", {}, title),
    about ? html("p", { class: "about" }, about) : null, ...children);
}

// A colour of the style sheet as it is now, light or dark.
const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const colour = (at) => css(`--c${at % 8}`);
const swatch = (at) => {
  const square = html("span", { class: "swatch" });
  square.style.background = colour(at);
  return square;
};

const isNumber = (value) => value !== null && value !== undefined && Number.isFinite(value);

function fixed(value, digits, unit) {
  if (!isNumber(value)) return "n/a";
  const text = value.toLocaleString("en-US",
    { minimumFractionDigits: digits, maximumFractionDigits: digits });
  return unit ? `${text} ${unit}` : text;
}

// Four digits that count.
function plain(value) {
  if (!isNumber(value)) return "n/a";
  const size = Math.abs(value);
  const digits = size >= 1000 ? 0 : size >= 100 ? 1 : size >= 1 ? 3 : size === 0 ? 0 : 5;
  return value.toLocaleString("en-US", { maximumFractionDigits: digits });
}

const money = (value) => fixed(value, 2);
const cents = (value) => fixed(value / 100, 2);
const share = (value) => (isNumber(value) ? fixed(100 * value, 2, "%") : "n/a");
const count = (value) => fixed(value, 0);
const horizon = (ms) => (ms >= 1000 ? `${ms / 1000} s` : `${ms} ms`);
const milliseconds = (ms) => (ms >= 1000 ? `${plain(ms / 1000)} s` : `${plain(ms)} ms`);
