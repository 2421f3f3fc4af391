import assert from 'node:assert/strict';
import { test } from 'node:test';
import { App } from '../support/app.js';
import { converge } from '../support/converge.js';
import { eventually } from '../support/eventually.js';
import { Server } from '../support/server.js';

const stores = { todos: 'id' };

/** Two apps that have synced, a backup, edits that are lost with the server, and the restored server. */
async function restored(t, loseWith) {
  const server = await Server.start(t);
  const [alice, bob] = [await App.open(t, stores), await App.open(t, stores)];
  for (const app of [alice, bob]) await app.connect(server.url);
  await alice.db.todos.bulkAdd([{ id: 'milk' }, { id: 'bread' }, { id: 'salt' }]);
  await converge(t, server.url, [alice, bob]);
  await bob.db.todos.delete('salt');
  await converge(t, server.url, [alice, bob]);
  server.backup();
  await loseWith(alice.db, bob.db);
  await converge(t, server.url, [alice, bob]);
  await server.stop();
  await server.restore();
  return { server, alice, bob };
}

test('apps that are ahead of a restored server go back to what it has', { timeout: 60_000 }, async (t) => {
  const { server, alice, bob } = await restored(t, async (alice, bob) => {
    await alice.todos.update('milk', { litres: 2 });
    await bob.todos.delete('bread');
  });
  await converge(t, server.url, [alice, bob]);
  assert.deepEqual(await alice.db.todos.toArray(), [{ id: 'bread' }, { id: 'milk' }]);

  await bob.db.todos.update('milk', { litres: 3 });
  await alice.db.todos.delete('bread');
  await converge(t, server.url, [alice, bob]);
  assert.deepEqual(await alice.db.todos.toArray(), [{ id: 'milk', litres: 3 }]);
});

test('what an app did offline meanwhile is sent to the restored server', { timeout: 60_000 }, async (t) => {
  const { server, alice, bob } = await restored(t, async (alice, bob) => {
    await bob.todos.update('milk', { litres: 2 });
  });
  await alice.goOffline();
  await alice.db.todos.update('bread', { sliced: true });
  await alice.db.todos.add({ id: 'sugar' });
  await alice.goOnline();
  await converge(t, server.url, [alice, bob]);
  assert.deepEqual(await bob.db.todos.toArray(), [{ id: 'bread', sliced: true }, { id: 'milk' }, { id: 'sugar' }]);
});

test('an app that connects to a restored server for the first time gets what it has', { timeout: 60_000 }, async (t) => {
  const { server, alice, bob } = await restored(t, (alice) => alice.todos.delete('milk'));
  const carol = await App.open(t, stores);
  await carol.connect(server.url);
  await converge(t, server.url, [alice, bob, carol]);
  assert.deepEqual(await carol.db.todos.toArray(), [{ id: 'bread' }, { id: 'milk' }]);
});

// Dexie.Syncable ignores `clear`, and what was acknowledged it does not send again.
test('objects made after the backup stay where they are, and nowhere else', { timeout: 60_000 }, async (t) => {
  const { server, alice, bob } = await restored(t, (alice) => alice.todos.add({ id: 'sugar' }));
  await alice.db.todos.update('milk', { litres: 1 });
  await eventually(async () => assert.equal((await bob.db.todos.get('milk')).litres, 1));
  const carol = await App.open(t, stores);
  await carol.connect(server.url);
  for (const [app, keys] of [[alice, ['bread', 'milk', 'sugar']], [bob, ['bread', 'milk', 'sugar']], [carol, ['bread', 'milk']]]) {
    assert.deepEqual(await app.db.todos.toCollection().primaryKeys(), keys);
  }
});
