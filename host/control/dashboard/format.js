// Numbers to text and back. Money and prices are integers in units of 1/10,000 dollar; they are cut
// into digits, never divided into fractions, so what is shown is what the host holds.

const MINUS = "\u2212";

/** Thousands apart; a number or a BigInt. */
export function count(value) {
  const text = String(value);
  return text.replace("-", MINUS).replace(/\B(?=(\d{3})+(?!\d))/g, ",");
}

/** A price: two decimals, or four where it is finer than a cent. */
export function price(e4) {
  const digits = String(e4).replace("-", "").padStart(5, "0");
  const fraction = digits.slice(-4);
  const shown = fraction.endsWith("00") ? fraction.slice(0, 2) : fraction;
  return `${e4 < 0 ? MINUS : ""}${count(digits.slice(0, -4))}.${shown}`;
}

/** A price, or a dash where zero says that there is none. */
export const priceOrNone = (e4) => (e4 ? price(e4) : "–");

/** Money to the cent, halves away from zero; `plus` shows the sign of a gain. */
export function money(e4, plus = false) {
  const size = BigInt(e4) < 0n ? -BigInt(e4) : BigInt(e4);
  const cents = (size + 50n) / 100n;
  const digits = String(cents).padStart(3, "0");
  const sign = cents === 0n ? "" : e4 < 0 ? MINUS : plus ? "+" : "";
  return `${sign}${count(digits.slice(0, -2))}.${digits.slice(-2)}`;
}

/** Whole dollars, for where a cent is noise. */
export function dollars(e4) {
  return money(e4).replace(/\.\d\d$/, "");
}

/** A duration with three significant digits. */
export function duration(ns) {
  for (const [unit, size] of [["s", 1e9], ["ms", 1e6], ["µs", 1e3]]) {
    if (ns >= size) return `${Number((ns / size).toPrecision(3))} ${unit}`;
  }
  return `${ns} ns`;
}

/** Time of day in UTC with milliseconds; a number or a BigInt, as times in answers are. */
export function time(ns) {
  return ns ? new Date(Number(ns) / 1e6).toISOString().slice(11, 23) : "–";
}

/** `tick_to_trade` as `tick to trade`. */
export const words = (name) => name.replaceAll("_", " ");

/** Dollars as typed, in 1/10,000 dollar; null where it is no such amount. */
export function e4(text) {
  const match = /^(-?)(\d{1,15})(?:\.(\d{1,4}))?$/.exec(text.trim().replaceAll(",", ""));
  if (!match) return null;
  const value = BigInt(match[2] + (match[3] ?? "").padEnd(4, "0"));
  return match[1] ? -value : value;
}

/** An amount for an input: every digit, no thousands. */
export function plainDollars(value) {
  return price(value).replaceAll(",", "").replace(MINUS, "-");
}

/** JSON whose integers beyond 2^53 become BigInt, where the browser lets us see the digits. */
export function parse(text) {
  return JSON.parse(text, (_key, value, context) => {
    const whole = typeof value === "number" && !Number.isSafeInteger(value);
    return whole && /^-?\d+$/.test(context?.source ?? "") ? BigInt(context.source) : value;
  });
}

/** JSON of values among which there may be BigInt. */
export function stringify(value) {
  return JSON.stringify(value, (_key, one) => {
    if (typeof one !== "bigint") return one;
    if (BigInt(Number(one)) === one) return Number(one);
    if (JSON.rawJSON) return JSON.rawJSON(String(one));
    throw new RangeError(`${one} is more than this browser can send exactly`);
  });
}
