import assert from 'node:assert/strict';
import { test } from 'node:test';
import { App } from '../support/app.js';
import { withoutNulls } from '../support/contents.js';
import { converge } from '../support/converge.js';
import { RawClient } from '../support/raw-client.js';
import { Server } from '../support/server.js';

const stores = { notes: 'id' };

async function pair(t) {
  const server = await Server.start(t);
  const [alice, bob] = [await App.open(t, stores), await App.open(t, stores)];
  for (const app of [alice, bob]) await app.connect(server.url);
  return { server, alice, bob };
}

test('values of every kind arrive as JSON has them', { timeout: 60_000 }, async (t) => {
  const { server, alice, bob } = await pair(t);
  await alice.db.notes.add({
    id: 'all',
    date: new Date('2024-02-29T12:00:00.000Z'),
    nothing: null,
    nested: [[], [[1, [2]]], {}, { deep: [{ er: null }] }],
    numbers: [0, -1, 0.1, 1e-7, 1e21, Number.MAX_SAFE_INTEGER],
    text: 'naïve 東京 👩‍🚀 \u0000 \u2028 " \\ / </script>',
    alone: 'high \ud800 low \udc00',
    '': 'no name',
    'ключ 💡': true,
  });
  await converge(t, server.url, [alice, bob]);

  const note = await bob.db.notes.get('all');
  assert.equal(note.date, '2024-02-29T12:00:00.000Z');
  assert.equal(note.alone, 'high \ud800 low \udc00');
  assert.equal(note.text, (await alice.db.notes.get('all')).text);
});

test('edits inside of values arrive', { timeout: 60_000 }, async (t) => {
  const { server, alice, bob } = await pair(t);
  await alice.db.notes.add({ id: 'n', tags: ['a', 'b'], at: { x: 1, y: { z: 1 } }, none: null });
  await converge(t, server.url, [alice, bob]);
  await bob.db.notes.update('n', { 'tags.1': 'c', 'at.y.z': '\ud83d', 'none.more': 1, 'new.path.here': [] });
  await converge(t, server.url, [alice, bob]);
  assert.deepEqual(await alice.db.notes.get('n'), {
    id: 'n',
    tags: ['a', 'c'],
    at: { x: 1, y: { z: '\ud83d' } },
    none: { more: 1 },
    new: { path: { here: [] } },
  });
});

test('a property removed in an app is null elsewhere', { timeout: 60_000 }, async (t) => {
  const { server, alice, bob } = await pair(t);
  await alice.db.notes.add({ id: 'n', text: 'x', at: { x: 1, y: 2 } });
  await converge(t, server.url, [alice, bob]);
  await alice.db.notes.put({ id: 'n', at: { x: 1 } });
  await converge(t, server.url, [alice, bob], { as: withoutNulls });
  assert.deepEqual(await bob.db.notes.get('n'), { id: 'n', text: null, at: { x: 1, y: null } });
});

test('an object that is created and at once edited arrives edited', { timeout: 60_000 }, async (t) => {
  const { server, alice, bob } = await pair(t);
  for (let n = 0; n < 10; n++) {
    await alice.db.notes.add({ id: `n${n}`, count: 0 });
    if (n % 2) await converge(t, server.url, [alice]);
    await alice.db.notes.update(`n${n}`, { count: 1 });
    await alice.db.notes.update(`n${n}`, { count: 2 });
  }
  await converge(t, server.url, [alice, bob]);
  assert.ok((await bob.db.notes.toArray()).every(({ count }) => count === 2));
});

test('numbers, strings and the order of members come out byte for byte', { timeout: 60_000 }, async (t) => {
  const server = await Server.start(t);
  const writer = await RawClient.connect(t, server.url);
  const obj =
    '{"id":"n","z":12345678901234567890,"one":1.0,"exp":1E+2,"a":{"2":0,"1":-0.0},"s":"\\ud800\\u0041é"}';
  await writer.submitText(`[{"type":1,"table":"notes","key":"n","obj":${obj}}]`);

  assert.ok((await downloadText(t, server)).includes(obj));

  await writer.submitText('[{"type":2,"table":"notes","key":"n","mods":{"a.1":98765432109876543210.50}}]');
  const edited = await downloadText(t, server);
  for (const literal of ['12345678901234567890', '1.0', '1E+2', '98765432109876543210.50']) {
    assert.ok(edited.includes(literal), `${literal} is not in ${edited}`);
  }
});

async function downloadText(t, server) {
  const reader = await RawClient.connect(t, server.url);
  await reader.submit([]);
  reader.subscribe();
  return (await reader.nextBatch()).map(({ text }) => text).join('\n');
}
