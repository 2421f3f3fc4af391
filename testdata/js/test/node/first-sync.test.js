import assert from 'node:assert/strict';
import { test } from 'node:test';
import { App } from '../support/app.js';
import { converge } from '../support/converge.js';
import { Relay } from '../support/relay.js';
import { Server } from '../support/server.js';

const stores = { todos: 'id', lists: 'id' };

test(
  'what an app held before its first sync is uploaded, and reaches the others',
  { timeout: 60_000 },
  async (t) => {
    const server = await Server.start(t);
    const [alice, bob] = [await App.open(t, stores), await App.open(t, stores)];
    await alice.db.lists.add({ id: 'shop', name: 'Shopping' });
    await alice.db.todos.bulkAdd([
      { id: 'milk', list: 'shop' },
      { id: 'bread', list: 'shop' },
    ]);

    await alice.connect(server.url);
    await bob.connect(server.url);

    await converge(t, server.url, [alice, bob]);
    assert.equal(await bob.db.todos.count(), 2);
    assert.equal((await bob.db.lists.get('shop')).name, 'Shopping');
  },
);

test('two apps with data of their own end up with both', { timeout: 60_000 }, async (t) => {
  const server = await Server.start(t);
  const [alice, bob] = [await App.open(t, stores), await App.open(t, stores)];
  await alice.db.todos.bulkAdd([
    { id: 'milk', by: 'alice' },
    { id: 'shared', by: 'alice' },
  ]);
  await bob.db.todos.bulkAdd([
    { id: 'bread', by: 'bob' },
    { id: 'shared', by: 'bob' },
  ]);

  await alice.connect(server.url);
  await bob.connect(server.url);

  await converge(t, server.url, [alice, bob]);
  assert.deepEqual((await bob.db.todos.toCollection().primaryKeys()).sort(), ['bread', 'milk', 'shared']);
  assert.equal((await bob.db.todos.get('shared')).by, 'alice', 'what was on the server first stands');
});

test(
  'the first sync of an empty app with an empty server lets the app begin',
  { timeout: 60_000 },
  async (t) => {
    const server = await Server.start(t);
    const app = await App.open(t, stores);
    await app.connect(server.url);
    await app.db.todos.add({ id: 'first' });
    await converge(t, server.url, [app]);
  },
);

test('databases of one server are separate', { timeout: 60_000 }, async (t) => {
  const server = await Server.start(t);
  const [home, work] = [await App.open(t, stores), await App.open(t, stores)];
  await home.connect(server.database('home'));
  await work.connect(server.database('work'));
  await home.db.todos.add({ id: 'dishes' });
  await work.db.todos.add({ id: 'report' });

  await converge(t, server.database('home'), [home]);
  await converge(t, server.database('work'), [work]);
  assert.deepEqual(await home.db.todos.toCollection().primaryKeys(), ['dishes']);
  assert.deepEqual(await work.db.todos.toCollection().primaryKeys(), ['report']);
});

for (const when of ['before', 'inside', 'after']) {
  test(
    `what a new app has stays as it is when its connection is lost ${when} the message with its identity`,
    { timeout: 60_000 },
    async (t) => {
      const server = await Server.start(t);
      const relay = await Relay.start(t, server.url);
      const app = await App.open(t, stores);
      const created = new Date(0);
      await app.db.todos.add({ id: 'milk', created });
      const interrupted = relay.interrupt(when, ({ from, message }) => from === 'server' && message.type === 'clientIdentity');
      app.connect(relay.url).catch(() => {});
      await interrupted;
      relay.accept();
      await converge(t, server.url, [app]);
      assert.deepEqual(await app.db.todos.toArray(), [{ id: 'milk', created }]);
    },
  );
}
