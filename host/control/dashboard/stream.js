// The stream of states: Server-Sent Events over fetch, because EventSource cannot send a token.

import { askForToken, request } from "./access.js";

const RETRY_FIRST_MS = 500;
const RETRY_MAX_MS = 15_000;
/** The host says something every 10 s at least; a line that is quieter is dead. */
const SILENCE_MAX_MS = 15_000;
/** An event is some 100 KiB at most; a line without end is none of ours. */
const EVENT_MAX = 8 << 20;

/** Follows the states with the book of one symbol until `stop()`, for ever if need be. */
export class Stream {
  /** `onState(state)` for each event; `onLost(why)` when there will be none for a while. */
  constructor(onState, onLost) {
    this.onState = onState;
    this.onLost = onLost;
    this.run = 0;
    this.controller = null;
    this.wake = () => {};
  }

  /** Begins, or begins again with another book. */
  async watch(symbol) {
    const run = ++this.run;
    this.controller?.abort();
    this.wake();
    let wait = RETRY_FIRST_MS;
    while (run === this.run) {
      try {
        await this.read(symbol, () => (wait = RETRY_FIRST_MS));
        throw new Error("the host has ended the stream");
      } catch (error) {
        if (run !== this.run) return;
        this.onLost(error.message);
        if (error.status === 401) {
          await askForToken();
          continue;
        }
      }
      // Spread, so that many pages do not return to a host in the same instant.
      const pause = wait * (0.75 + Math.random() / 2);
      await new Promise((done) => {
        this.wake = done;
        setTimeout(done, pause);
      });
      wait = Math.min(wait * 2, RETRY_MAX_MS);
    }
  }

  async read(symbol, onFirst) {
    const controller = new AbortController();
    this.controller = controller;
    let timer;
    const alive = () => {
      clearTimeout(timer);
      timer = setTimeout(() => controller.abort(new Error("nothing was heard")), SILENCE_MAX_MS);
    };
    alive();
    try {
      const query = symbol ? `?watch=${encodeURIComponent(symbol)}` : "";
      const response = await request(`/api/v1/stream${query}`, { signal: controller.signal });
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
      let text = "";
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return;
        alive();
        text += value;
        if (text.length > EVENT_MAX) throw new Error("the host sent an event without end");
        // If several waited, the last whole one is the state; the others are past.
        const events = text.split(/\r?\n\r?\n/);
        text = events.pop();
        const data = events.map(dataOf).filter(Boolean).pop();
        if (data && controller === this.controller) {
          onFirst();
          this.onState(JSON.parse(data));
        }
      }
    } finally {
      clearTimeout(timer);
      controller.abort();
    }
  }
}

/** The data of an event `state`; empty for comments and for events of a later version. */
function dataOf(event) {
  const lines = event.split(/\r?\n/);
  const named = lines.find((line) => line.startsWith("event:"));
  if (named && named.slice(6).trim() !== "state") return "";
  return lines.filter((line) => line.startsWith("data:")).map((line) => line.slice(5)).join("\n");
}
