// The demo page: orders go to the worker that holds the socket, what it tells is shown.

const ROWS = 200;
const BARS = 60;
const LEAST = 10; // ms; the scale of the bars is never finer
const FAIR = 50; // ms; what people begin to feel
const LATE = 250; // ms; the server's objective

const byId = (id) => document.getElementById(id);
const show = (id, text) => {
  byId(id).textContent = text;
};
const make = (tag, text = '', properties = {}) => Object.assign(document.createElement(tag), { textContent: text }, properties);
const clock = (at) => new Date(at).toLocaleTimeString([], { hour12: false });
const now = () => performance.timeOrigin + performance.now();

const worker = new Worker(new URL('socket-worker.js', import.meta.url), { type: 'module' });
const order = (name, detail = {}) => worker.postMessage({ order: name, ...detail });

const page = { config: { traces: '', traced: false }, channel: '', begun: false, latencies: [], counts: {} };

// ------------------------------------------------------------------ what is shown

const pace = (latency) => (latency < FAIR ? 'good' : latency < LATE ? 'fair' : 'late');
const inWords = (latency) => (latency < 10 ? `${latency.toFixed(1)} ms` : latency < 10_000 ? `${Math.round(latency)} ms` : `${(latency / 1000).toFixed(1)} s`);

function state(name, text) {
  byId('state').dataset.state = name;
  show('state', text);
  const connected = name === 'on' || name === 'frozen';
  for (const id of ['publish', 'burst', 'kill', 'throttle', 'freeze']) byId(id).disabled = !connected;
  byId('disconnect').disabled = name === 'off';
  byId('connect').textContent = name === 'off' ? 'Connect' : 'Listen here';
}

function note(text, at = now()) {
  const line = make('li', text);
  line.prepend(make('time', clock(at)));
  byId('log').prepend(line);
  while (byId('log').children.length > ROWS) byId('log').lastChild.remove();
}

function count(id, step = 1) {
  page.counts[id] = (page.counts[id] ?? 0) + step;
  show(id, page.counts[id]);
}

function draw() {
  const shown = page.latencies.slice(-BARS);
  if (!shown.length) return;
  const most = Math.max(LEAST, ...shown);
  const width = 600 / BARS;
  const bars = shown.map((latency, index) => {
    const bar = document.createElementNS('http://www.w3.org/2000/svg', 'rect');
    const height = Math.max(2, (58 * latency) / most);
    const place = { x: index * width, y: 60 - height, width: width - 2, height };
    for (const [name, value] of Object.entries(place)) bar.setAttribute(name, value);
    bar.dataset.pace = pace(latency);
    return bar;
  });
  byId('latencies').replaceChildren(...bars);
  show('scale', `top: ${inWords(most)}`);
  const sorted = [...shown].sort((a, b) => a - b);
  show('median', inWords(sorted[Math.floor(sorted.length / 2)]));
}

const textOf = (data) => (typeof data?.text === 'string' ? data.text : JSON.stringify(data));

function traceOf(tags) {
  const cell = make('td', '', { className: 'mono' });
  const trace = /^00-([0-9a-f]{32})-/.exec(tags.traceparent ?? '')?.[1];
  if (trace && /^https?:/.test(page.config.traces)) {
    const link = { href: `${page.config.traces}/trace/${trace}`, target: '_blank', rel: 'noreferrer', title: trace };
    cell.append(make('a', trace.slice(0, 8), link));
  } else {
    cell.append(make('span', trace ? trace.slice(0, 8) : '–', { className: 'faint', title: page.config.traced ? 'not sampled' : 'tracing is off: set telemetry.otlp_endpoint' }));
  }
  return cell;
}

function row({ channel, data, offset, tags, recovered }, at) {
  const latency = typeof data?.sent === 'number' ? Math.max(0, at - data.sent) : null;
  const line = document.createElement('tr');
  const text = make('td', textOf(data), { className: 'text' });
  if (recovered) text.append(make('span', 'caught up', { className: 'tag' }));
  const late = make('td', latency === null ? '–' : inWords(latency), { className: 'number' });
  if (latency !== null && !recovered) {
    page.latencies.push(latency);
    late.dataset.pace = pace(latency);
  }
  line.append(make('td', clock(at), { className: 'mono' }), make('td', offset ? `${channel} #${offset}` : channel, { className: 'mono' }), text, late, traceOf(tags));
  byId('messages').prepend(line);
  while (byId('messages').children.length > ROWS) byId('messages').lastChild.remove();
  byId('empty').hidden = true;
}

