// Requests to the host, with the token where one is needed.

import { byId } from "./dom.js";
import { parse, stringify } from "./format.js";

const KEY = "tercel-token";

/** An answer other than 2xx, as RFC 9457 problem details where the host gave them. */
export class Problem extends Error {
  constructor(status, details) {
    super(details.detail ?? details.title ?? `the host answered with status ${status}`);
    this.status = status;
    this.errors = details.errors;
  }
}

// A link of `http://host/#token=...` logs in; the token does not stay in the address bar.
const given = new URLSearchParams(location.hash.slice(1)).get("token");
if (given) {
  sessionStorage.setItem(KEY, given);
  history.replaceState(null, "", location.pathname);
}

/** `fetch` with the token; a Problem for any status but 2xx. */
export async function request(path, options = {}) {
  const token = sessionStorage.getItem(KEY);
  const headers = { ...options.headers };
  if (token) headers.Authorization = `Bearer ${token}`;
  const response = await fetch(path, { ...options, headers, cache: "no-store" });
  if (response.ok) return response;
  let details = {};
  try {
    details = parse(await response.text());
  } catch {
    // Something between us and the host answered in its own words; the status says enough.
  }
  throw new Problem(response.status, details ?? {});
}

/** A JSON document. */
export async function get(path) {
  return parse(await (await request(path)).text());
}

/** A change. With the same key the host carries it out once, however often it is sent. */
export async function change(method, path, body, key) {
  const headers = { "Content-Type": "application/json", "Idempotency-Key": key };
  const response = await request(path, { method, headers, body: stringify(body) });
  const text = await response.text();
  return text ? parse(text) : {};
}

let asked = null;

/** Asks for a token, once however many requests want one. */
export function askForToken() {
  const dialog = byId("entry");
  asked ??= new Promise((done) => {
    dialog.showModal();
    // Without a token there is nothing to see: Esc leaves the question standing.
    dialog.oncancel = (event) => event.preventDefault();
    dialog.querySelector("form").onsubmit = (event) => {
      event.preventDefault();
      sessionStorage.setItem(KEY, byId("token").value.trim());
      byId("token").value = "";
      dialog.close();
      asked = null;
      done();
    };
  });
  return asked;
}
