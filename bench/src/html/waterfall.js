// Where the time between frame and order goes: each stage after the one before it.

const STAGE = /^(.*)\/stage\/([^/]+)$/;

function waterfallSection() {
  const ways = new Map();
  for (const name of metricNames((metric, name) => isLatency(metric) && STAGE.test(name))) {
    const [, way, stage] = name.match(STAGE);
    if (!ways.has(way)) ways.set(way, []);
    ways.get(way).push({ stage, name });
  }
  if (ways.size === 0) return null;
  const state = { way: [...ways.keys()][0], of: "p50" };
  const chart = html("div", { class: "chart" });
  const redraw = drawn(chart, (width) => waterfallChart(state.way, ways.get(state.way), state.of, width));
  const pick = (label, key, options) => html("select", { "aria-label": label,
    onchange: (event) => { state[key] = event.target.value; redraw(); } },
    options.map((value) => html("option", { value }, value)));
  return section("stages", "Stages",
    "Time of each stage, one after the other. The stamps between stages are in the bars, and keep "
    + "the processor from working across stages: the last bar is the way without them. Of skewed "
    + "stages only means add up; medians add up to less than the median of the whole.",
    html("div", { class: "panel" },
      html("div", { class: "controls" }, pick("Way", "way", [...ways.keys()]),
        pick("Percentile", "of", ["p50", "mean", "p90", "p99", "p999"])), chart));
}

// One bar for each stage and run: { label, run, start, length, whole }.
function bars(way, stages, of) {
  const rows = [];
  const starts = DATA.runs.map(() => 0);
  for (const { stage, name } of stages) {
    for (const { at, metric } of withMetric(name)) {
      rows.push({ label: stage, at, start: starts[at], length: metric[of], metric });
      starts[at] += metric[of];
    }
  }
  DATA.runs.forEach((_, at) => {
    if (starts[at] > 0) {
      rows.push({ label: `sum of the ${of.replace("p999", "p99.9")}`, at, start: 0,
        length: starts[at], sum: true });
    }
  });
  for (const [name, label] of [["stamped_total", "all stages, stamped"],
    ["frame_to_order", "frame to order, unstamped"]]) {
    for (const { at, metric } of withMetric(`${way}/${name}`)) {
      rows.push({ label, at, start: 0, length: metric[of], metric, sum: true });
    }
  }
  return rows;
}

function waterfallChart(way, stages, of, width) {
  const rows = bars(way, stages, of);
  const step = 26;
  const height = rows.length * step + 44;
  const box = { left: 230, right: width - 210, top: 22, bottom: height - 24 };
  const most = Math.max(...rows.map((row) => row.start + row.length), 1);
  const x = linear(0, most * 1.02, box.left, box.right);
  const root = svg("svg", { width, height, role: "img", "aria-label": `Stages of ${way}` });
  for (const value of ticks(0, most, 8)) {
    root.append(line(x(value), box.top, x(value), box.bottom, "grid"),
      text(x(value), height - 6, "middle", time(value)));
  }
  root.append(text(box.right + 84, 14, "end", of.replace("p999", "p99.9")),
    text(box.right + 190, 14, "end", of === "p99" ? "p50" : "p99"));
  let last = null;
  rows.forEach((row, at) => {
    const y = box.top + at * step;
    const name = DATA.runs.length > 1 ? `${row.label === last ? "" : row.label}` : row.label;
    last = row.label;
    root.append(text(box.left - 10, y + 17, "end", name, { class: row.sum ? "title" : "strong" }),
      svg("rect", { x: x(row.start), y: y + 4, height: step - 8, rx: 2,
        width: Math.max(x(row.start + row.length) - x(row.start), 1), fill: colour(row.at),
        "fill-opacity": row.sum ? 0.45 : 0.9 },
        svg("title", {}, `${row.label}: ${time(row.length)} (${DATA.runs[row.at].label})`)),
      text(box.right + 84, y + 17, "end", time(row.length), { class: "strong" }));
    if (row.metric) {
      const other = of === "p99" ? row.metric.p50 : row.metric.p99;
      root.append(text(box.right + 190, y + 17, "end", time(other)));
    }
  });
  root.append(line(box.left, box.top, box.left, box.bottom, "axis"));
  if (DATA.runs.length < 2) return root;
  return [html("div", { class: "reading" }, DATA.runs.map((run, at) => html("span", {},
    html("span", { class: "swatch", style: `background: ${colour(at)}` }), run.label))), root];
}
