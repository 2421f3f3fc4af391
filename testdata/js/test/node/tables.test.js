import assert from 'node:assert/strict';
import { test } from 'node:test';
import { App } from '../support/app.js';
import { converge } from '../support/converge.js';
import Dexie from '../support/dexie.js';
import { eventually } from '../support/eventually.js';
import { Relay } from '../support/relay.js';
import { Server } from '../support/server.js';
import { Storage } from '../support/storage.js';

const timeout = 60_000;

const identities = ({ log }) => log.filter(({ message }) => message.type === 'clientIdentity' && 'tables' in message);
const named = (relay) => identities(relay).map(({ message }) => message.tables);

async function connected(t, stores) {
  const server = await Server.start(t);
  const relay = await Relay.start(t, server.url);
  const app = await App.open(t, stores);
  await app.connect(relay.url);
  return { server, relay, app };
}

test('an app names the tables of its schema, and after an upgrade the new ones, at the same address', { timeout }, async (t) => {
  const { server, relay, app } = await connected(t, { todos: 'id', $drafts: 'id', _cache: 'id' });
  assert.deepEqual(named(relay), [['todos']]);

  await app.goOffline();
  await app.db.todos.add({ id: 'milk' });
  await app.upgrade({ tags: 'id', lists: 'id' });
  await converge(t, server.url, [app]);
  assert.deepEqual(named(relay).slice(1).map((tables) => tables.sort()), [['lists', 'tags', 'todos']]);
  assert.deepEqual(await app.db.syncable.list(), [relay.url]);
});

test('an app that is opened again and connects connects once', { timeout }, async (t) => {
  const { relay, app } = await connected(t, { todos: 'id', tags: 'id' });
  await app.reload(); // Dexie.Syncable connects by itself, and the app once more
  await app.goOnline();
  await app.goOnline();
  await eventually(async () => assert.equal(await app.status(), 'ONLINE'));
  assert.equal(identities(relay).length, 2);
});

test('an app that connects before its database is open names its tables', { timeout }, async (t) => {
  const server = await Server.start(t);
  const relay = await Relay.start(t, server.url);
  const db = new Dexie('app', new Storage().newPage().options);
  t.after(() => db.close());
  db.version(1).stores({ todos: 'id' });
  await db.syncable.connect('websocket', relay.url);
  assert.deepEqual(named(relay), [['todos']]);
});
