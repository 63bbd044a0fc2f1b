// The charts, on uPlot. It draws axes, grids, lines and the cursor; what it has no series for (own
// orders, fills, the cells of the heat map) is drawn in its hooks, at the places it computes.

import uPlot from "./uPlot.esm.js";
import { count, dollars, duration, price, time } from "./format.js";
import { COLUMN_S, ROWS_PER_OCTAVE } from "./past.js";

const FONT = "11px system-ui, sans-serif";

/** A colour of the style sheet, so that light and dark stand in one place. */
const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

const clock = (seconds) => time(seconds * 1e9).slice(0, 8);

function axis(options) {
  return {
    font: FONT,
    stroke: () => colour("--dim"),
    grid: { stroke: () => colour("--grid"), width: 1 },
    ticks: { show: false },
    gap: 4,
    ...options,
  };
}

const timeAxis = () => axis({ size: 24, space: 80, values: (_u, at) => at.map(clock) });

/** Round numbers of 1/10,000 dollar: steps of a hundredth of a cent make no sense below it. */
const priceAxis = (options = {}) =>
  axis({ size: 62, space: 28, values: (_u, at) => at.map(price), incrs: STEPS, ...options });

/** 1, 2 and 5 times the powers of ten. */
const STEPS = Array.from({ length: 16 }, (_none, power) => [1, 2, 5].map((n) => n * 10 ** power));
STEPS.splice(0, STEPS.length, ...STEPS.flat());

/** A range that is never empty: a flat line stands in the middle. */
function around(least) {
  return (_u, low, high) => {
    if (low === null || high === null) return [0, least];
    const margin = Math.max((high - low) * 0.08, least);
    return [low - margin, high + margin];
  };
}

/** Marks at the powers of ten alone. */
const decades = () =>
  axis({
    size: 62,
    splits: (_u, _axis, low, high) => DECADES.filter((ns) => low <= ns && ns <= high),
    values: (_u, at) => at.map(duration),
  });

const DECADES = Array.from({ length: 13 }, (_none, power) => 10 ** power);

const seconds = { time: false };

function line(name, options = {}) {
  return { stroke: () => colour(name), width: 1.25, points: { show: false }, spanGaps: false, ...options };
}

const stepped = uPlot.paths.stepped({ align: 1 });

/** A chart in its element, as wide as that is, named for those who cannot see it. */
function chart(element, label, options, data) {
  const size = () => ({ width: element.clientWidth, height: element.clientHeight });
  const plot = new uPlot(
    {
      ...size(),
      legend: { show: false },
      padding: [6, 8, 0, 0],
      cursor: { drag: { x: false, y: false }, points: { size: 5 } },
      ...options,
    },
    data,
    element,
  );
  element.setAttribute("role", "img");
  element.setAttribute("aria-label", label);
  new ResizeObserver(() => plot.setSize(size())).observe(element);
  return plot;
}

/** Clips to the plotting area, and undoes whatever `draw` did to the context. */
function inside(plot, draw) {
  const { ctx, bbox } = plot;
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  draw(ctx, bbox, devicePixelRatio || 1);
  ctx.restore();
}

