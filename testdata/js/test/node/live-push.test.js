import assert from 'node:assert/strict';
import { test } from 'node:test';
import { App } from '../support/app.js';
import { converge } from '../support/converge.js';
import { eventually } from '../support/eventually.js';
import { Server } from '../support/server.js';

const stores = { todos: '$$id' };

test(
  'what one app adds, edits and deletes appears in the others without a reload',
  { timeout: 60_000 },
  async (t) => {
    const server = await Server.start(t);
    const [alice, bob, carol] = await Promise.all([1, 2, 3].map(() => App.open(t, stores)));
    for (const app of [alice, bob, carol]) await app.connect(server.url);

    const milk = await alice.db.todos.add({ title: 'Milk', done: false });
    await eventually(async () => assert.equal((await bob.db.todos.get(milk))?.title, 'Milk'));

    await bob.db.todos.update(milk, { done: true });
    await eventually(async () => assert.equal((await carol.db.todos.get(milk))?.done, true));

    await carol.db.todos.delete(milk);
    await eventually(async () => assert.equal(await alice.db.todos.get(milk), undefined));

    await converge(t, server.url, [alice, bob, carol]);
  },
);

test('an app is told of remote changes by the events of Dexie.Observable', { timeout: 60_000 }, async (t) => {
  const server = await Server.start(t);
  const [alice, bob] = [await App.open(t, stores), await App.open(t, stores)];
  for (const app of [alice, bob]) await app.connect(server.url);

  const events = [];
  bob.db.on('changes', (changes) => events.push(...changes));
  await alice.db.todos.add({ id: 'bread', title: 'Bread' });

  await eventually(() =>
    assert.deepEqual(
      events.map(({ type, key }) => ({ type, key })),
      [{ type: 1, key: 'bread' }],
    ),
  );
});
