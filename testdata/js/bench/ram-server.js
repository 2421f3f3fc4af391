// A sync server that keeps everything in memory and nothing on disk, to compare
// with. It has the algorithms, the dictionaries and the WebSocket library of the
// WebSocket sample of Dexie.Syncable, and so their cost: whenever a set is committed
// or a subscriber is sent something, it looks through all changes that there ever
// were. A turn of the event loop ends before subscribers are told, once for all
// changes of that turn. The same protocol, one database, whatever the path.
//
// The library leaves Nagle's algorithm on: a second small message waits until the
// client has acknowledged the first, in TCP. --no-delay turns the algorithm off.
//
// A set without a base is taken as it is: those who only write are to cost this
// server no more than they must. --compare-all compares it with all changes, as the
// sample does.
//
//   node ram-server.js [port] [--no-delay] [--compare-all]

import { parseArgs } from "node:util";
import ws from "nodejs-websocket";

const CREATE = 1, UPDATE = 2, DELETE = 3;

const changes = []; // {rev, source, type, table, key, obj, mods}
const tables = {}; // from name to {key: object}
const open = new Map(); // from client to the changes of a set of which more is to come
const subscribers = new Set();
let clients = 0;
let waking = false;

const { values: flags, positionals: [port] } = parseArgs({
  options: {
    "no-delay": { type: "boolean", default: false },
    "compare-all": { type: "boolean", default: false },
  },
  allowPositionals: true,
});

ws.setMaxBufferLength(64 << 20); // as many as Syncabled takes; the library alone takes 2 MiB
const server = ws.createServer((conn) => {
  conn.socket.setNoDelay(flags["no-delay"]);
  const client = { identity: null, position: 0, send: (message) => conn.sendText(JSON.stringify(message)) };
  conn.on("text", (text) => handle(client, JSON.parse(text)));
  conn.on("close", () => subscribers.delete(client));
  conn.on("error", () => conn.socket.destroy());
});
server.listen(Number(port ?? 0), "127.0.0.1", () => {
  console.error(`listening on ws://127.0.0.1:${server.socket.address().port}/`);
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
    case "changes": {
      const set = [...(open.get(client.identity) ?? []), ...message.changes];
      if (message.partial) {
        open.set(client.identity, set);
      } else {
        open.delete(client.identity);
        commit(client, message.baseRevision || (flags["compare-all"] ? 0 : changes.length), set);
      }
      client.send({ type: "ack", requestId: message.requestId });
      break;
    }
    case "subscribe":
      client.position = message.syncedRevision ?? 0;
      subscribers.add(client);
      push(client);
  }
}

// Resolves a set against what others did since its base, and applies the rest.
function commit(client, base, set) {
  const others = reduce(changes.filter(({ rev, source }) => rev > base && source !== client.identity));
  for (const change of set) {
    const stands = resolve(change, others[idOf(change)]);
    if (stands) apply(client, stands);
  }
}

// Returns what is left of a change beside what others did to its object.
function resolve(change, other) {
  if (!other || other.type === UPDATE && change.type === DELETE) return change;
  if (other.type !== UPDATE) return null;
  if (change.type === CREATE) return { ...change, obj: updated(change.obj, other.mods) };
  const taken = Object.keys(other.mods);
  const left = Object.entries(change.mods).filter(([path]) => !taken.some((t) => path === t || path.startsWith(t + ".")));
  return left.length > 0 ? { ...change, mods: Object.fromEntries(left) } : null;
}

function apply(client, { type, table, key, obj, mods }) {
  const objects = tables[table] ??= {};
  switch (type) {
    case CREATE:
      objects[key] = obj;
      break;
    case UPDATE:
      if (!objects[key]) return;
      objects[key] = updated(objects[key], mods);
      break;
    case DELETE:
      if (!objects[key]) return;
      delete objects[key];
  }
  changes.push({ rev: changes.length + 1, source: client.identity, type, table, key, obj, mods });
  if (waking) return;
  waking = true;
  setTimeout(() => {
    waking = false;
    subscribers.forEach(push);
  }, 0);
}

// Sends a client what others changed after its position, if only the position.
function push(client) {
  const unseen = changes.filter(({ rev, source }) => rev > client.position && source !== client.identity);
  const sent = Object.values(reduce(unseen)).map(({ type, table, key, obj, mods }) => ({ type, table, key, obj, mods }));
  client.position = changes.length;
  client.send({ type: "changes", changes: sent, currentRevision: client.position, partial: false });
}

const idOf = ({ table, key }) => table + ":" + key;

// Leaves one change per object, by object.
function reduce(list) {
  const byObject = {};
  for (const change of list) {
    const id = idOf(change);
    byObject[id] = merge(byObject[id], change);
  }
  return byObject;
}

function merge(earlier, later) {
  if (!earlier || later.type !== UPDATE) return later;
  switch (earlier.type) {
    case CREATE:
      return { ...earlier, obj: updated(earlier.obj, later.mods) };
    case UPDATE:
      return { ...earlier, mods: { ...earlier.mods, ...later.mods } };
    case DELETE:
      return earlier;
  }
}

function updated(obj, mods) {
  const copy = structuredClone(obj);
  for (const path of Object.keys(mods)) setByKeyPath(copy, path, mods[path]);
  return copy;
}

function setByKeyPath(obj, path, value) {
  const steps = path.split(".");
  const last = steps.pop();
  for (const step of steps) obj = obj[step] ??= {};
  obj[last] = value;
}
