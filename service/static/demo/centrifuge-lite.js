// A small client of the Centrifuge protocol v2 (JSON, bidirectional WebSocket): connect, subscribe, publish, rpc, ping
// and pong, recovery, reconnect with full-jitter back-off. Enough for a demo page; applications take the `centrifuge` SDK.

const FIRST_DELAY = 500; // ms, as the SDK has it
const LONGEST_DELAY = 20_000;
const PING_SLACK = 10_000; // ms a ping may be late
const PATIENCE = 5_000; // ms for the answer to a command
const TOKEN_EXPIRED = 109;

/** A refusal by the server: `code` and `message` as it gave them. */
export class Refusal extends Error {
  constructor({ code, message, temporary = false }) {
    super(message);
    this.code = code;
    this.temporary = temporary;
  }
}

/** Close codes after which a client comes back; the same rule in every SDK. */
export const mayReturn = (code) =>
  code !== 1009 && (code < 3500 || (code >= 4000 && code < 4500) || code >= 5000);

/**
 * One connection and its subscriptions.
 *
 * `on(name, detail)` hears: connecting {attempt, delay}, connected {client}, disconnected {code, reason, final},
 * subscribed {channel, recovering, recovered, missed}, unsubscribed {channel, code, reason}, publication {channel,
 * data, offset, tags, recovered}, error {message}.
 */
export class Client {
  #url;
  #token;
  #on;
  #random;
  #socket = null;
  #subscriptions = new Map(); // channel -> {offset, epoch, recoverable, live}
  #waiting = new Map(); // command id -> {resolve, reject, timer}
  #lastId = 0;
  #attempt = 0;
  #retry = 0;
  #watchdog = 0;
  #silence = 0;
  #wanted = false;
  #ready = false;

  /** `token(renew)` gives a connection token or a promise of one; `renew` when the last one has expired. */
  constructor(url, { token = () => '', on = () => {}, random = Math.random } = {}) {
    this.#url = url;
    this.#token = token;
    this.#on = on;
    this.#random = random;
  }

