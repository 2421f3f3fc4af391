import assert from 'node:assert/strict';
import { test } from 'node:test';
import { App } from '../support/app.js';
import { converge } from '../support/converge.js';
import { eventually } from '../support/eventually.js';
import { RawClient } from '../support/raw-client.js';
import { Server } from '../support/server.js';
import { serverContents } from '../support/server-state.js';

const stores = { todos: 'id' };

for (const end of ['stop', 'kill']) {
  test(`apps carry on after the server was restarted (${end})`, { timeout: 60_000 }, async (t) => {
    const server = await Server.start(t);
    const [alice, bob] = [await App.open(t, stores), await App.open(t, stores)];
    for (const app of [alice, bob]) await app.connect(server.url);
    await alice.db.todos.bulkAdd([{ id: 'milk' }, { id: 'bread' }]);
    await converge(t, server.url, [alice, bob]);

    await server[end]();
    await eventually(async () => assert.notEqual(await alice.status(), 'ONLINE'));
    await alice.db.todos.update('milk', { done: true });
    await bob.db.todos.update('milk', { litres: 2 });
    await bob.db.todos.delete('bread');
    await server.start();

    await converge(t, server.url, [alice, bob]);
    assert.deepEqual(await alice.db.todos.toArray(), [{ id: 'milk', done: true, litres: 2 }]);
  });
}

test('what was acknowledged survives a kill', { timeout: 60_000 }, async (t) => {
  const server = await Server.start(t);
  const writer = await RawClient.connect(t, server.url);
  for (let n = 0; n < 20; n++) {
    await writer.submit([{ type: 1, table: 'todos', key: `todo ${n}`, obj: { id: `todo ${n}` } }]);
  }
  await server.kill();
  await server.start();
  assert.equal((await serverContents(t, server.url)).size, 20);
});

test('a server that stops says so to its clients', { timeout: 60_000 }, async (t) => {
  const server = await Server.start(t);
  const client = await RawClient.connect(t, server.url);
  await client.submit([]);
  const closed = client.closed();
  await server.stop();
  assert.equal(await closed, 1012);
});
