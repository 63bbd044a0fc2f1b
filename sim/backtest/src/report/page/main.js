// The page from its parts.

const ALL = "all";
const strategies = [...new Set(DATA.runs.map((run) => run.strategy))];
const datas = [...new Set(DATA.runs.map((run) => run.data))];
const state = { data: datas.includes(ALL) ? ALL : datas[0], strategy: strategies[0], symbol: null };

const ROWS = [
  ["profit"],
  ["net, dollars", (m) => m.attribution_cents.net / 100, money],
  ["net / volume, 1/100 %", (m) => m.net_bps, (v) => fixed(v, 3)],
  ["Sharpe ratio, a year", (m) => m.sharpe, plain],
  ["Sharpe ratio, an interval", (m) => m.sharpe_interval, plain],
  ["deflated Sharpe ratio", (m) => m.deflated_sharpe, share],
  ["Sortino ratio, a year", (m) => m.sortino, plain],
  ["Calmar ratio", (m) => m.calmar, plain],
  ["worst drawdown, dollars", (m) => m.drawdown.dollars, money],
  ["longest drawdown, s", (m) => m.drawdown.longest_s, plain],
  ["attribution, dollars"],
  ["spread", (m) => m.attribution_cents.spread, cents],
  ["impact", (m) => m.attribution_cents.impact, cents],
  ["adverse selection", (m) => m.attribution_cents.adverse_selection, cents],
  ["inventory", (m) => m.attribution_cents.inventory, cents],
  ["fees", (m) => m.attribution_cents.fees, cents],
  ["= net", (m) => m.attribution_cents.net, cents],
  ["trading"],
  ["volume, dollars", (m) => m.traded.dollars, money],
  ["spread captured, 1/100 %", (m) => m.traded.spread_bps, (v) => fixed(v, 3)],
  ["resting volume past the mid", (m) => m.traded.past_mid, share],
  ["fills", (m) => m.orders.fills, count],
  ["of resting orders", (m) => m.orders.maker_fills, count],
  ["fill rate", (m) => m.orders.fill_rate, share],
  ["orders entered", (m) => m.orders.entered, count],
  ["replaced", (m) => m.orders.replaced, count],
  ["cancelled", (m) => m.orders.canceled, count],
  ["refused by risk", (m) => m.orders.refused, count],
  ["refused by the market", (m) => m.orders.rejected, count],
  ["too late", (m) => m.orders.too_late, count],
  ["messages for a fill", (m) => m.orders.messages_per_fill, plain],
  ["inventory"],
  ["gross, mean, dollars", (m) => m.gross_mean_dollars, money],
  ["gross, most, dollars", (m) => m.gross_max_dollars, money],
  ["queue"],
  ["ahead at entry, mean", (m) => m.queue.ahead_mean, plain],
  ["ahead of those filled, median", (m) => m.queue.ahead_of_filled?.p50, plain],
  ["wait to fill, median, ms", (m) => m.queue.wait_ms?.p50, plain],
  ["wait to fill, 99 %, ms", (m) => m.queue.wait_ms?.p99, plain],
  ["lifetime, mean, ms", (m) => m.queue.lifetime_mean_ms, plain],
  ["replay"],
  ["events", (m) => m.events, count],
  ["decisions", (m) => m.decisions, count],
  ["time of the data, s", (m) => m.seconds, plain],
];

function figures(runs) {
  const rows = ROWS.map(([name, of, format]) => (of === undefined
    ? html("tr", { class: "head" }, html("td", { colspan: runs.length + 1 }, name))
    : html("tr", {}, html("td", {}, name), runs.map((run) => {
      const value = of(run.metrics);
      const signed = format === money || format === cents;
      const kind = signed && isNumber(value) && value < 0 ? "loss" : null;
      return html("td", { class: kind }, format(value));
    }))));
  return html("div", { class: "wide" }, html("table", { class: "figures" },
    html("thead", {}, html("tr", {}, html("th", {}, ""),
      runs.map((run) => html("th", {}, swatch(run.at), run.strategy)))),
    html("tbody", {}, rows)));
}

// What was held, an instrument a line; the first hundred.
function inventoryTable(runs) {
  const head = ["instrument", "strategy", "mean", "mean size", "most long", "most short", "at the end",
    "flat", "round trips"];
  const rows = runs.flatMap((run) => run.metrics.inventory
    .filter((one) => one.long_max !== 0 || one.short_max !== 0).map((one) => [one.symbol, run.strategy,
      plain(one.mean), plain(one.mean_size), plain(one.long_max), plain(one.short_max), plain(one.end),
      share(one.flat), count(one.round_trips)]));
  rows.sort((a, b) => (a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : 0));
  if (rows.length === 0) return null;
  return html("div", { class: "wide" }, html("table", { class: "figures" },
    html("thead", {}, html("tr", {}, head.map((text) => html("th", {}, text)))),
    html("tbody", {}, rows.slice(0, 100).map((row) =>
      html("tr", {}, row.map((text) => html("td", {}, text)))))));
}

