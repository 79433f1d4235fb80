// The connection lives in a worker: it can stop reading, as a slow client does, without freezing the page. The kernel's
// buffers fill up then, and the server sees a slow reader.

import { Client } from './centrifuge-lite.js';
import { Heliograph } from './heliograph.js';

let client = null;
let helper = null;
let slow = 0; // ms to dawdle over each message

const now = () => performance.timeOrigin + performance.now(); // ms, finer than Date.now()
const tell = (name, detail) => postMessage({ name, detail, at: now() });

const stall = (milliseconds) => {
  const until = performance.now() + milliseconds;
  while (performance.now() < until); // sleeping would let the browser read on
};

// The helper takes the SDK's client; here it reports for ours. It shall not give up on whoever tries what happens.
const reported = (of) => {
  const handlers = {};
  helper?.close();
  helper = new Heliograph(
    { state: '', on: (name, handler) => (handlers[name] = handler), rpc: (method, data) => of().rpc(method, data) },
    { attempts: Infinity, reportEvery: 2000 },
  );
  return (name, detail) => {
    if (name === 'disconnected' && !detail.final) handlers.connecting(detail);
    else if (name === 'connected' || name === 'publication') handlers[name](detail);
  };
};

const hear = (helped) => (name, detail) => {
  if (name === 'publication' && slow) stall(slow);
  tell(name, detail);
  helped(name, detail);
};

let kept = '';

const fetchToken = async (renew) => {
  if (kept && !renew) return kept;
  const answer = await fetch('token', { method: 'POST' });
  const told = await answer.json();
  if (!answer.ok) throw new Error(told.error);
  kept = told.token;
  return kept;
};

const orders = {
  connect({ url, token }) {
    client?.disconnect();
    client = new Client(url, { token: token ? () => token : fetchToken, on: hear(reported(() => client)) });
    client.connect();
  },
  resume: () => client?.connect(),
  disconnect: () => client?.disconnect(),
  kill: () => client?.drop(),
  subscribe: ({ channel }) => client?.subscribe(channel),
  unsubscribe: ({ channel }) => client?.unsubscribe(channel),
  publish({ channel, data }) {
    client
      ?.publish(channel, data)
      .then(() => tell('published', { channel }))
      .catch((error) => tell('error', { message: `publish: ${error.message}`, code: error.code }));
  },
  freeze({ seconds }) {
    tell('frozen', { seconds });
    setTimeout(() => {
      stall(seconds * 1000);
      tell('thawed', { seconds });
    });
  },
  throttle({ milliseconds }) {
    slow = milliseconds;
    tell('throttled', { milliseconds });
  },
};

onmessage = ({ data: { order, ...rest } }) => orders[order](rest);