// ---------------------------------------------------------- what the worker tells

const heard = {
  connecting({ attempt, delay }) {
    state('wait', attempt && delay ? `again in ${(delay / 1000).toFixed(1)} s` : 'connecting');
  },
  connected({ client }) {
    state('on', 'connected');
    show('client', client.slice(0, 8));
    note(page.begun ? `connected again as client ${client}` : `connected as client ${client}`);
    if (page.begun) count('reconnects');
    page.begun = true;
  },
  disconnected({ code, reason, final }) {
    state(final ? 'off' : 'wait', 'disconnected');
    show('client', '');
    note(`disconnected: ${code ? `${code} ` : ''}${reason || 'no reason given'}${final ? ', for good' : ''}`);
    if (final) page.begun = false;
  },
  subscribed({ channel, recovering, recovered, missed }) {
    const how = recovering ? `; recovered: ${recovered}${recovered ? `, ${missed} missed message${missed === 1 ? '' : 's'} caught up` : ', something is lost'}` : '';
    note(`subscribed to ${channel}${how}`);
    if (recovering) count('caught-up', missed);
  },
  unsubscribed({ channel, code, reason }) {
    note(`unsubscribed from ${channel}${code ? `: ${code} ${reason}` : ''}`);
  },
  publication(publication, at) {
    count('received');
    row(publication, at);
    draw();
  },
  published() {},
  frozen({ seconds }) {
    state('frozen', `not reading for ${seconds} s`);
    note(`the client stops reading for ${seconds} s`);
  },
  thawed() {
    state('on', 'connected');
    note('the client reads again');
  },
  throttled({ milliseconds }) {
    byId('throttle').setAttribute('aria-pressed', String(milliseconds > 0));
    show('throttle', milliseconds ? 'Read at full speed' : 'Throttle me');
    note(milliseconds ? `the client takes ${milliseconds} ms over each message` : 'the client reads at full speed');
  },
  error({ message, code }) {
    const why = code === 103 ? ' (this channel is not open to clients; use heliograph pub)' : '';
    note(`${message}${code ? `, code ${code}` : ''}${why}`);
  },
};

worker.onmessage = ({ data: { name, detail, at } }) => heard[name](detail, at);

// -------------------------------------------------------------------- the buttons

const socketUrl = () => `${location.protocol.replace('http', 'ws')}//${location.host}${page.config.websocket}`;

// What a shell in Heliograph's folder takes as it stands.
function command(channel) {
  const quoted = /^[\w:.@-]+$/.test(channel) && channel[0] !== '-' ? channel : `-- '${channel.replaceAll("'", "'\\''")}'`;
  const server = ['127.0.0.1:8000', 'localhost:8000'].includes(location.host) ? '' : ` --server ${location.origin}`;
  return `.venv/bin/heliograph pub${server} ${quoted} '{"text":"hello"}'`;
}

function listen() {
  const channel = byId('channel').value.trim();
  show('command', command(channel));
  if (channel === page.channel) return;
  if (page.channel) order('unsubscribe', { channel: page.channel });
  page.channel = channel;
  order('subscribe', { channel });
}

byId('connection').addEventListener('submit', (event) => {
  event.preventDefault();
  if (byId('state').dataset.state === 'off') {
    page.channel = '';
    order('connect', { url: socketUrl(), token: byId('token').value.trim() });
  }
  listen();
});

const publish = (text) => order('publish', { channel: page.channel, data: { text, sent: now() } });

byId('publishing').addEventListener('submit', (event) => {
  event.preventDefault();
  publish(byId('text').value);
});

byId('burst').addEventListener('click', () => {
  for (let number = 1; number <= 20; number += 1) publish(`${byId('text').value} (${number})`);
});

byId('disconnect').addEventListener('click', () => order('disconnect'));
byId('kill').addEventListener('click', () => order('kill'));
byId('freeze').addEventListener('click', () => order('freeze', { seconds: 4 }));
byId('throttle').addEventListener('click', ({ target }) => {
  order('throttle', { milliseconds: target.getAttribute('aria-pressed') === 'true' ? 0 : 200 });
});

byId('theme').addEventListener('click', () => {
  const root = document.documentElement;
  root.dataset.theme = root.dataset.theme === 'light' ? 'dark' : 'light';
});

document.documentElement.dataset.theme = matchMedia('(prefers-color-scheme: light)').matches ? 'light' : 'dark';
page.config = await (await fetch(new URL('config', import.meta.url))).json();
show('command', command(byId('channel').value));
document.documentElement.dataset.loaded = 'true';
