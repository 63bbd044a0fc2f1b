// Latency by percentile: x is log 1 / (1 - quantile), as in the HdrHistogram plots.

const CHOSEN_MAX = 8;

function distributionSection() {
  const names = metricNames(isLatency);
  if (names.length === 0) return null;
  const state = { chosen: firstChoice(names), log: true };
  const chart = html("div", { class: "chart" });
  const reading = html("div", { class: "reading", "aria-live": "polite" });
  const redraw = drawn(chart, (width) => distributionChart(state, width, reading));
  const scale = html("select", {
    "aria-label": "Scale of the latency axis",
    onchange: (event) => { state.log = event.target.value === "log"; redraw(); },
  }, html("option", { value: "log" }, "log latency"), html("option", { value: "linear" }, "linear"));
  const choices = html("div", { class: "choices" });
  const list = () => choices.replaceChildren(...choiceList(names, state, () => {
    list();
    redraw();
  }));
  const search = html("input", { type: "search", placeholder: "filter metrics",
    "aria-label": "Filter metrics",
    oninput: (event) => { state.filter = event.target.value.toLowerCase(); list(); } });
  const clear = html("button", { type: "button",
    onclick: () => { state.chosen = []; list(); redraw(); } }, "clear");
  list();
  const runs = DATA.runs.length < 2 ? null : html("span", {}, DATA.runs.map((run, at) =>
    html("span", {}, stroke(null, at), `${run.label}  `)));
  return section("distribution", "Latency by percentile",
    "How many of 1, 10, 100, … events are at most this slow. The curve's right end is the slowest "
    + "event of the run.",
    html("div", { class: "split" },
      html("div", { class: "panel" },
        html("div", { class: "controls" }, scale, runs), chart, reading),
      html("div", { class: "panel" },
        html("div", { class: "controls" }, search, clear), choices)));
}

// What is slower first, then the way from frame to order, then whatever comes first.
function firstChoice(names) {
  const worse = (DATA.comparison ? DATA.comparison.pairs : [])
    .flatMap((pair) => pair.changes)
    .filter((change) => change.verdict === "worse")
    .map((change) => change.name);
  const whole = names.filter((name) => name.endsWith("/frame_to_order"));
  const wanted = [...new Set([...worse, ...whole])].filter((name) => names.includes(name));
  const most = DATA.runs.length > 1 ? 2 : 4;
  return (wanted.length ? wanted : names).slice(0, most);
}

function choiceList(names, state, changed) {
  const groups = new Map();
  for (const name of names.filter((name) => name.toLowerCase().includes(state.filter || ""))) {
    const suite = suiteOf(name);
    if (!groups.has(suite)) groups.set(suite, []);
    groups.get(suite).push(name);
  }
  return [...groups].map(([suite, members]) => {
    const any = state.filter || members.some((name) => state.chosen.includes(name));
    return html("details", { open: any ? "" : false },
      html("summary", {}, `${suite} (${members.length})`),
      members.map((name) => choice(name, state, changed)));
  });
}

function choice(name, state, changed) {
  const at = state.chosen.indexOf(name);
  const box = html("input", { type: "checkbox", onchange: () => {
    if (at >= 0) state.chosen.splice(at, 1);
    else state.chosen = [...state.chosen, name].slice(-CHOSEN_MAX);
    changed();
  } });
  box.checked = at >= 0;
  const swatch = html("span", { class: "swatch",
    style: at >= 0 ? `background: ${colour(at)}` : null });
  return html("label", {}, box, swatch, behind(name));
}

// One curve for each chosen metric and run, in "events out of which one is slower".
function curves(state) {
  return state.chosen.flatMap((name, at) => withMetric(name).map((found) => ({
    name, at, dash: found.at, label: found.run.label, metric: found.metric,
    points: found.metric.distribution.map(([q, value]) =>
      [q < 1 ? 1 / (1 - q) : Math.max(found.metric.n, 1), value]),
  })));
}

function distributionChart(state, width, reading) {
  const shown = curves(state);
  reading.replaceChildren();
  const height = 430;
  const box = { left: 64, right: width - 34, top: 12, bottom: height - 46 };
  const values = shown.flatMap((curve) => curve.points.map((point) => point[1]));
  const most = Math.max(10, ...shown.map((curve) => curve.metric.n));
  const top = Math.max(...values, 1) * (state.log ? 1.3 : 1.05);
  const least = Math.min(...values.filter((value) => value > 0), top);
  const bottom = state.log ? Math.max(least * 0.8, top / 1e8) : 0;
  const x = logarithmic(1, most, box.left, box.right);
  const y = (state.log ? logarithmic : linear)(bottom, top, box.bottom, box.top);
  const root = svg("svg", { width, height, role: "img",
    "aria-label": `Latency by percentile of ${state.chosen.join(", ") || "nothing"}` });
  for (const value of state.log ? logTicks(bottom, top) : ticks(0, top, 7)) {
    root.append(line(box.left, y(value), box.right, y(value), "grid"),
      text(box.left - 8, y(value) + 4, "end", time(value)));
  }
  for (let out = 1; out <= most * 1.0001; out *= 10) {
    root.append(line(x(out), box.top, x(out), box.bottom, "grid"),
      text(x(out), box.bottom + 18, "middle", percentile(out)));
  }
  root.append(line(x(2), box.top, x(2), box.bottom, "grid"),
    text(x(2), box.bottom + 18, "middle", "50 %"),
    text((box.left + box.right) / 2, height - 6, "middle", "percentile (log 1 / (1 − quantile))"),
    line(box.left, box.bottom, box.right, box.bottom, "axis"));
  if (shown.length === 0) {
    root.append(text((box.left + box.right) / 2, height / 2, "middle", "choose a metric"));
    return root;
  }
  for (const curve of shown) {
    root.append(svg("path", { class: "curve", stroke: colour(curve.at),
      "stroke-dasharray": DASHES[curve.dash % DASHES.length],
      d: path(curve.points.map(([out, value]) => [x(out), y(value)])) },
      svg("title", {}, `${curve.name} ${curve.label}`)));
  }
  const cursor = line(0, box.top, 0, box.bottom, "cursor");
  root.append(cursor);
  const read = (out) => {
    cursor.setAttribute("x1", x(out));
    cursor.setAttribute("x2", x(out));
    reading.replaceChildren(html("b", {}, percentile(out)), ...shown.map((curve) =>
      html("span", {}, stroke(curve.at, curve.dash), behind(curve.name),
        html("b", {}, valueAt(curve.points, out)))));
  };
  root.addEventListener("pointermove", (event) => {
    const at = event.clientX - root.getBoundingClientRect().left;
    const share = Math.min(Math.max((at - box.left) / (box.right - box.left), 0), 1);
    read(most ** share);
  });
  read(Math.min(100, most));
  return root;
}

// 99.99 % for 10,000: as many digits as tell it from its neighbours.
function percentile(out) {
  if (out <= 1) return "0 %";
  const digits = Math.max(0, Math.ceil(Math.log10(out) - 1e-9) - 2);
  return `${(100 * (1 - 1 / out)).toFixed(digits)} %`;
}

function valueAt(points, out) {
  const next = points.findIndex((point) => point[0] >= out * 0.9999);
  return next < 0 ? "–" : time(points[next][1]);
}
