// Around an unmodified Centrifuge client (npm `centrifuge`): receipts, reports, a patient back-off that gives up.
//
//   import { Heliograph, patience } from "./heliograph.js";
//   const centrifuge = new Centrifuge(url, { token, ...patience });
//   const heliograph = new Heliograph(centrifuge, { onGiveUp: () => showOffline() });
//   heliograph.confirm(subscription, async (message) => save(message.data)); // confirmed when this is done
//   heliograph.watch(subscription); // measured only; confirm measures, too
//   subscription.subscribe(); centrifuge.connect();
//
// Everything works without it, and it falls silent at a server that does not know these calls.

export const patience = {
  minReconnectDelay: 1000, maxReconnectDelay: 30000, minResubscribeDelay: 1000, maxResubscribeDelay: 30000,
};
const MESSAGES = 16; // that one report tells of
const now = () => performance.timeOrigin + performance.now(); // milliseconds, finer than Date.now()

export class Heliograph {
  /** `protobuf`: the client is one of `centrifuge/build/protobuf`, whose payloads are bytes. */
  constructor(centrifuge, options = {}) {
    const usual = { attempts: 10, reportEvery: 10000, protobuf: false, onGiveUp: () => {}, onError: () => {} };
    Object.assign(this, { centrifuge, ...usual, ...options });
    this.clock = null; // the server's clock minus ours, in milliseconds, give or take `error`
    this.error = Infinity;
    this.failed = 0; // attempts in a row
    this.latest = new Map(); // channel -> when its newest message came
    this.places = new Map(); // subscription -> what of it is handled
    this.ended = null;
    this.reported = 0;
    this.silent = false;
    centrifuge.on("connecting", ({ code, reason }) => {
      if (code) this.ended ??= { code, reason: reason.slice(0, 256), at: now() };
    });
    centrifuge.on("connected", () => { this.failed = 0; this.report(); });
    centrifuge.on("error", () => this.#missed());
    centrifuge.on("publication", (message) => this.#came(message.channel, message)); // server-side subscriptions
    this.timer = setInterval(() => this.#confirm(), 1000);
    this.timer.unref?.();
  }

  /** Measure when this subscription's messages come. */
  watch(subscription) {
    subscription.on("publication", (message) => this.#came(subscription.channel, message));
  }

  /** Give each message to `handle`, once; it is confirmed when `handle` has returned, or its promise is kept. */
  confirm(subscription, handle) {
    const place = { top: 0, epoch: null, open: new Set(), failed: new Set(), sent: -1 };
    this.places.set(subscription, place);
    this.watch(subscription);
    subscription.on("subscribed", ({ streamPosition, recovered }) => {
      if (!streamPosition || (streamPosition.epoch === place.epoch && recovered)) return;
      // A new stream, a new page, or something is lost for good: from here on.
      Object.assign(place, { top: streamPosition.offset, epoch: streamPosition.epoch, sent: -1 });
      place.open.clear();
      place.failed.clear();
    });
    subscription.on("publication", async (message) => {
      const { offset } = message;
      if (!offset) return handle(message); // outside history: nothing to confirm
      if (offset <= place.top && !place.failed.delete(offset)) return; // given once more, and handled before
      place.top = Math.max(place.top, offset);
      place.open.add(offset);
      try {
        await handle(message);
        place.open.delete(offset);
      } catch (error) {
        place.failed.add(offset); // stays open: it comes again, at the latest with the next reconnect
        this.onError(error);
      }
    });
  }

  /** Tell what was measured since the last report, and compare the clocks. */
  async report() {
    if (this.silent) return;
    const [ended, began] = [this.ended, now()];
    const report = { received: [...this.latest.values()].slice(-MESSAGES) };
    if (this.clock !== null) Object.assign(report, { clock: this.clock, error: this.error });
    if (ended) report.ended = { code: ended.code, reason: ended.reason, seconds: (began - ended.at) / 1000 };
    this.reported = began;
    this.latest.clear();
    this.ended = null;
    const answer = await this.#call("heliograph.report", report);
    const came = now();
    const error = (came - began) / 2 + 0.1;
    if (answer?.time && error <= this.error + 1) [this.clock, this.error] = [answer.time - (began + came) / 2, error];
    else this.error += 1; // clocks drift apart
  }

  /** Stop: no timer is left. The client and its subscriptions go on. */
  close() {
    clearInterval(this.timer);
    this.silent = true;
  }

  #came(channel, { offset, tags }) {
    if (!offset) return;
    this.latest.delete(channel);
    this.latest.set(channel, { channel, offset, at: now() });
    if (this.latest.size > MESSAGES) this.latest.delete(this.latest.keys().next().value);
    const wait = tags?.traceparent ? 1000 : this.reportEvery;
    if (now() - this.reported >= wait) this.report(); // at once: the server forgets
  }

  #confirm() {
    for (const [subscription, place] of this.places) {
      if (subscription.state !== "subscribed" || place.epoch === null || this.silent) continue;
      const offset = place.open.size ? Math.min(...place.open) - 1 : place.top;
      if (offset <= place.sent) continue;
      place.sent = offset;
      this.#call("heliograph.receipt", { channel: subscription.channel, offset }).then((answer) => {
        if (!answer) place.sent = -1; // once more in a second
      });
    }
  }

  async #call(method, data) {
    try {
      if (!this.protobuf) return (await this.centrifuge.rpc(method, data)).data;
      const said = await this.centrifuge.rpc(method, new TextEncoder().encode(JSON.stringify(data)));
      return JSON.parse(new TextDecoder().decode(said.data));
    } catch (error) {
      if ([104, 108].includes(error.code)) { // a server, or a namespace, that does not know this
        if (method === "heliograph.report") this.silent = true;
        return {};
      }
      return null;
    }
  }

  #missed() {
    if (this.centrifuge.state !== "connecting" || ++this.failed < this.attempts) return;
    this.centrifuge.disconnect();
    this.onGiveUp({ attempts: this.failed });
  }
}
