// Latency over time, and below it on the same time what drives it.

function seriesSection() {
  const groups = new Map();
  DATA.runs.forEach((run, at) => run.report.series.forEach((series) => {
    const group = series.name.slice(0, Math.max(series.name.lastIndexOf("/"), 0));
    const key = DATA.runs.length > 1 ? `${run.label}: ${group}` : group;
    if (!groups.has(key)) groups.set(key, []);
    if (series.points.length) groups.get(key).push({ ...series, at });
  }));
  const keys = [...groups.keys()].filter((key) => groups.get(key).length);
  if (keys.length === 0) return null;
  // A burst shows most of what a changing rate does.
  const state = { key: keys.find((key) => key.includes("/burst/")) || keys[0], log: true };
  const chart = html("div", { class: "chart" });
  const redraw = drawn(chart, (width) => seriesCharts(state, groups.get(state.key), width));
  const pick = html("select", { "aria-label": "Run",
    onchange: (event) => { state.key = event.target.value; redraw(); } },
    keys.map((key) => html("option", { value: key, selected: key === state.key ? "" : false }, key)));
  const scale = html("select", { "aria-label": "Scale of the latency axis",
    onchange: (event) => { state.log = event.target.value === "log"; redraw(); } },
    html("option", { value: "log" }, "log latency"), html("option", { value: "linear" }, "linear"));
  return section("time", "Latency and market rate over time",
    "Open loop: latency counts from the time at which a frame was due, so a host that falls behind "
    + "shows it as latency, not as a lower rate.",
    html("div", { class: "panel" }, html("div", { class: "controls" }, pick, scale), chart));
}

function seriesCharts(state, members, width) {
  const latencies = members.filter((series) => series.unit === "ns");
  const others = members.filter((series) => series.unit !== "ns");
  const times = members.flatMap((series) => series.points.map((point) => point[0]));
  const span = [Math.min(...times), Math.max(...times)];
  const units = [...new Set(others.map((series) => series.unit))];
  const panels = latencies.length ? [{ members: latencies, unit: "ns", height: 300 }] : [];
  for (const unit of units) {
    panels.push({ members: others.filter((series) => series.unit === unit), unit, height: 170 });
  }
  let first = 0;
  return panels.flatMap((panel, at) => {
    const last = at === panels.length - 1;
    const log = state.log && panel.unit === "ns";
    const drawing = seriesPanel(panel, span, width, log, last, first);
    const legend = html("div", { class: "reading" }, panel.members.map((series, member) =>
      html("span", {}, stroke(first + member, 0),
        `${series.name.split("/").pop().replaceAll("_", " ")}, ${series.unit}`)));
    first += panel.members.length;
    return [legend, drawing];
  });
}

function seriesPanel(panel, span, width, log, last, first) {
  const height = panel.height + (last ? 40 : 12);
  const box = { left: 110, right: width - 18, top: 8, bottom: panel.height };
  const values = panel.members.flatMap((series) => series.points.map((point) => point[1]));
  const top = Math.max(...values, 1e-9) * (log ? 1.3 : 1.05);
  const least = Math.min(...values.filter((value) => value > 0), top);
  const bottom = log ? Math.max(least * 0.8, top / 1e8) : 0;
  const x = linear(span[0], span[1], box.left, box.right);
  const y = (log ? logarithmic : linear)(bottom, top, box.bottom, box.top);
  const root = svg("svg", { width, height, role: "img",
    "aria-label": `${panel.members.map((series) => series.name).join(", ")} over time` });
  for (const value of log ? logTicks(bottom, top) : ticks(0, top, panel.height / 45)) {
    root.append(line(box.left, y(value), box.right, y(value), "grid"),
      text(box.left - 8, y(value) + 4, "end", quantity(value, panel.unit)));
  }
  for (const value of ticks(span[0], span[1], 10)) {
    root.append(line(x(value), box.top, x(value), box.bottom, "grid"));
    if (last) root.append(text(x(value), box.bottom + 18, "middle", number(value)));
  }
  if (last) {
    root.append(text((box.left + box.right) / 2, box.bottom + 36, "middle", "seconds of the run"));
  }
  panel.members.forEach((series, member) => {
    const points = series.points.map(([at, value]) => [x(at), y(value)]);
    if (panel.unit !== "ns") {
      const ends = [[points[points.length - 1][0], box.bottom], [points[0][0], box.bottom]];
      root.append(svg("path", { d: `${path([...points, ...ends])}Z`, fill: colour(first + member),
        "fill-opacity": 0.15 }));
    }
    root.append(svg("path", { class: "curve", stroke: colour(first + member), d: path(points) }));
  });
  root.append(line(box.left, box.bottom, box.right, box.bottom, "axis"));
  return root;
}
