// The page: takes states from the stream, shows them, hands buttons to deeds.

import { DepthChart, HeatMap, PriceChart, ProfitChart } from "./charts.js";
import { byId, make, write } from "./dom.js";
import { duration, words } from "./format.js";
import { Past } from "./past.js";
import { Stream } from "./stream.js";
import * as deeds from "./deeds.js";
import * as tables from "./tables.js";

/** A figure older than this is not shown as one of now. */
const OLD_MS = 3_000;

const past = new Past();
let state = null;
let chosen = "";
let heard = 0;
let lost = "connecting";
let waiting = false;

const stream = new Stream(onState, (why) => {
  lost = why;
  age();
});

function onState(next) {
  state = next;
  heard = performance.now();
  lost = "";
  if (!next.instruments.some((one) => one.symbol === chosen) && next.instruments.length) {
    choose(next.instruments[0].symbol);
  }
  past.add(next, chosen);
  age();
  later();
}

function choose(symbol) {
  if (symbol === chosen) return;
  chosen = symbol;
  stream.watch(symbol);
  later();
}

/** Shows once a frame at most, and not at all in a hidden tab. */
function later() {
  if (waiting || !state) return;
  waiting = true;
  requestAnimationFrame(() => {
    waiting = false;
    show();
  });
}

const charts = {
  price: new PriceChart(byId("chart-price")),
  profit: new ProfitChart(byId("chart-pnl")),
  depth: new DepthChart(byId("chart-depth")),
  heat: new HeatMap(byId("chart-heat")),
};

function show() {
  const instrument = state.instruments.find((one) => one.symbol === chosen);
  const book = state.book?.symbol === chosen ? state.book : null;
  tables.standing(state);
  tables.tiles(state);
  tables.instruments(state.instruments, chosen, choose);
  tables.ladder(book);
  tables.latency(state.latency);
  tables.feed(state.feed);
  tables.limits(state.use_of_limits);
  tables.orders(state.orders, state.account.open_orders);
  tables.fills(state.fills);
  stages(state.latency);

  write(byId("h-price"), chosen ? `${chosen} price` : "Price");
  write(byId("h-book"), chosen ? `${chosen} book` : "Book");
  write(byId("edit-one"), `Edit ${chosen}`);
  write(byId("pause"), state.status.paused ? "Resume all" : "Pause all");
  write(byId("pause-one"), instrument?.paused ? "Resume" : "Pause");
  const mine = (one) => one.symbol === chosen;
  const data = past.of(chosen);
  charts.price.update(data, state.orders.filter(mine), [...past.fills.values()].filter(mine));
  charts.profit.update(past.account.data, data);
  charts.depth.update(book);
  charts.heat.update(past.heat.get(byId("stage").value));
}

function stages(latency) {
  const select = byId("stage");
  const known = new Set([...select.options].map((option) => option.value));
  for (const { stage } of latency) {
    if (known.has(stage)) continue;
    select.append(make("option", { value: stage }, words(stage)));
    if (stage === "tick_to_trade") select.value = stage;
  }
}

/** Says whether what stands on the page is of now, and greys it if not. */
function age() {
  const since = performance.now() - heard;
  const old = state !== null && since > OLD_MS;
  document.body.classList.toggle("lost", Boolean(lost) || old || !state);
  const ago = state ? ` Figures are ${duration(Math.round(since / 1e3) * 1e9)} old.` : "";
  const text = lost ? `Not connected: ${lost}. Trying again.${ago}` : old ? `Nothing heard.${ago}` : "";
  write(byId("connection"), text);
}

function theme(next) {
  document.documentElement.dataset.theme = next;
  localStorage.setItem("tercel-theme", next);
  later();
}

const dark = matchMedia("(prefers-color-scheme: dark)");
const kept = localStorage.getItem("tercel-theme");
if (kept === "light" || kept === "dark") document.documentElement.dataset.theme = kept;
dark.onchange = later;

byId("theme").onclick = () => {
  const now = document.documentElement.dataset.theme ?? (dark.matches ? "dark" : "light");
  theme(now === "dark" ? "light" : "dark");
};
byId("kill").onclick = () => deeds.kill();
byId("reset").onclick = () => deeds.reset();
byId("pause").onclick = () => deeds.pause(null, state?.status.paused);
byId("cancel").onclick = () => deeds.cancelAll(null);
byId("pause-one").onclick = () => {
  const one = state?.instruments.find((each) => each.symbol === chosen);
  if (one) deeds.pause(chosen, one.paused);
};
byId("cancel-one").onclick = () => chosen && deeds.cancelAll(chosen);
byId("edit-one").onclick = () => chosen && deeds.editLimits(chosen);
byId("edit-account").onclick = () => deeds.editLimits(null);
byId("stage").onchange = later;

setInterval(age, 500);
stream.watch("");
