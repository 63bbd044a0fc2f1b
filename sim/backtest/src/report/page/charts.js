// Plots by uPlot, each as { options, data }; `plot` puts one on the page and keeps its width.

const HEIGHT = 240;
const UTC = (seconds) => uPlot.tzDate(new Date(seconds * 1e3), "UTC");

// Cursors of plots over time move together, and a zoom in one is a zoom in all.
const TIME = "time";
const drawnPlots = [];

function axis(label, more) {
  return { stroke: () => css("--soft"), grid: { stroke: () => css("--line"), width: 1 },
    ticks: { stroke: () => css("--line"), width: 1 }, label, labelSize: label ? 22 : 0,
    labelFont: "12px sans-serif", font: "12px sans-serif", ...more };
}

const valueAxis = (label) => axis(label, { size: 84,
  values: (_, ticks) => ticks.map((tick) => tick.toLocaleString("en-US",
    { maximumFractionDigits: 6 })) });

// Exchange time of the day, as fine as the ticks are.
function clockText(ticks) {
  const step = ticks.length > 1 ? ticks[1] - ticks[0] : 60;
  const from = step < 1 ? 23 : step < 60 ? 19 : 16;
  return ticks.map((tick) => new Date(tick * 1e3).toISOString().slice(11, from));
}

// Exchange time, or seconds where days stand one after the other.
const timeAxis = (clock) => axis(clock ? null : "seconds of the data, files one after the other",
  { values: (_, ticks) => (clock ? clockText(ticks)
    : ticks.map((tick) => tick.toLocaleString("en-US"))) });

function timePlot(series, data, label, clock, more) {
  return { data, time: true, options: { height: HEIGHT, tzDate: UTC, cursor: { sync: { key: TIME },
    points: { size: 6 } }, scales: { x: { time: clock } },
    axes: [timeAxis(clock), valueAxis(label)],
    series: [{ label: "time", value: clock ? "{HH}:{mm}:{ss}" : (_, at) => (at === null ? "–" : plain(at)) },
      ...series], ...more } };
}

function line(label, at, format, more) {
  return { label, stroke: () => colour(at), width: 1.5, points: { show: false }, spanGaps: true,
    value: (_, value) => format(value), ...more };
}

// One curve of each run over a common time.
function curvePlot(runs, of, label, clock, more) {
  const tables = runs.map((run) => [run.plots.account.seconds, of(run)]);
  return timePlot(runs.map((run, at) => line(run.strategy, run.at, money, more ? more(at) : {})),
    uPlot.join(tables), label, clock);
}

// Every fill at its price over the mid price.
function fillPlot(instrument, at, clock) {
  const seconds = (fills) => fills.map((fill) => fill[0]);
  const prices = (fills) => fills.map((fill) => fill[1]);
  const kinds = [["bought", "--good", true], ["sold", "--bad", false]].map(([label, name, buys]) => ({
    label, name, fills: instrument.fills.filter((fill) => (fill[2] > 0) === buys) }));
  const tables = [[instrument.seconds, instrument.mid],
    ...kinds.map((kind) => [seconds(kind.fills), prices(kind.fills)])];
  const marks = kinds.map((kind) => ({ label: kind.label, stroke: () => css(kind.name),
    paths: () => null, points: { show: true, size: 6, fill: () => css(kind.name), width: 0 },
    value: (_, value) => plain(value) }));
  return timePlot([line("mid price", at, (value) => fixed(value, 4),
    { paths: uPlot.paths.stepped({ align: 1 }), stroke: () => css("--soft"), width: 1 }), ...marks],
  uPlot.join(tables), "price", clock, { height: 340 });
}

function positionPlot(instruments, runs, clock) {
  const tables = instruments.map((one) => [one.position.map((step) => step[0]),
    one.position.map((step) => step[1])]);
  const series = instruments.map((one, at) => line(runs[at].strategy, runs[at].at, plain,
    { paths: uPlot.paths.stepped({ align: 1 }) }));
  return timePlot(series, uPlot.join(tables), instruments[0].symbol, clock);
}

// Mean markout with one standard error to each side, by horizon.
function markoutPlot(runs) {
  const x = runs[0].metrics.markouts.map((one) => one.horizon_ms);
  const data = [x];
  const series = [{ label: "after", value: (_, ms) => (ms === null ? "–" : horizon(ms)) }];
  const bands = [];
  runs.forEach((run) => {
    const of = (value) => run.metrics.markouts.map(value);
    const edge = (sign) => of((one) => (one.bps === null || one.error_bps === null ? null
      : one.bps + sign * one.error_bps));
    const hidden = { class: "edge", stroke: "transparent", width: 0, points: { show: false },
      spanGaps: true };
    data.push(edge(1), edge(-1), of((one) => one.bps));
    const first = series.length;
    series.push({ ...hidden, label: "+ error" }, { ...hidden, label: "− error" },
      line(run.strategy, run.at, (value) => fixed(value, 3, "bps"),
        { width: 2, points: { show: true, size: 6 } }));
    bands.push({ series: [first, first + 1],
      fill: () => `color-mix(in srgb, ${colour(run.at)} 16%, transparent)` });
  });
  return { data, options: { height: HEIGHT + 40, bands,
    scales: { x: { time: false, distr: 3, log: 10 } },
    axes: [axis("time after the fill", { values: (_, ticks) => ticks.map((tick) =>
      ([1, 2, 5].includes(tick / 10 ** Math.floor(Math.log10(tick))) ? horizon(tick) : "")),
      filter: (_, splits) => splits }), valueAxis("1/100 % of the price")], series } };
}

