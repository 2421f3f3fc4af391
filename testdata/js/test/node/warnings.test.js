import assert from 'node:assert/strict';
import { test } from 'node:test';
import { App } from '../support/app.js';
import { converge } from '../support/converge.js';
import { WITHOUT_TABLES } from '../support/dexie.js';
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
  await assert.rejects(bob.connect(server.url, { protocol: WITHOUT_TABLES }));
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

test('a device that was restored from a backup is told of, and can be mended', { timeout: 120_000 }, async (t) => {
  const server = await Server.start(t);
  const alice = await App.open(t, { todos: 'id' });
  await alice.db.todos.bulkAdd([{ id: 'milk' }, { id: 'bread' }]);
  await alice.connect(server.url);
  const restored = await alice.restored(t);
  const mended = await alice.restored(t);
  await alice.db.todos.update('milk', { litres: 2 });
  await alice.db.todos.delete('bread');
  restored.connect(server.url).catch(() => {});

  // Both are used until the server has noticed.
  await eventually(
    async () => {
      const id = crypto.randomUUID();
      await Promise.all([alice.db.todos.add({ id }), restored.db.todos.add({ id: `restored ${id}` })]);
      const told = logged(server, 'connection ended').some(({ code }) => code === 1008);
      assert.ok(told && logged(server, 'two devices use one identity').length === 1);
    },
    { every: 500, within: 100_000 },
  );

  // With an identity of its own, from its next start on, what it has not sent arrives.
  await restored.goOffline();
  restored.db.close();
  await restored.open();
  await restored.db.syncable.delete(server.url);
  await restored.connect(server.url);
  await converge(t, server.url, [alice, restored]);

  // Before it connects for the first time is early enough.
  await mended.db.syncable.delete(server.url);
  await mended.db.todos.add({ id: 'salt' });
  await mended.connect(server.url);
  await converge(t, server.url, [alice, restored, mended]);
  assert.deepEqual(await alice.db.todos.get('milk'), { id: 'milk', litres: 2 });
  assert.deepEqual(await alice.db.todos.get('salt'), { id: 'salt' });
  assert.equal(logged(server, 'two devices use one identity').length, 1);
});
