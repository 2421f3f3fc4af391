import assert from 'node:assert/strict';
import { test } from 'node:test';
import { App } from '../support/app.js';
import { converge } from '../support/converge.js';
import { Server } from '../support/server.js';

async function pair(t, stores) {
  const server = await Server.start(t);
  const [alice, bob] = [await App.open(t, stores), await App.open(t, stores)];
  return {
    server,
    alice,
    bob,
    connect: () => Promise.all([alice, bob].map((app) => app.connect(server.url))),
  };
}

test('the keys 1 and "1" are two objects', { timeout: 60_000 }, async (t) => {
  const { server, alice, bob, connect } = await pair(t, { things: 'id' });
  await alice.db.things.bulkAdd([
    { id: 1, is: 'number' },
    { id: '1', is: 'string' },
  ]);
  await connect();
  await converge(t, server.url, [alice, bob]);
  assert.equal(await bob.db.things.count(), 2);

  await alice.goOffline();
  for (const key of [1, '1']) {
    await bob.db.things.update(key, { seen: true });
    await converge(t, server.url, [bob]); // the add-on merges unsent changes to 1 and "1" into one
  }
  await alice.goOnline();
  await converge(t, server.url, [alice, bob]);
  assert.deepEqual(await alice.db.things.get(1), { id: 1, is: 'number', seen: true });
  assert.deepEqual(await alice.db.things.get('1'), { id: '1', is: 'string', seen: true });

  await bob.db.things.delete(1);
  await converge(t, server.url, [alice, bob]);
  assert.deepEqual(await alice.db.things.toCollection().primaryKeys(), ['1']);
});

test('keys may be any number', { timeout: 60_000 }, async (t) => {
  const { server, alice, bob, connect } = await pair(t, { things: 'id' });
  await connect();
  await alice.db.things.bulkAdd([0, -1, 1.5, 1e21, 2 ** 53 - 1].map((id) => ({ id })));
  await converge(t, server.url, [alice, bob]);
  await bob.db.things.update(0, { seen: true });
  await bob.db.things.update(1e21, { seen: true });
  await bob.db.things.delete(-1);
  await converge(t, server.url, [alice, bob]);
});

test('compound keys', { timeout: 60_000 }, async (t) => {
  const { server, alice, bob, connect } = await pair(t, { places: '[row+seat]' });
  await alice.db.places.bulkAdd([
    { row: 1, seat: 'a' },
    { row: '1', seat: 'b' },
  ]);
  await connect();
  await converge(t, server.url, [alice, bob]);
  await bob.db.places.update([1, 'a'], { guest: 'Bob' });
  await alice.db.places.delete(['1', 'b']);
  await alice.db.places.add({ row: 2, seat: 'c', guest: 'Alice' });
  await converge(t, server.url, [alice, bob]);
  assert.deepEqual(await alice.db.places.get([1, 'a']), { row: 1, seat: 'a', guest: 'Bob' });
});

test('keys may be any text', { timeout: 60_000 }, async (t) => {
  const { server, alice, bob, connect } = await pair(t, { 'a:b': 'id' });
  const ids = ['constructor', 'toString', '', 'a.b', '[1]', '💡'];
  await alice.db.table('a:b').bulkAdd(ids.map((id) => ({ id })));
  await connect();
  await converge(t, server.url, [alice, bob]);
  for (const id of ids) await bob.db.table('a:b').update(id, { seen: true });
  await converge(t, server.url, [alice, bob]);
  assert.ok((await alice.db.table('a:b').toArray()).every(({ seen }) => seen));
});

/** The add-on collects what it updates under these names in a plain object, so it can take them only whole. */
for (const id of ['__proto__', 'hasOwnProperty']) {
  test(`the key ${id}`, { timeout: 60_000 }, async (t) => {
    const { server, alice, bob, connect } = await pair(t, { things: 'id' });
    await alice.db.things.bulkAdd([{ id }, { id: 'other' }]);
    await connect();
    await converge(t, server.url, [alice, bob]);
    await bob.db.things.toCollection().modify({ seen: true });
    await converge(t, server.url, [alice, bob]);
    await alice.db.things.delete(id);
    await converge(t, server.url, [alice, bob]);
  });
}

test('a table with keys outside its objects, edited on both sides', { timeout: 60_000 }, async (t) => {
  const { server, alice, bob, connect } = await pair(t, { settings: '' });
  await alice.db.settings.add({ theme: 'dark', font: { size: 12 } }, 'look');
  await alice.db.settings.add('en', 'language');
  await alice.db.settings.add([1, 2], 'numbers');
  await connect();
  await converge(t, server.url, [alice, bob]);

  await bob.db.settings.update('look', { 'font.size': 14 });
  await converge(t, server.url, [alice, bob]);
  await alice.db.settings.update('look', { theme: 'light' });
  await converge(t, server.url, [alice, bob]);
  assert.deepEqual(await bob.db.settings.get('look'), { theme: 'light', font: { size: 14 } });

  await Promise.all([
    alice.db.settings.update('look', { theme: 'dark' }),
    bob.db.settings.update('look', { 'font.size': 16 }),
    bob.db.settings.delete('language'),
  ]);
  await converge(t, server.url, [alice, bob]); // such objects go down whole: one of the two edits may be lost
});

/** Of such tables only objects from a first upload carry their key: the add-on leaves it out of later CREATEs. */
test('objects with auto-incremented keys, edited on both sides', { timeout: 60_000 }, async (t) => {
  const { server, alice, bob } = await pair(t, { tickets: '++id' });
  await alice.db.tickets.bulkAdd([{ title: 'one' }, { title: 'two' }, { title: 'three' }]);
  await alice.connect(server.url);
  await bob.connect(server.url);
  await converge(t, server.url, [alice, bob]);

  await Promise.all([
    alice.db.tickets.update(1, { title: 'uno' }),
    bob.db.tickets.update(1, { open: true }),
    bob.db.tickets.update(2, { title: 'due' }),
    alice.db.tickets.delete(3),
  ]);
  await converge(t, server.url, [alice, bob]);
  assert.deepEqual(await bob.db.tickets.toArray(), [
    { title: 'uno', id: 1, open: true },
    { title: 'due', id: 2 },
  ]);
});
