// Everything of a state that is shown as text: standing, tiles, ladder, tables.

import { byId, fill, make, write } from "./dom.js";
import { count, dollars, duration, money, price, priceOrNone, time, words } from "./format.js";

const LEVELS = 10;

const number = (text) => [text, "n"];
const signed = (e4, plus = true) => [money(e4, plus), e4 < 0 ? "n loss" : "n"];
const side = (name) => [name === "buy" ? "▲ buy" : "▼ sell", name === "buy" ? "buy" : "sell"];

/** Name, text and how bad it is: `good`, `warn` or `bad`. */
function standingOf({ status, feed }) {
  const list = [
    ["phase", words(status.phase), status.phase === "trading" ? "good" : "warn"],
    ["session", words(status.session), status.session === "ready" ? "good" : "bad"],
    ["tripped", status.tripped ? words(status.tripped) : "no", status.tripped ? "bad" : "good"],
    ["books", status.stale ? "stale" : "live", status.stale ? "bad" : "good"],
    ["quoting", quoting(status), status.paused || status.held_up ? "warn" : "good"],
    ["clock", clockOf(status.clock), status.clock.synchronised ? "good" : "warn"],
    ["journal", ...journalOf(status.journal)],
  ];
  if (status.silent_ns > 1e9) list.push(["engine silent", duration(status.silent_ns), "bad"]);
  const open = (feed.counters.gaps_opened ?? 0) - (feed.counters.gaps_closed ?? 0);
  if (open > 0) list.push(["open gaps", count(open), "bad"]);
  return list;
}

function quoting({ paused, held_up }) {
  return paused ? "paused" : held_up ? "held up" : "yes";
}

function clockOf({ discipline, synchronised, error_max_ns }) {
  const error = error_max_ns === null || error_max_ns === undefined ? "" : ` ±${duration(error_max_ns)}`;
  return synchronised ? `${discipline}${error}` : `${discipline}, not synchronised`;
}

function journalOf(journal) {
  if (!journal) return ["none", "warn"];
  if (journal.lost) return [`${count(journal.lost)} lost`, "bad"];
  if (journal.trouble) return [journal.trouble, "bad"];
  const lag = journal.tape_words ? (100 * journal.waiting_words) / journal.tape_words : 0;
  return [`${lag.toFixed(lag < 10 ? 1 : 0)}% behind`, lag > 50 ? "warn" : "good"];
}

/** A mark beside the word: colour alone would tell some people nothing. */
const MARKS = { good: "●", warn: "▲", bad: "■" };

export function standing(state) {
  const list = byId("standing");
  const items = standingOf(state);
  while (list.children.length > items.length) list.lastChild.remove();
  items.forEach(([name, text, how], at) => {
    if (!list.children[at]) list.append(make("li", {}, make("i"), make("span"), make("b")));
    const item = list.children[at];
    const [mark, label, value] = item.children;
    if (item.className !== how) item.className = how;
    item.dataset.name = name;
    write(mark, MARKS[how]);
    write(label, name);
    write(value, text);
  });
}

export function tiles({ account, instruments, status }) {
  const traded = instruments.reduce((sum, one) => sum + one.traded_qty, 0);
  const list = [
    ["P&L", ...signed(account.pnl_e4)],
    ["Realised", ...signed(account.realised_e4)],
    ["Unrealised", ...signed(account.unrealised_e4)],
    ["Drawdown", money(account.drawdown_e4), "n"],
    ["Gross, worst case", money(account.gross_e4), "n"],
    ["Net, worst case", money(account.net_e4), "n"],
    ["Credit used", money(account.credit_used_e4), "n"],
    ["Shares traded", count(traded), "n"],
    ["Open orders", count(account.open_orders), "n"],
    ["Records", count(status.events), "n"],
  ];
  const tiles = byId("tiles");
  list.forEach(([name, text, style], at) => {
    if (!tiles.children[at]) tiles.append(make("div", {}, make("dt"), make("dd")));
    const [label, value] = tiles.children[at].children;
    write(label, name);
    write(value, text, style);
    value.dataset.name = name;
  });
}

export function instruments(list, chosen, choose) {
  const body = byId("instruments");
  while (body.rows.length > list.length) body.deleteRow(-1);
  list.forEach((one, at) => {
    let row = body.rows[at];
    if (!row) {
      row = body.insertRow();
      const button = make("button", { type: "button" });
      button.onclick = () => choose(button.dataset.symbol);
      row.insertCell().append(button, make("small"));
      for (let cell = 0; cell < 4; cell += 1) row.insertCell();
    }
    const [button, note] = row.cells[0].children;
    button.dataset.symbol = one.symbol;
    write(button, one.symbol);
    button.setAttribute("aria-pressed", String(one.symbol === chosen));
    const state = one.paused ? "paused by command" : one.state === "trading" ? "" : words(one.state);
    write(note, state);
    row.className = one.symbol === chosen ? "chosen" : "";
    const pnl = one.realised_e4 + one.unrealised_e4;
    const cells = [
      number(priceOrNone(one.bid_e4)), number(priceOrNone(one.ask_e4)),
      number(count(one.position)), signed(pnl),
    ];
    cells.forEach(([text, style], index) => write(row.cells[index + 1], text, style));
  });
}

