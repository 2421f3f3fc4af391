import assert from 'node:assert/strict';
import { test } from 'node:test';
import { App } from '../support/app.js';
import { eventually } from '../support/eventually.js';
import { Server } from '../support/server.js';

/** What the server logged whose message contains a text. */
function logged(server, text) {
  return server.log.map((line) => JSON.parse(line)).filter((event) => event.message?.includes(text));
}

/** Reloads an app, each time after its connection has ended, for as long as the server has nothing to say. */
async function reloadUntilWarned(server, app, text) {
  for (let visits = 1; visits <= 8 && logged(server, text).length === 0; visits++) {
    await eventually(() => assert.ok(logged(server, 'connection ended').length >= visits));
    await app.reload();
  }
  await eventually(() => assert.equal(logged(server, text).length, 1));
}

const notApplied = 'does not apply what it is sent';

test('an app that lacks a table is told of, and ?tables= mends it', { timeout: 60_000 }, async (t) => {
  const server = await Server.start(t);
  const alice = await App.open(t, { todos: 'id', tags: 'id' });
  await alice.db.todos.add({ id: 'milk' });
  await alice.db.tags.add({ id: 'red' });
  await alice.connect(server.url);
  const bob = await App.open(t, { todos: 'id' });
  await assert.rejects(bob.connect(server.url));
  await reloadUntilWarned(server, bob, notApplied);

  await bob.goOffline();
  await bob.connect(`${server.url}?tables=todos`);
  await eventually(async () => assert.deepEqual(await bob.db.todos.toArray(), [{ id: 'milk' }]));
});

test('an app whose unique index does not hold elsewhere is told of', { timeout: 60_000 }, async (t) => {
  const server = await Server.start(t);
  const alice = await App.open(t, { todos: 'id' });
  await alice.db.todos.bulkAdd([{ id: 'a', name: 'milk' }, { id: 'b', name: 'milk' }]);
  await alice.connect(server.url);
  const bob = await App.open(t, { todos: 'id, &name' });
  await assert.rejects(bob.connect(server.url));
  await reloadUntilWarned(server, bob, notApplied);
});

test('apps that count keys by themselves lose objects, and the server says so', { timeout: 60_000 }, async (t) => {
  const server = await Server.start(t);
  const [alice, bob] = [await App.open(t, { todos: '++id' }), await App.open(t, { todos: '++id' })];
  for (const app of [alice, bob]) await app.connect(server.url);
  await Promise.all([alice.goOffline(), bob.goOffline()]);
  await alice.db.todos.add({ text: 'milk' });
  await bob.db.todos.add({ text: 'bread' });
  await Promise.all([alice.goOnline(), bob.goOnline()]);
  const [warning] = await eventually(() => {
    const warnings = logged(server, 'gave different objects the same key');
    assert.equal(warnings.length, 1);
    return warnings;
  });
  assert.equal(warning.table, 'todos');
});
