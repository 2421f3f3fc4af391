/**
 * What docs/apps.md tells authors of apps about the limits of unmodified clients. A test that fails because such a
 * limit is gone is good news, and the page has to change.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { App } from '../support/app.js';
import { converge } from '../support/converge.js';
import { WITHOUT_TABLES } from '../support/dexie.js';
import { eventually } from '../support/eventually.js';
import { Relay } from '../support/relay.js';
import { Server } from '../support/server.js';
import { serverContents } from '../support/server-state.js';

const timeout = 60_000;

async function pair(t, stores, ...flags) {
  const server = await Server.start(t, ...flags);
  const [alice, bob] = [await App.open(t, stores), await App.open(t, stores)];
  for (const app of [alice, bob]) await app.connect(server.url);
  return { server, alice, bob };
}

const hasStopped = (app) => eventually(async () => assert.equal(await app.status(), 'ERROR'));
const arrives = (app, table, key) => eventually(async () => assert.ok(await app.db.table(table).get(key)));
const reachesServer = (t, server, id) =>
  eventually(async () => assert.ok((await serverContents(t, server.url)).has(id)));

test('an app that lacks a table of the others and does not say so stops, sends edits at each start, and catches up when upgraded', { timeout }, async (t) => {
  const server = await Server.start(t);
  const [alice, bob] = [await App.open(t, { todos: 'id', tags: 'id' }), await App.open(t, { todos: 'id' })];
  for (const app of [alice, bob]) await app.connect(server.url, { protocol: WITHOUT_TABLES });

  await alice.db.transaction('rw', alice.db.todos, alice.db.tags, async () => {
    await alice.db.todos.add({ id: 'milk' });
    await alice.db.tags.add({ id: 'dairy' });
  });
  await hasStopped(bob);
  assert.equal(await bob.db.todos.count(), 0, 'nothing of the batch is applied');

  await bob.db.todos.add({ id: 'bread' });
  await bob.reload();
  await arrives(alice, 'todos', 'bread');
  await hasStopped(bob);
  assert.equal(await bob.db.todos.get('milk'), undefined);

  await bob.upgrade({ tags: 'id' });
  await converge(t, server.url, [alice, bob]);
  assert.equal(await bob.db.tags.count(), 1);
});

test('an app that names its tables in the URL gets nothing of others', { timeout }, async (t) => {
  const server = await Server.start(t);
  const [alice, bob] = [await App.open(t, { todos: 'id', tags: 'id' }), await App.open(t, { todos: 'id' })];
  await alice.connect(server.url);
  await bob.connect(`${server.url}?tables=todos`);
  await alice.db.tags.add({ id: 'dairy' });
  await alice.db.todos.add({ id: 'milk' });
  await arrives(bob, 'todos', 'milk');
  await eventually(async () => assert.equal(await bob.status(), 'ONLINE'));
});

for (const change of ['host', 'query']) {
  test(`at another address, another ${change}, unsent edits and deletions are undone`, { timeout }, async (t) => {
    const server = await Server.start(t);
    const relay = await Relay.start(t, server.url);
    const [before, after] = {
      host: [relay.url, server.url],
      query: [`${server.url}?tables=todos`, `${server.url}?tables=todos,tags`],
    }[change];
    const [alice, bob] = [await App.open(t, { todos: 'id' }), await App.open(t, { todos: 'id' })];
    await alice.connect(before);
    await bob.connect(server.url);
    await bob.db.todos.bulkAdd([{ id: 'milk', litres: 1 }, { id: 'bread' }]);
    await converge(t, server.url, [alice, bob]);

    await alice.goOffline();
    await alice.db.todos.update('milk', { litres: 2 });
    await alice.db.todos.delete('bread');
    await alice.db.todos.add({ id: 'salt' });
    await alice.connect(after);
    await converge(t, server.url, [alice, bob]);
    assert.deepEqual(await alice.db.todos.toArray(), [{ id: 'bread' }, { id: 'milk', litres: 1 }, { id: 'salt' }]);
    assert.deepEqual(await alice.db.syncable.list(), [before, after], 'it also keeps the old address');
  });
}

test('a device that has sent everything can move to another address', { timeout }, async (t) => {
  const server = await Server.start(t);
  const relay = await Relay.start(t, server.url);
  const [alice, bob] = [await App.open(t, { todos: 'id' }), await App.open(t, { todos: 'id' })];
  await alice.connect(relay.url);
  await bob.connect(server.url);
  await alice.db.todos.bulkAdd([{ id: 'milk', litres: 1 }, { id: 'bread' }]);
  await alice.db.todos.update('milk', { litres: 2 });
  await alice.db.todos.delete('bread');
  await converge(t, server.url, [alice, bob]);

  await alice.connect(server.url);
  await alice.db.syncable.delete(relay.url);
  assert.deepEqual(await alice.db.syncable.list(), [server.url]);
  await bob.db.todos.update('milk', { fresh: true });
  await converge(t, server.url, [alice, bob]);
  assert.deepEqual(await alice.db.todos.toArray(), [{ id: 'milk', litres: 2, fresh: true }]);
});

test('a Dexie database that two users share gives each what the other has', { timeout }, async (t) => {
  const server = await Server.start(t);
  const device = await App.open(t, { todos: 'id' });
  await device.connect(server.database('alice'));
  await device.db.todos.add({ id: 'of alice' });
  await device.goOffline();
  await device.connect(server.database('bob'));
  assert.deepEqual([...(await serverContents(t, server.database('bob'))).keys()], ['todos "of alice"']);
});

test("others' edits and deletions do not reach an author whose keys are dates", { timeout }, async (t) => {
  const { alice, bob } = await pair(t, { days: 'day' });
  const [monday, tuesday] = [new Date('2024-02-26'), new Date('2024-02-27')];
  await alice.db.days.bulkAdd([{ day: monday, sunny: true }, { day: tuesday }]);
  await arrives(bob, 'days', '2024-02-27T00:00:00.000Z');

  await bob.db.days.update('2024-02-26T00:00:00.000Z', { sunny: false });
  await bob.db.days.delete('2024-02-27T00:00:00.000Z');
  await bob.db.days.add({ day: 'later' });
  await arrives(alice, 'days', 'later');
  assert.deepEqual(await alice.db.days.get(monday), { day: monday, sunny: true });
  assert.ok(await alice.db.days.get(tuesday));
});

test('an edit of a property with a dot in its name arrives as a path', { timeout }, async (t) => {
  const { alice, bob } = await pair(t, { prices: 'id' });
  await alice.db.prices.add({ id: 'milk', 'shop.example': 1 });
  await arrives(bob, 'prices', 'milk');
  await alice.db.prices.put({ id: 'milk', 'shop.example': 2 });
  await eventually(async () =>
    assert.deepEqual(await bob.db.prices.get('milk'), { id: 'milk', 'shop.example': 1, shop: { example: 2 } }),
  );
});

test('one value twice in a unique index stops apps until the index is gone', { timeout }, async (t) => {
  const { server, alice, bob } = await pair(t, { users: 'id, &email', todos: 'id' });
  await alice.goOffline();
  await alice.db.users.add({ id: 'a', email: 'ada@example.com' });
  await bob.db.users.add({ id: 'b', email: 'ada@example.com' });
  await reachesServer(t, server, 'users "b"');
  await assert.rejects(alice.goOnline(), /ConstraintError/);
  for (const app of [alice, bob]) await hasStopped(app);

  await alice.db.todos.add({ id: 'milk' });
  await alice.reload();
  await reachesServer(t, server, 'todos "milk"');
  await hasStopped(bob);
  assert.equal(await bob.db.todos.get('milk'), undefined, 'all of the batch is missing');

  for (const app of [alice, bob]) await app.upgrade({ users: 'id, email' });
  await converge(t, server.url, [alice, bob]);
  assert.equal(await alice.db.users.count(), 2);
});

test('of two objects added at once to a table with ++id, the server has one', { timeout }, async (t) => {
  const { server, alice, bob } = await pair(t, { todos: '++id' });
  for (const app of [alice, bob]) {
    await app.goOffline();
    await app.db.todos.add({ by: app.name });
  }
  for (const app of [alice, bob]) await app.goOnline();
  for (const app of [alice, bob]) await eventually(async () => assert.equal(await app.unsent(), 0));
  assert.deepEqual([...(await serverContents(t, server.url)).keys()], ['todos 1']);
});

test('an object over the limit is acknowledged, and undone in its app', { timeout }, async (t) => {
  const { server, alice, bob } = await pair(t, { notes: 'id' }, '--max-object', '1KiB');
  await alice.db.notes.add({ id: 'small', text: 'short' });
  await alice.db.notes.add({ id: 'large', text: 'long'.repeat(500) });
  await converge(t, server.url, [alice, bob]);
  await alice.db.notes.update('small', { text: 'long'.repeat(500) });
  await converge(t, server.url, [alice, bob]);
  assert.deepEqual(await alice.db.notes.toArray(), [{ id: 'small', text: 'short' }]);
  assert.equal(server.log.filter((line) => line.includes('refused a change')).length, 2);
});

test('an app whose message is over the limit sends it again, and nothing else', { timeout }, async (t) => {
  const { server, alice, bob } = await pair(t, { notes: 'id' }, '--max-frame', '4KiB');
  await alice.db.notes.bulkAdd(Array.from({ length: 20 }, (_, id) => ({ id, text: 'x'.repeat(500) })));
  const refusals = (count) =>
    eventually(() => assert.ok(server.log.filter((line) => line.includes('1009')).length >= count));
  await refusals(2);
  await alice.db.notes.add({ id: 'tiny' });
  await refusals(4);
  assert.equal(await alice.unsent(), 21);
  assert.equal(await bob.db.notes.count(), 0);
});

test('values that JSON lacks arrive as what JSON makes of them, and stay as they are with their author', { timeout }, async (t) => {
  const { server, alice, bob } = await pair(t, { notes: 'id' });
  const note = {
    id: 'n',
    at: new Date(0),
    bytes: new Uint8Array([1, 2]),
    buffer: new ArrayBuffer(2),
    blob: new Blob(['x']),
    numbers: [Infinity, NaN, undefined],
    map: new Map([[1, 2]]),
    set: new Set([1]),
    gone: undefined,
  };
  await alice.db.notes.add(note);
  await converge(t, server.url, [alice, bob]);
  const copy = { id: 'n', at: '1970-01-01T00:00:00.000Z', bytes: { 0: 1, 1: 2 }, buffer: {}, blob: {}, numbers: [null, null, null], map: {}, set: {} };
  assert.deepEqual(await bob.db.notes.get('n'), copy);

  await bob.db.notes.put({ ...copy, title: 'Note' });
  await arrives(alice, 'notes', 'n');
  await eventually(async () => assert.equal((await alice.db.notes.get('n')).title, 'Note'));
  const { at, set } = await alice.db.notes.get('n');
  assert.deepEqual({ at, set }, { at: note.at, set: note.set });
});

test('dates and the texts that they arrive as are in two places of an index', { timeout }, async (t) => {
  const { server, alice, bob } = await pair(t, { notes: 'id, at' });
  await alice.db.notes.add({ id: 'first', at: new Date('2030-01-01') });
  await bob.db.notes.add({ id: 'second', at: new Date('2031-01-01') });
  await converge(t, server.url, [alice, bob]);
  assert.deepEqual(await alice.db.notes.orderBy('at').primaryKeys(), ['first', 'second']);
  assert.deepEqual(await bob.db.notes.orderBy('at').primaryKeys(), ['second', 'first']);
});

test('a BigInt stops an app until its object is gone', { timeout }, async (t) => {
  const { server, alice, bob } = await pair(t, { notes: 'id' });
  await alice.db.notes.add({ id: 'big', value: 1n });
  await hasStopped(alice);
  await alice.reload();
  await hasStopped(alice);
  await alice.db.notes.add({ id: 'next' });
  assert.ok((await alice.unsent()) > 0);

  await alice.db.notes.delete('big');
  await alice.reload();
  await converge(t, server.url, [alice, bob]);
  assert.equal(await bob.db.notes.count(), 1);
});

test('a plain value under an outbound key cannot be changed, but replaced', { timeout }, async (t) => {
  const { server, alice, bob } = await pair(t, { settings: '' });
  await alice.db.settings.add('en', 'language');
  await converge(t, server.url, [alice, bob]);
  await alice.db.settings.put('de', 'language');
  await converge(t, server.url, [alice, bob]);
  assert.equal(await alice.db.settings.get('language'), 'en');

  await alice.db.settings.delete('language');
  await alice.db.settings.add('de', 'language');
  await converge(t, server.url, [alice, bob]);
  assert.equal(await bob.db.settings.get('language'), 'de');
});

test('a table whose name begins with $ or _ stays on its device', { timeout }, async (t) => {
  const { server, alice, bob } = await pair(t, { todos: 'id', $drafts: '++id, &title', _cache: 'id' });
  await alice.db.$drafts.add({ title: 'Draft', picture: new Blob(['x']), revision: 1n });
  await alice.db._cache.add({ id: 'tiles' });
  await alice.db.todos.add({ id: 'milk' });
  await arrives(bob, 'todos', 'milk');
  await converge(t, server.url, [alice, bob]);
  assert.deepEqual([...(await serverContents(t, server.url)).keys()], ['todos "milk"']);
  assert.equal(await bob.db.$drafts.count(), 0);
});
