// The unmodified JavaScript SDK, told what to do by JSON lines on stdin; events and answers are JSON lines on stdout.
// HELIOGRAPH_NODE_MODULES names the folder in which npm installed `centrifuge`, `ws` and `eventsource`.
import { createRequire } from "node:module";
import { createInterface } from "node:readline";

const require = createRequire(process.env.HELIOGRAPH_NODE_MODULES + "/");
const WebSocket = require("ws");
const { EventSource } = require("eventsource");

let Centrifuge;
let client;
let written = (data) => data; // with Protobuf payloads are bytes, for the SDK as well
let helper;
let asked = 0;

function say(event, fields) {
  console.log(JSON.stringify({ event, ...fields }, plain));
}

// Payloads as the values they encode; looked at before a Buffer makes a list of itself.
function plain(key, value) {
  const bytes = this[key];
  if (!(bytes instanceof Uint8Array)) return value;
  return bytes.length ? JSON.parse(new TextDecoder().decode(bytes)) : undefined;
}

// `tokens` are handed out one by one; when none is left the SDK is told that the user is unknown.
function tokenSource(tokens) {
  return async () => {
    say("token asked", { times: ++asked });
    if (tokens.length === 0) throw new Centrifuge.UnauthorizedError("no more tokens");
    return tokens.shift();
  };
}

const actions = {
  async connect({ url, token, tokens, options, helped, patience, protobuf }) {
    ({ Centrifuge } = require(protobuf ? "centrifuge/build/protobuf" : "centrifuge"));
    if (protobuf) written = (data) => new TextEncoder().encode(JSON.stringify(data));
    const its = helped ? await import(process.env.HELIOGRAPH_HELPER) : { patience: {} };
    const delays = Object.fromEntries(Object.entries(its.patience).map(([name, delay]) => [name, patience * delay]));
    const settings = { websocket: WebSocket, eventsource: EventSource, ...delays, ...options };
    if (token) settings.token = token;
    if (tokens) settings.getToken = tokenSource(tokens);
    client = new Centrifuge(url, settings);
    for (const name of ["connecting", "connected", "disconnected"]) client.on(name, (ctx) => say(name, ctx));
    client.on("error", (ctx) => say("error", { code: ctx.error.code, message: ctx.error.message, type: ctx.type }));
    for (const name of ["subscribed", "unsubscribed", "publication", "join", "leave"]) {
      client.on(name, (ctx) => say(name, { ...ctx, server: true }));
    }
    if (helped) {
      const told = { onGiveUp: (ctx) => say("gave up", ctx), onError: (error) => say("failed", { message: error.message }) };
      helper = new its.Heliograph(client, { ...helped, ...told });
    }
    client.connect();
  },
  async subscribe({ channel, options: { tokens, ...options } = {}, confirmed }) {
    if (tokens) options.getToken = tokenSource(tokens);
    const subscription = client.getSubscription(channel) ?? client.newSubscription(channel, options);
    for (const name of ["subscribing", "subscribed", "unsubscribed", "publication", "join", "leave"]) {
      subscription.removeAllListeners(name);
      subscription.on(name, (ctx) => say(name, { channel, ...ctx }));
    }
    if (confirmed) {
      const refused = new Set(); // what the application fails at, the first time
      helper.confirm(subscription, async ({ offset, data }) => {
        if (confirmed.includes(offset) && !refused.has(offset)) {
          refused.add(offset);
          throw new Error(`refused ${offset}`);
        }
        say("handled", { channel, offset, data });
      });
    }
    subscription.removeAllListeners("error");
    subscription.on("error", (ctx) => say("error", { channel, code: ctx.error.code, message: ctx.error.message }));
    subscription.subscribe();
  },
  async unsubscribe({ channel }) {
    client.getSubscription(channel).unsubscribe();
  },
  async publish({ channel, data }) {
    return client.publish(channel, written(data));
  },
  async history({ channel, options }) {
    return client.history(channel, options);
  },
  async rpc({ method, data }) {
    return client.rpc(method, written(data));
  },
  async presence({ channel }) {
    return client.presence(channel);
  },
  async presenceStats({ channel }) {
    return client.presenceStats(channel);
  },
  async disconnect() {
    client.disconnect();
  },
};

// The SDK sends commands of SSE and HTTP streams by fetch and looks at no failure; browsers log it, Node would end.
process.on("unhandledRejection", (error) => say("rejected", { message: String(error) }));

createInterface({ input: process.stdin })
  .on("line", async (line) => {
    const { id, action, ...parameters } = JSON.parse(line);
    try {
      say("answer", { id, result: (await actions[action](parameters)) ?? {} });
    } catch (error) {
      say("answer", { id, error: { code: error.code ?? 0, message: error.message ?? String(error) } });
    }
  })
  .on("close", () => process.exit(0));