/** Bid, ask and last trade, own orders as lines and fills as triangles. */
export class PriceChart {
  constructor(element) {
    this.orders = [];
    this.fills = [];
    // Own orders far from the market would squeeze it flat: only lines of the market set the range.
    this.plot = chart(
      element,
      "Price over time with own orders and fills",
      {
        scales: { x: seconds, y: { range: around(200) } },
        axes: [timeAxis(), priceAxis()],
        series: [
          {},
          line("--buy", { paths: stepped }),
          line("--sell", { paths: stepped }),
          line("--last", { paths: stepped, width: 1 }),
        ],
        hooks: { draw: [(plot) => inside(plot, (...where) => this.#marks(plot, ...where))] },
      },
      [[], [], [], []],
    );
  }

  update(data, orders, fills) {
    this.orders = orders;
    this.fills = fills;
    this.plot.setData(data.slice(0, 4));
  }

  #marks(plot, ctx, bbox, scale) {
    const x = (ns) => plot.valToPos(ns / 1e9, "x", true);
    const y = (e4) => plot.valToPos(e4, "y", true);
    ctx.lineWidth = 2 * scale;
    for (const order of this.orders) {
      ctx.strokeStyle = colour(order.side === "buy" ? "--buy" : "--sell");
      ctx.setLineDash(order.side === "buy" ? [] : [5 * scale, 3 * scale]);
      ctx.globalAlpha = 0.6;
      ctx.beginPath();
      ctx.moveTo(order.sent_ns ? Math.max(x(order.sent_ns), bbox.left) : bbox.left, y(order.price_e4));
      ctx.lineTo(bbox.left + bbox.width, y(order.price_e4));
      ctx.stroke();
    }
    ctx.setLineDash([]);
    ctx.globalAlpha = 1;
    ctx.lineWidth = scale;
    ctx.strokeStyle = colour("--panel");
    for (const fill of this.fills) {
      const up = fill.side === "buy" ? 1 : -1;
      const [left, top, size] = [x(fill.time_ns), y(fill.price_e4), 5 * scale];
      ctx.fillStyle = colour(up > 0 ? "--buy" : "--sell");
      ctx.beginPath();
      ctx.moveTo(left, top - up * size);
      ctx.lineTo(left - size, top + up * size);
      ctx.lineTo(left + size, top + up * size);
      ctx.closePath();
      ctx.fill();
      ctx.stroke();
    }
  }
}

/** Profit of the account, and shares held of the chosen instrument. */
export class ProfitChart {
  constructor(element) {
    this.plot = chart(
      element,
      "Profit of the account and position over time",
      {
        scales: { x: seconds, y: { range: around(10_000) }, shares: { range: around(1) } },
        axes: [
          timeAxis(),
          priceAxis({ values: (_u, at) => at.map(dollars) }),
          axis({
            scale: "shares", side: 1, size: 50, space: 28, incrs: STEPS,
            grid: { show: false }, values: (_u, at) => at.map(count),
          }),
        ],
        series: [
          {},
          line("--pnl", { width: 1.75 }),
          line("--realised", { dash: [5, 3] }),
          line("--last", { scale: "shares", paths: stepped, width: 1 }),
        ],
      },
      [[], [], [], []],
    );
  }

  update([times, pnl, realised], [own, , , , positions]) {
    // An instrument may be known for a shorter time than the account.
    const missing = Array(Math.max(times.length - own.length, 0)).fill(null);
    this.plot.setData([times, pnl, realised, [...missing, ...positions].slice(-times.length)]);
  }
}

/** Shares that wait at each price or a better one. */
export class DepthChart {
  constructor(element) {
    const side = (name, align) =>
      line(name, {
        paths: uPlot.paths.stepped({ align }),
        fill: () => `color-mix(in srgb, ${colour(name)} 18%, transparent)`,
      });
    this.plot = chart(
      element,
      "Shares in the book by price, summed from the best on",
      {
        scales: { x: seconds, y: { range: (_u, _low, high) => [0, (high || 1) * 1.05] } },
        axes: [
          priceAxis({ size: 24, space: 60 }),
          axis({ size: 50, space: 28, incrs: STEPS, values: (_u, at) => at.map(count) }),
        ],
        series: [{}, side("--buy", -1), side("--sell", 1)],
      },
      [[], [], []],
    );
  }

  update(book) {
    const sum = (levels) => {
      let total = 0;
      return levels.map(({ price_e4, qty }) => [price_e4, (total += qty)]);
    };
    const bids = sum(book?.bids ?? []).reverse();
    const asks = sum(book?.asks ?? []);
    const none = (levels) => levels.map(() => null);
    const shares = (levels) => levels.map(([, total]) => total);
    this.plot.setData([
      [...bids, ...asks].map(([at]) => at),
      [...shares(bids), ...none(asks)],
      [...none(bids), ...shares(asks)],
    ]);
  }
}

/** How many ticks took how long, in columns of five seconds. */
export class HeatMap {
  constructor(element) {
    this.cells = new Map();
    this.plot = chart(
      element,
      "Latency over time: how many ticks took how long",
      {
        scales: {
          x: { time: false, range: (_u, low, high) => [low ?? 0, Math.max(high ?? 0, (low ?? 0) + 60)] },
          y: { distr: 3, range: () => this.#span() },
        },
        axes: [timeAxis(), decades()],
        series: [{}, { paths: () => null, points: { show: false } }],
        // Below the grid, which stays readable over it.
        hooks: { drawClear: [(plot) => inside(plot, (ctx) => this.#paint(plot, ctx))] },
      },
      [[], []],
    );
  }

  update(cells) {
    this.cells = cells ?? new Map();
    const columns = [...this.cells.keys()];
    if (columns.length) columns.push(columns.at(-1) + COLUMN_S);
    this.plot.setData([columns, columns.map(() => null)]);
  }

  #span() {
    const rows = [...this.cells.values()].flatMap((column) => [...column.keys()]);
    if (rows.length === 0) return [10, 1e6];
    const low = rows.reduce((a, b) => Math.min(a, b));
    const high = rows.reduce((a, b) => Math.max(a, b));
    return [2 ** ((low - 1) / ROWS_PER_OCTAVE), 2 ** ((high + 2) / ROWS_PER_OCTAVE)];
  }

  #paint(plot, ctx) {
    let most = 1;
    for (const column of this.cells.values()) for (const n of column.values()) most = Math.max(most, n);
    const [few, many] = [colour("--few"), colour("--many")];
    for (const [at, column] of this.cells) {
      const left = Math.floor(plot.valToPos(at, "x", true));
      const right = Math.ceil(plot.valToPos(at + COLUMN_S, "x", true));
      for (const [row, n] of column) {
        const bottom = plot.valToPos(2 ** (row / ROWS_PER_OCTAVE), "y", true);
        const top = plot.valToPos(2 ** ((row + 1) / ROWS_PER_OCTAVE), "y", true);
        // By orders of magnitude, or the few slow ones, which matter most, could not be seen.
        const share = Math.round((100 * Math.log1p(n)) / Math.log1p(most));
        ctx.fillStyle = `color-mix(in oklab, ${many} ${share}%, ${few})`;
        ctx.fillRect(left, Math.floor(top), right - left, Math.ceil(bottom) - Math.floor(top));
      }
    }
  }
}