  connect() {
    if (this.#wanted) return;
    this.#wanted = true;
    this.#attempt = 0;
    this.#open(false);
  }

  /** Leave for good; positions are kept, so that a later `connect` recovers. */
  disconnect() {
    this.#wanted = false;
    clearTimeout(this.#retry);
    this.#lost(0, 'disconnect called', true);
  }

  /** Lose the socket without a word, as a bad network would. */
  drop() {
    if (this.#socket) this.#lost(1006, 'the socket was killed here', false);
  }

  subscribe(channel) {
    if (this.#subscriptions.has(channel)) return;
    this.#subscriptions.set(channel, { offset: 0, epoch: '', recoverable: false, live: false });
    if (this.#ready) this.#subscribe(channel);
  }

  unsubscribe(channel) {
    if (!this.#subscriptions.delete(channel)) return;
    if (this.#ready) this.#call('unsubscribe', { channel }).catch((error) => this.#tell(error));
    this.#on('unsubscribed', { channel, code: 0, reason: 'unsubscribe called' });
  }

  publish(channel, data) {
    return this.#call('publish', { channel, data });
  }

  /** Ask the server something; what it answers, as the SDK gives it. */
  async rpc(method, data) {
    return this.#call('rpc', { method, data });
  }

  async #open(renew) {
    let token;
    try {
      token = await this.#token(renew);
    } catch (error) {
      this.#wanted = false;
      this.#on('disconnected', { code: 1, reason: `no token: ${error.message}`, final: true });
      return;
    }
    if (!this.#wanted || this.#socket) return;
    this.#on('connecting', { attempt: this.#attempt });
    const socket = new WebSocket(this.#url);
    this.#socket = socket;
    socket.onopen = () => this.#greet(token);
    socket.onmessage = ({ data }) => socket === this.#socket && this.#frame(data);
    socket.onclose = ({ code, reason }) => socket === this.#socket && this.#lost(code, reason, !mayReturn(code));
    this.#watch(PATIENCE + PING_SLACK);
  }

  // Connect and all subscriptions in one frame: one round trip, and the order is kept.
  #greet(token) {
    const commands = [this.#command('connect', { token, name: 'demo' }, (reply) => this.#connected(reply))];
    for (const channel of this.#subscriptions.keys()) commands.push(this.#subscription(channel));
    this.#socket.send(commands.map((command) => JSON.stringify(command)).join('\n'));
  }

  #connected({ client, ping = 0 }) {
    this.#ready = true;
    this.#attempt = 0;
    this.#silence = ping ? ping * 1000 + PING_SLACK : 0;
    this.#watch(this.#silence);
    this.#on('connected', { client });
  }

  #frame(text) {
    this.#watch(this.#silence || PATIENCE + PING_SLACK);
    for (const line of text.split('\n')) if (line) this.#reply(JSON.parse(line));
  }

  #reply(reply) {
    if (reply.id) {
      const waiting = this.#waiting.get(reply.id);
      if (!waiting) return;
      this.#waiting.delete(reply.id);
      clearTimeout(waiting.timer);
      if (reply.error) waiting.reject(new Refusal(reply.error));
      else waiting.resolve(reply[waiting.method] ?? {});
    } else if (reply.push) {
      this.#push(reply.push);
    } else {
      this.#socket.send('{}'); // a ping, and its pong
    }
  }

  #push({ channel, pub, unsubscribe }) {
    const subscription = this.#subscriptions.get(channel);
    if (pub && subscription) this.#publication(channel, subscription, pub, false);
    if (unsubscribe && subscription) {
      this.#on('unsubscribed', { channel, ...unsubscribe });
      if (unsubscribe.code >= 2500) this.#subscribe(channel);
      else this.#subscriptions.delete(channel);
    }
  }

  #publication(channel, subscription, pub, recovered) {
    if (pub.offset) subscription.offset = pub.offset;
    if (pub.epoch) subscription.epoch = pub.epoch;
    this.#on('publication', { channel, data: pub.data, offset: pub.offset ?? 0, tags: pub.tags ?? {}, recovered });
  }

  #subscribe(channel) {
    this.#socket.send(JSON.stringify(this.#subscription(channel)));
  }

  #subscription(channel) {
    const { offset, epoch, recoverable } = this.#subscriptions.get(channel);
    const request = recoverable ? { channel, recover: true, offset, epoch } : { channel };
    return this.#command('subscribe', request, (result) => this.#subscribed(channel, result));
  }

  #subscribed(channel, result) {
    const subscription = this.#subscriptions.get(channel);
    if (!subscription) return;
    const missed = result.publications ?? [];
    const recovering = Boolean(result.was_recovering);
    this.#on('subscribed', { channel, recovering, recovered: Boolean(result.recovered), missed: missed.length });
    for (const pub of missed) this.#publication(channel, subscription, pub, recovering);
    if (!result.recovered) subscription.offset = result.offset ?? 0;
    subscription.epoch = result.epoch ?? '';
    subscription.recoverable = Boolean(result.recoverable);
  }

  #call(method, request) {
    if (!this.#ready) return Promise.reject(new Error('not connected'));
    return new Promise((resolve, reject) => {
      this.#socket.send(JSON.stringify(this.#command(method, request, resolve, reject)));
    });
  }

  #command(method, request, resolve, reject = (error) => this.#refused(method, request, error)) {
    this.#lastId += 1;
    const id = this.#lastId;
    const timer = setTimeout(() => {
      this.#waiting.delete(id);
      reject(new Error(`no answer to ${method} within ${PATIENCE / 1000} s`));
    }, PATIENCE);
    this.#waiting.set(id, { method, resolve, reject, timer });
    return { id, [method]: request };
  }

  #refused(method, { channel }, error) {
    if (method === 'connect') {
      const again = error.code === TOKEN_EXPIRED || error.temporary || !(error instanceof Refusal);
      this.#lost(error.code ?? 0, error.message, !again, error.code === TOKEN_EXPIRED);
    } else {
      this.#tell(error);
      if (error instanceof Refusal && !error.temporary) {
        this.#subscriptions.delete(channel);
        this.#on('unsubscribed', { channel, code: error.code, reason: error.message });
      } else {
        this.drop();
      }
    }
  }

  #lost(code, reason, final, renew = false) {
    const socket = this.#socket;
    this.#socket = null;
    this.#ready = false;
    clearTimeout(this.#watchdog);
    for (const { reject, timer, method } of this.#waiting.values()) {
      clearTimeout(timer);
      if (method === 'publish' || method === 'rpc') reject(new Error('the connection was lost before the answer came'));
    }
    this.#waiting.clear();
    socket?.close();
    if (final) this.#wanted = false;
    this.#on('disconnected', { code, reason, final: !this.#wanted });
    if (this.#wanted) this.#again(renew);
  }

  #again(renew) {
    const most = Math.min(LONGEST_DELAY, FIRST_DELAY * 2 ** this.#attempt);
    const delay = Math.min(LONGEST_DELAY, FIRST_DELAY + this.#random() * most);
    this.#attempt += 1;
    this.#on('connecting', { attempt: this.#attempt, delay });
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => this.#open(renew), delay);
  }

  #watch(milliseconds) {
    clearTimeout(this.#watchdog);
    if (milliseconds) this.#watchdog = setTimeout(() => this.#lost(2, 'no ping', false), milliseconds);
  }

  #tell(error) {
    this.#on('error', { message: error.message, code: error.code });
  }
}
