// What the charts show of the past: bounded, in memory, gone with the page.

const SPAN_S = 30 * 60;
/** Two states a second. */
const POINTS_MAX = SPAN_S * 2;
/** More than this are not kept but for the one that is looked at. */
const SYMBOLS_MAX = 64;
const FILLS_MAX = 2_000;
/** Width of a column of the heat map. */
export const COLUMN_S = 5;
/** Rows of the heat map for each doubling. */
export const ROWS_PER_OCTAVE = 2;

/** Columns of numbers of equal length, the oldest points dropped beyond the bound. */
class Columns {
  constructor(width) {
    this.data = Array.from({ length: width }, () => []);
  }

  push(values) {
    this.data.forEach((column, at) => {
      column.push(values[at]);
      if (column.length > POINTS_MAX) column.shift();
    });
  }
}

export class Past {
  constructor() {
    this.clear(0);
  }

  clear(started) {
    this.started = started;
    this.account = new Columns(3);
    this.instruments = new Map();
    this.fills = new Map();
    this.heat = new Map();
    this.time = 0;
  }

  /** Takes in a state; `chosen` is the symbol that is looked at. */
  add(state, chosen) {
    const now = state.status.time_ns / 1e9;
    // Another run of the host: its counters and its day begin anew.
    if (state.status.started_ns !== this.started) this.clear(state.status.started_ns);
    if (now <= this.time) return;
    this.time = now;
    this.account.push([now, state.account.pnl_e4, state.account.realised_e4]);
    for (const one of state.instruments) {
      if (!this.instruments.has(one.symbol)) {
        if (this.instruments.size >= SYMBOLS_MAX && one.symbol !== chosen) continue;
        this.instruments.set(one.symbol, new Columns(5));
      }
      const values = [one.bid_e4 || null, one.ask_e4 || null, one.last_e4 || null, one.position];
      this.instruments.get(one.symbol).push([now, ...values]);
    }
    for (const fill of state.fills.toReversed()) {
      this.fills.set(`${fill.symbol} ${fill.match_number} ${fill.user_ref}`, fill);
    }
    // A Map keeps the order of insertion: the first ones are the oldest.
    for (const key of this.fills.keys()) {
      if (this.fills.size <= FILLS_MAX) break;
      this.fills.delete(key);
    }
    for (const stage of state.latency) this.#heat(stage, Math.floor(now / COLUMN_S) * COLUMN_S);
  }

  #heat({ stage, recent }, column) {
    if (!this.heat.has(stage)) this.heat.set(stage, new Map());
    const columns = this.heat.get(stage);
    if (!columns.has(column)) columns.set(column, new Map());
    const rows = columns.get(column);
    for (const [end, n] of recent) {
      // The bucket's values are at most `end`; just below it they lie for certain.
      const row = Math.ceil(Math.log2(Math.max(end, 1)) * ROWS_PER_OCTAVE) - 1;
      rows.set(row, (rows.get(row) ?? 0) + n);
    }
    for (const key of columns.keys()) {
      if (key >= column - SPAN_S) break;
      columns.delete(key);
    }
  }

  /** `[times, bids, asks, lasts, positions]` of a symbol. */
  of(symbol) {
    return this.instruments.get(symbol)?.data ?? [[], [], [], [], []];
  }
}
