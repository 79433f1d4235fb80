// Node's `ws`: client.send(text) in a loop. HELIOGRAPH_NODE_MODULES names the folder in which npm installed it.
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";

const { WebSocketServer } = createRequire(process.env.HELIOGRAPH_NODE_MODULES + "/")("ws");
const server = createServer();
const peers = new WebSocketServer({ server, perMessageDeflate: false });
const fill = "x".repeat(128 - 6 - 16 - 7 - 2);

function pushed() {
  const stamp = process.hrtime.bigint().toString(16).padStart(16, "0");
  return `{"push":{"channel":"bench","pub":{"data":{"t":"${stamp}","p":"${fill}"}}}}`;
}

function broadcast() {
  const text = pushed();
  for (const peer of peers.clients) peer.send(text);
}

function turn() {
  return new Promise((resolve) => setImmediate(resolve));
}

async function saturate(seconds) {
  const end = Date.now() + seconds * 1000;
  let messages = 0;
  for (; Date.now() < end; messages++) {
    broadcast();
    await turn();
  }
  return messages;
}

async function atRate(hz, seconds) {
  const start = performance.now();
  for (let i = 0; i < hz * seconds; i++) {
    const wait = start + (i * 1000) / hz - performance.now();
    if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
    broadcast();
  }
  return Math.floor(hz * seconds);
}

createInterface({ input: process.stdin })
  .on("line", async (line) => {
    const [word, first, seconds] = line.split(" ");
    if (word === "saturate") console.log(`done ${await saturate(Number(seconds))}`);
    else if (word === "rate") console.log(`done ${await atRate(Number(first), Number(seconds))}`);
    else process.exit(0);
  })
  .on("close", () => process.exit(0));

server.listen({ port: 0, host: "127.0.0.1", backlog: 4096 }, () => console.log(`listening ${server.address().port}`));
