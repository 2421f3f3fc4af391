// A sync server that keeps everything in memory and nothing on disk: what one
// would write first, to compare with. The same protocol, one database, whatever
// the path.
//
//   node ram-server.js [port]

import { WebSocketServer } from "ws";

const CREATE = 1, UPDATE = 2, DELETE = 3;

const log = []; // {rev, source, type, table, key, obj, mods}
const subscribers = new Set();
let clients = 0;

const server = new WebSocketServer({ host: "127.0.0.1", port: Number(process.argv[2] ?? 0) }, () => {
  console.error(`listening on ws://127.0.0.1:${server.address().port}/`);
});

server.on("connection", (socket) => {
  const client = { identity: null, position: 0, opened: false, send: (message) => socket.send(JSON.stringify(message)) };
  socket.on("message", (data) => handle(client, JSON.parse(data)));
  socket.on("close", () => subscribers.delete(client));
  socket.on("error", () => socket.terminate());
});

function handle(client, message) {
  switch (message.type) {
    case "clientIdentity":
      client.identity = message.clientIdentity;
      if (!client.identity) {
        client.identity = String(++clients);
        client.send({ type: "clientIdentity", clientIdentity: client.identity });
      }
      break;
    case "changes":
      for (const { type, table, key, obj, mods } of message.changes) {
        log.push({ rev: log.length + 1, source: client.identity, type, table, key, obj, mods });
      }
      client.send({ type: "ack", requestId: message.requestId });
      if (message.changes.length > 0) subscribers.forEach(push);
      break;
    case "subscribe":
      client.position = message.syncedRevision ?? 0;
      subscribers.add(client);
      push(client);
  }
}

// Sends a client what others changed after its position.
function push(client) {
  const changes = log.slice(client.position).filter((change) => change.source !== client.identity);
  const currentRevision = log.length;
  client.position = currentRevision;
  if (changes.length === 0 && client.opened) return;
  client.opened = true;
  client.send({ type: "changes", changes: reduce(changes), currentRevision, partial: false });
}

// Leaves one change per object.
function reduce(changes) {
  const byObject = new Map();
  for (const change of changes) {
    const id = JSON.stringify([change.table, change.key]);
    byObject.set(id, merge(byObject.get(id), change));
  }
  return [...byObject.values()].map(({ type, table, key, obj, mods }) => ({ type, table, key, obj, mods }));
}

function merge(earlier, later) {
  if (!earlier || later.type !== UPDATE) return later;
  switch (earlier.type) {
    case CREATE: {
      const obj = structuredClone(earlier.obj);
      for (const path of Object.keys(later.mods)) setByKeyPath(obj, path, later.mods[path]);
      return { ...earlier, obj };
    }
    case UPDATE:
      return { ...earlier, mods: { ...earlier.mods, ...later.mods } };
    case DELETE:
      return earlier;
  }
}

function setByKeyPath(obj, path, value) {
  const steps = path.split(".");
  const last = steps.pop();
  for (const step of steps) obj = obj[step] ??= {};
  obj[last] = value;
}