/** Ten rows a side whatever the book holds, so that nothing below jumps. */
export function ladder(book) {
  const bids = book?.bids ?? [];
  const asks = book?.asks ?? [];
  const most = Math.max(1, ...bids.map((level) => level.qty), ...asks.map((level) => level.qty));
  rows(byId("asks"), Array.from({ length: LEVELS }, (_none, at) => asks[LEVELS - 1 - at]), most);
  rows(byId("bids"), Array.from({ length: LEVELS }, (_none, at) => bids[at]), most);
  const spread = bids.length && asks.length ? `spread ${price(asks[0].price_e4 - bids[0].price_e4)}` : "";
  write(byId("spread"), spread, "note");
}

function rows(body, levels, most) {
  fill(body, levels.map((level) => {
    if (!level) return [number(""), number(""), number(""), number("·")];
    const own = level.own_qty ? `◆ ${count(level.own_qty)}` : "";
    const figures = [count(level.orders), count(level.qty), price(level.price_e4)];
    return [[own, "n own"], ...figures.map(number)];
  }));
  levels.forEach((level, at) => {
    const row = body.rows[at];
    row.style.setProperty("--share", `${level ? (100 * level.qty) / most : 0}%`);
    row.classList.toggle("mine", Boolean(level?.own_qty));
  });
}

export function latency(list) {
  fill(byId("latency"), list.map((one) => {
    const times = [one.p50_ns, one.p90_ns, one.p99_ns, one.p999_ns, one.max_ns];
    return [words(one.stage), [count(one.count), "n wide"], ...times.map((ns) => number(one.count ? duration(ns) : "–"))];
  }), "no ticks yet");
}

/** Counter, name, and whether any at all is a reason to look. */
const FEED = [
  ["messages", "messages", false], ["gaps_opened", "gaps opened", true],
  ["gaps_closed", "gaps closed", false], ["recovered", "recovered", false],
  ["duplicates", "duplicates", false], ["requests_exhausted", "requests without answer", true],
  ["feed_downs", "feed down", true], ["malformed", "malformed", true],
  ["dropped_pending", "dropped, no room", true], ["ring_overruns", "ring overruns", true],
  ["ring_lost", "lost in the ring", true],
];

export function feed({ counters, rejects }) {
  const here = FEED.filter(([key]) => key in counters);
  fill(byId("feed"), here.map(([key, name, alarming]) => {
    const raised = alarming && counters[key] > 0;
    return [`${raised ? "▲ " : ""}${name}`, [count(counters[key]), raised ? "n warn" : "n"]];
  }), "no counters");
  const reasons = Object.entries(rejects).sort(([, a], [, b]) => b - a);
  fill(byId("rejects"), reasons.map(([name, n]) => [words(name), number(count(n))]), "none");
  const all = byId("counters");
  // Some hundred rows that hardly anyone looks at: only while they are open.
  if (all.closest("details").open) {
    fill(all, Object.entries(counters).map(([name, n]) => [words(name), number(count(n))]));
  }
}

export function limits(list) {
  const body = byId("limits");
  const show = (one, value) => number(one.is_money ? `$${dollars(value)}` : count(value));
  const share = (one) => (one.max > 0 ? (100 * one.used) / one.max : one.used > 0 ? 100 : 0);
  fill(body, list.map((one) => [
    one.of, words(one.limit.replace(/_max$/, "")), show(one, one.used), show(one, one.max),
    number(share(one).toFixed(1)),
  ]), "no limits");
  list.forEach((one, at) => {
    const percent = Math.max(0, Math.min(share(one), 100));
    body.rows[at].style.setProperty("--share", `${percent}%`);
    body.rows[at].className = percent >= 90 ? "bad" : percent >= 70 ? "warn" : "";
  });
}

export function orders(list, open) {
  fill(byId("orders"), list.map((one) => [
    String(one.user_ref), one.symbol, side(one.side), number(price(one.price_e4)),
    number(count(one.open_qty)), number(count(one.filled_qty)), [words(one.state), "after"], number(time(one.sent_ns)),
  ]), "no open orders");
  write(byId("orders-note"), open > list.length ? `the oldest ${list.length} of ${count(open)}` : "", "note");
}

export function fills(list) {
  fill(byId("fills"), list.map((one) => [
    number(time(one.time_ns)), one.symbol, side(one.side), number(price(one.price_e4)),
    number(count(one.qty)), [`${one.liquidity}${one.broken ? ", broken" : ""}`, "after"], number(count(one.position)),
  ]), "no fills yet");
}