// How many fills waited how long.
function waitPlot(runs) {
  const from = runs[0].plots.waits.from_ms;
  const used = from.map((_, bin) => runs.some((run) => run.plots.waits.fills[bin] > 0));
  const low = Math.max(used.indexOf(true) - 1, 0);
  const high = Math.min(used.lastIndexOf(true) + 2, from.length);
  if (!used.includes(true)) return null;
  const bins = from.slice(low, high);
  const bars = runs.length === 1;
  const series = runs.map((run) => line(run.strategy, run.at, count, bars
    ? { paths: uPlot.paths.bars({ size: [0.94, Infinity] }), fill: () => colour(run.at), width: 0 }
    : { paths: uPlot.paths.stepped({ align: 1 }), width: 2 }));
  const data = [bins.map((_, bin) => bin), ...runs.map((run) => run.plots.waits.fills.slice(low, high))];
  return { data, options: { height: HEIGHT + 40, scales: { x: { time: false, range: (_, a, b) =>
    [a - 0.5, b + 0.5] }, y: { range: (_, a, b) => [0, Math.max(b * 1.05, 1)] } },
  axes: [axis("from going to the book to the fill, each bin's lower end", {
    splits: () => bins.map((_, bin) => bin).filter((bin) => (bin + low) % 4 === 0),
    values: (_, ticks) => ticks.map((bin) => milliseconds(bins[bin])) }), valueAxis("fills")],
  series: [{ label: "from", value: (_, bin) => (bin === null ? "–" : milliseconds(bins[bin])) },
    ...series] } };
}

// What the profit is made of: each bar begins where the one before ended.
function waterfallPlot(run) {
  const parts = run.metrics.attribution_cents;
  const names = ["spread", "impact", "adverse\nselection", "inventory", "fees"];
  const keys = ["spread", "impact", "adverse_selection", "inventory", "fees"];
  const from = [], to = [];
  let sum = 0;
  for (const key of keys) {
    from.push(sum / 100);
    sum += parts[key];
    to.push(sum / 100);
  }
  from.push(0);
  to.push(parts.net / 100);
  names.push("net");
  const sizes = [...keys.map((key) => parts[key] / 100), parts.net / 100];
  const facet = (values) => ({ unit: 1, values: () => values });
  const fills = () => sizes.map((size, at) => css(at === keys.length ? "--c0"
    : size < 0 ? "--bad" : "--good"));
  const bars = uPlot.paths.bars({ size: [0.7, 120],
    disp: { y0: facet(from), y1: facet(to), fill: { unit: 3, values: fills } } });
  const all = [...from, ...to, 0];
  const [low, high] = [Math.min(...all), Math.max(...all)];
  const room = (high - low || 1) * 0.12;
  return { data: [names.map((_, at) => at), to], options: { height: HEIGHT + 40,
    legend: { show: false }, cursor: { show: false },
    scales: { x: { time: false, range: [-0.6, names.length - 0.4] },
      y: { range: [low - room, high + room] } },
    axes: [axis(null, { splits: () => names.map((_, at) => at), values: () => names, size: 44,
      grid: { show: false } }), valueAxis("dollars")],
    series: [{}, { label: "net profit", paths: bars, width: 0, points: { show: false } }],
    hooks: { draw: [(u) => {
      const { ctx } = u;
      ctx.save();
      ctx.fillStyle = css("--ink");
      ctx.font = `${12 * devicePixelRatio}px sans-serif`;
      ctx.textAlign = "center";
      sizes.forEach((size, at) => ctx.fillText(money(size), u.valToPos(at, "x", true),
        u.valToPos(Math.max(from[at], to[at]), "y", true) - 6 * devicePixelRatio));
      ctx.restore();
    }] } } };
}

function plot(made, title) {
  const holder = html("div", {});
  const panel = html("div", { class: "panel" }, title ? html("h3", {}, title) : null, holder);
  drawnPlots.push({ ...made, holder });
  return panel;
}

// Draws what is on the page now; needed once it has a width, and again with other colours.
function draw() {
  for (const made of drawnPlots) {
    if (made.drawn) made.drawn.destroy();
    const width = Math.max(made.holder.clientWidth, 280);
    made.drawn = new uPlot({ ...made.options, width }, made.data, made.holder);
  }
}

addEventListener("resize", () => {
  for (const made of drawnPlots) {
    made.drawn.setSize({ width: Math.max(made.holder.clientWidth, 280), height: made.options.height });
  }
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => show());