// Every run in a line.
function lineTable(first, all) {
  const head = [first, "strategy", "net", "1/100 % of volume", "Sharpe ratio", "drawdown", "fills",
    "fill rate", "markout 1 s"];
  const second = (m) => m.markouts.find((one) => one.horizon_ms === 1000)?.bps;
  const rows = all.map((run) => {
    const m = run.metrics;
    return html("tr", {}, [run.data, run.strategy, cents(m.attribution_cents.net),
      fixed(m.net_bps, 3), plain(m.sharpe), money(m.drawdown.dollars), count(m.orders.fills),
      share(m.orders.fill_rate), fixed(second(m), 3)].map((text) => html("td", {}, text)));
  });
  return html("div", { class: "wide" }, html("table", { class: "figures" },
    html("thead", {}, html("tr", {}, head.map((text) => html("th", {}, text)))),
    html("tbody", {}, rows)));
}

function choice(label, values, key) {
  if (values.length < 2) return null;
  return html("label", {}, label, html("select",
    { onchange: (event) => { state[key] = event.target.value; show(); } },
    values.map((value) => html("option", { value, selected: value === state[key] ? "" : false },
      value))));
}

function header() {
  const settings = Object.entries(DATA.settings).map(([name, text]) =>
    html("p", { class: "settings" }, html("b", {}, name), ` ${text}`));
  const selection = DATA.selection && DATA.selection.trials > 1 ? html("p", { class: "settings" },
    html("b", {}, `best of ${DATA.selection.trials}`), ` ${DATA.selection.best}; deflated Sharpe ratio `
    + `${share(DATA.selection.deflated_sharpe)}, probability of backtest overfitting `
    + `${share(DATA.selection.overfitting)}`) : null;
  const notes = DATA.notes.length
    ? html("ul", { class: "notes" }, DATA.notes.map((note) => html("li", {}, note))) : null;
  return html("header", {}, html("h1", {}, "Tercel backtest"), settings, selection, notes);
}

function pricePart(runs, clock) {
  const run = runs.find((one) => one.strategy === state.strategy) || runs[0];
  const symbols = run.plots.instruments.map((one) => one.symbol);
  if (symbols.length === 0) return null;
  if (!symbols.includes(state.symbol)) state.symbol = symbols[0];
  const found = runs.map((one) => ({ one,
    instrument: one.plots.instruments.find((each) => each.symbol === state.symbol) }))
    .filter((pair) => pair.instrument);
  const shown = run.plots.instruments.find((one) => one.symbol === state.symbol);
  const thinned = shown.fills.length < shown.fills_total
    ? ` Of ${count(shown.fills_total)} fills ${count(shown.fills.length)} are drawn.` : "";
  return [section("Fills over the mid price",
    `${state.symbol}, ${run.strategy}. Drag to zoom, double click to go back.${thinned}`,
    plot(fillPlot(shown, run.at, clock))),
  section("Position", `Of ${state.symbol}, in shares or coins.`, plot(positionPlot(
    found.map((pair) => pair.instrument), found.map((pair) => pair.one), clock)))];
}

function show() {
  for (const made of drawnPlots) made.drawn?.destroy();
  drawnPlots.length = 0;
  const runs = DATA.runs.filter((run) => run.data === state.data)
    .map((run) => ({ ...run, at: strategies.indexOf(run.strategy) }));
  const clock = runs.every((run) => run.plots.instruments.length > 0);
  const symbols = [...new Set(runs.flatMap((run) => run.plots.instruments.map((one) => one.symbol)))];
  const controls = [choice("data", datas, "data"),
    clock ? choice("fills of", strategies, "strategy") : null, choice("instrument", symbols, "symbol")]
    .filter(Boolean);
  const waits = waitPlot(runs);
  const parts = [
    section("Figures", null, figures(runs)),
    DATA.runs.length > runs.length ? section("Files", null, lineTable("data", DATA.runs)) : null,
    DATA.sensitivity.length ? section("Sensitivity", "The same over all files in another size, with "
      + "other latencies or fees.", lineTable("changed", DATA.sensitivity)) : null,
    section("Equity", "Net profit at the mid price, after fees, dollars.",
      plot(curvePlot(runs, (run) => run.plots.account.equity, "dollars", clock))),
    section("Drawdown", "Below the highest so far, dollars.",
      plot(curvePlot(runs, (run) => run.plots.account.drawdown, "dollars", clock,
        (at) => (runs.length === 1
          ? { fill: () => `color-mix(in srgb, ${colour(runs[at].at)} 20%, transparent)` } : {})))),
    section("Inventory", "Position × mid price over all instruments, dollars.",
      plot(curvePlot(runs, (run) => run.plots.account.net, "dollars", clock)),
      inventoryTable(runs)),
    pricePart(runs, clock),
    html("div", { class: "two" },
      section("Markouts", "Where the mid price is after a fill, seen from the fill's side; the band "
        + "is one standard error.", plot(markoutPlot(runs))),
      section("Wait in the queue", "From going to the book to the fill, fills of resting orders.",
        waits ? plot(waits) : html("p", { class: "about" }, "No resting order was filled."))),
    section("Attribution", "Spread + impact + adverse selection + inventory + fees = net, to the "
      + "cent.", html("div", { class: runs.length > 1 ? "two" : "" },
      runs.map((run) => plot(waterfallPlot(run), run.strategy)))),
  ];
  document.getElementById("page").replaceChildren(header(),
    ...(controls.length ? [html("div", { class: "controls" }, controls)] : []),
    ...parts.flat().filter(Boolean),
    html("footer", {}, "Plots by uPlot. A figure that is not defined is n/a."));
  draw();
}

show();
