// What an operator may do: a dialog for each, a reason with each.

import { Problem, askForToken, change, get } from "./access.js";
import { byId, make, write } from "./dom.js";
import { count, e4, plainDollars, time, words } from "./format.js";

const dialog = byId("deed");
/** What the open dialog is for. */
let deed = null;

byId("deed-close").onclick = () => dialog.close();
dialog.querySelector("form").onsubmit = (event) => {
  event.preventDefault();
  carryOut();
};

/**
 * Opens the dialog. `body()` gives what is sent besides the reason, or null if a field is wrong;
 * `word` must be typed; `done(answer)` gives what is said afterwards.
 */
function open({ title, text = "", verb, word = "", danger = false, fields = [], ...rest }) {
  deed = { word, key: null, sent: "", ...rest };
  write(byId("deed-title"), title);
  write(byId("deed-text"), text);
  write(byId("deed-do"), verb, danger ? "danger" : "primary");
  byId("deed-fields").replaceChildren(...fields);
  byId("deed-word-label").hidden = !word;
  byId("deed-word").value = "";
  byId("deed-word").required = Boolean(word);
  byId("deed-reason").value = "";
  write(byId("deed-error"), "", "error");
  byId("deed-do").disabled = false;
  dialog.showModal();
  (word ? byId("deed-word") : fields.length ? fields[0].querySelector("input") : byId("deed-reason")).focus();
}

async function carryOut() {
  const own = deed;
  const fail = (text) => write(byId("deed-error"), text, "error");
  fail("");
  if (own.word && byId("deed-word").value.trim() !== own.word) {
    byId("deed-word").focus();
    return fail(`Type ${own.word} in capitals to go on.`);
  }
  const values = own.body();
  if (values === null) return fail("A field is not as it must be.");
  const body = { ...values, reason: byId("deed-reason").value.trim() };
  // One key for one wish: sent again after an answer was lost, it is carried out once.
  const wish = JSON.stringify(body, (_key, value) => (typeof value === "bigint" ? `${value}` : value));
  if (own.sent !== wish) Object.assign(own, { sent: wish, key: newKey() });
  byId("deed-do").disabled = true;
  try {
    const answer = await change(own.method ?? "POST", own.path, body, own.key);
    say(own.done(answer));
    if (deed === own) dialog.close();
  } catch (error) {
    if (error instanceof Problem) own.sent = "";
    if (error.status === 401) await askForToken();
    if (deed !== own) return say(`${own.path}: ${error.message}`);
    own.refused?.(error.errors);
    fail(error.status === 401 ? "Send it again with this token." : error.message);
  } finally {
    if (deed === own) byId("deed-do").disabled = false;
  }
}

/** crypto.randomUUID is there over HTTPS and on loopback only, which is where the page is served. */
const newKey = () => crypto.randomUUID();

function say(text) {
  write(byId("said"), text);
}

/** What the engine made of it. */
function outcome(name) {
  return ({ outcome: how, time_ns, open_orders }) => {
    const left = open_orders === undefined ? "" : `; ${count(open_orders)} orders are still open`;
    return `${name}: ${words(String(how ?? "done"))} at ${time(time_ns)} UTC${left}`;
  };
}

function simple(name, path, options) {
  const { symbol, ...rest } = options;
  const body = () => (symbol ? { symbol } : {});
  open({ title: name, verb: name, path: `/api/v1/${path}`, body, done: outcome(name), ...rest });
}

export function kill() {
  simple("Kill switch", "kill", {
    text: "Every open order is cancelled and no new one passes until someone resets the host.",
    verb: "Kill", word: "KILL", danger: true,
  });
}

export function reset() {
  simple("Reset", "reset", { text: "Orders pass again after a kill or a tripped breaker." });
}

export function cancelAll(symbol) {
  const of = symbol ? `of ${symbol}` : "of every instrument";
  simple("Cancel orders", "cancel-all", { symbol, text: `Every open order ${of} is cancelled. Quoting goes on.` });
}

export function pause(symbol, paused) {
  const what = symbol ?? "every instrument";
  if (paused) simple("Resume", "resume", { symbol, text: `Quoting of ${what} goes on.` });
  else simple("Pause", "pause", { symbol, text: `Quoting of ${what} stops, and its orders are cancelled.` });
}

/** Opens the limits of an instrument, or of the account if there is no symbol. */
export async function editLimits(symbol) {
  let limits;
  try {
    const all = await get("/api/v1/limits");
    limits = symbol ? all.instruments[symbol] : all.account;
  } catch (error) {
    if (error.status !== 401) return say(`limits: ${error.message}`);
    await askForToken();
    return editLimits(symbol);
  }
  if (!limits) return say(`limits: ${symbol} has none`);
  const fields = Object.entries(limits).map(([name, value]) => new Field(name, value));
  open({
    title: `Limits of ${symbol ?? "the account"}`,
    text: "They are checked as a whole and take effect together.",
    verb: "Change", method: "PUT",
    path: symbol ? `/api/v1/limits/instruments/${encodeURIComponent(symbol)}` : "/api/v1/limits/account",
    fields: fields.map((field) => field.element),
    body: () => {
      const entries = fields.map((field) => [field.name, field.read()]);
      return entries.some(([, value]) => value === undefined) ? null : { limits: Object.fromEntries(entries) };
    },
    refused: (errors) => {
      for (const field of fields) field.complain(messageFor(field.name, errors));
    },
    done: () => `Limits of ${symbol ?? "the account"} changed`,
  });
}

/** What a problem says about a field; `errors` name it by a JSON pointer, `at`. */
function messageFor(name, errors) {
  const list = Array.isArray(errors) ? errors : [];
  const named = (one) => String(one.at ?? "").split("/").at(-1);
  return list.filter((one) => named(one) === name).map((one) => one.detail).join("; ");
}

/** One limit: dollars, a count, or yes and no. */
class Field {
  constructor(name, value) {
    this.name = name;
    this.kind = typeof value === "boolean" ? "flag" : name.endsWith("_e4") ? "money" : "count";
    this.optional = name.startsWith("collar_");
    this.input = make("input", { name, autocomplete: "off", "aria-describedby": `error-${name}` });
    if (this.kind === "flag") {
      this.input.type = "checkbox";
      this.input.checked = value;
    } else {
      this.input.inputMode = this.kind === "money" ? "decimal" : "numeric";
      this.input.value = value === null ? "" : this.kind === "money" ? plainDollars(value) : String(value);
    }
    this.error = make("span", { id: `error-${name}`, class: "error" });
    const unit = this.kind === "money" ? ", $" : name.endsWith("_ns") ? ", ns" : "";
    const label = words(name.replace(/_(e4|ns)$/, "")) + unit;
    this.element = make("label", { class: this.kind }, label, this.input, this.error);
  }

  /** The value; undefined if it is none, with a word beside the field. */
  read() {
    this.complain("");
    if (this.kind === "flag") return this.input.checked;
    const text = this.input.value.trim();
    if (this.optional && text === "") return null;
    if (this.kind === "money") {
      const value = e4(text);
      if (value !== null) return value;
      this.complain("dollars, at most four decimals");
      return undefined;
    }
    if (/^\d{1,20}$/.test(text.replaceAll(",", ""))) return BigInt(text.replaceAll(",", ""));
    this.complain("a whole number");
    return undefined;
  }

  complain(text) {
    write(this.error, text, "error");
    this.input.setAttribute("aria-invalid", String(text !== ""));
  }
}
