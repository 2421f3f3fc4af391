import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { App } from '../support/app.js';
import { converge } from '../support/converge.js';
import { protocolInParts } from '../support/dexie.js';
import { eventually } from '../support/eventually.js';
import { Relay } from '../support/relay.js';
import { Server } from '../support/server.js';
import { serverContents } from '../support/server-state.js';

const timeout = 60_000;
const stores = { files: 'id' };
const MEBIBYTE = 1024 * 1024;
const LIMIT = 4 * MEBIBYTE;

/** Objects of a mebibyte each, as UTF-8; as JavaScript counts they have a third of that. */
const files = (count) =>
  Array.from({ length: count }, (_, n) => ({ id: `file ${n}`, text: '京'.repeat(MEBIBYTE / 3) }));
const isMessage = (number) => ({ from, message }) => from === 'app' && message.requestId === number;
const isAck = (number) => ({ message }) => message.type === 'ack' && message.requestId === number;
const uploads = ({ log }) =>
  log.filter(({ from, message }) => from === 'app' && message.changes?.length).map(({ message }) => message);

async function apps(t) {
  const server = await Server.start(t);
  const relay = await Relay.start(t, server.url);
  const [alice, bob] = [await App.open(t, stores), await App.open(t, stores)];
  await bob.connect(server.url);
  return { server, relay, alice, bob };
}

test('a large set is sent in several messages, and arrives whole', { timeout }, async (t) => {
  const { server, relay, alice, bob } = await apps(t);
  await alice.db.files.bulkAdd(files(10));
  await alice.connect(relay.url);
  await converge(t, server.url, [alice, bob]);

  const messages = uploads(relay);
  assert.deepEqual(
    messages.map(({ changes, first, partial }) => [changes.length, first, partial]),
    [
      [3, true, true],
      [3, false, true],
      [3, false, true],
      [1, false, false],
    ],
  );
  for (const message of messages) assert.ok(Buffer.byteLength(JSON.stringify(message)) < LIMIT + 1000);

  await alice.db.files.bulkAdd([{ id: 'largest', text: 'x'.repeat(LIMIT + 1) }, { id: 'small' }]);
  await converge(t, server.url, [alice, bob]);
  assert.deepEqual(
    uploads(relay).slice(4).map(({ changes, first, partial }) => [changes.length, first, partial]),
    [
      [1, true, true],
      [1, false, false],
    ],
  );
});

for (const [edit, change] of Object.entries({
  'has less to send': (files) => files.bulkDelete(['file 0', 'file 1', 'file 4', 'file 8']),
  'has little to send': (files) => files.where('id').above('file 0').delete(),
})) {
  test(`nothing is left of an attempt to send a large set when the app ${edit}`, { timeout }, async (t) => {
    const { server, relay, alice, bob } = await apps(t);
    await alice.db.files.bulkAdd(files(10));
    const interrupted = relay.interrupt('inside', isMessage(3));
    alice.connect(relay.url).catch(() => {});
    await interrupted;
    await change(alice.db.files);
    const left = await alice.contents();

    relay.accept();
    await converge(t, server.url, [alice, bob]);
    assert.deepEqual(await bob.contents(), left);
  });
}

test('a large set of a connected app is taken up on another connection', { timeout }, async (t) => {
  const { server, relay, alice, bob } = await apps(t);
  await alice.connect(relay.url);
  const interrupted = relay.interrupt('inside', isMessage(4)); // the third of this set
  await alice.db.files.bulkAdd(files(10));
  await interrupted;
  assert.equal((await serverContents(t, server.url)).size, 0, 'a part of the set can be seen');

  await alice.db.files.delete('file 2');
  relay.accept();
  await converge(t, server.url, [alice, bob]);
  assert.equal(await bob.db.files.count(), 9);
});

test('what Dexie.Syncable cuts by itself goes on where it was accepted', { timeout }, async (t) => {
  const { server, relay, alice, bob } = await apps(t);
  await alice.db.files.bulkAdd(files(7));
  const interrupted = relay.interrupt('after', isAck(3)); // of the first five, both messages are accepted
  alice.connect(relay.url, { protocol: protocolInParts(5) }).catch(() => {});
  await interrupted;
  await eventually(async () => assert.notEqual(await alice.status(), 'SYNCING'));

  relay.accept();
  await converge(t, server.url, [alice, bob]);
  assert.equal(await bob.db.files.count(), 7);
  assert.deepEqual(new Set(uploads(relay).map(({ first }) => first)), new Set([false]));
});

test('a server that knows nothing of it takes a large set', { timeout }, async (t) => {
  const sample = spawn(process.execPath, [fileURLToPath(new URL('../../bench/ram-server.js', import.meta.url))]);
  t.after(() => sample.kill());
  const [line] = await once(createInterface(sample.stderr), 'line');
  const url = line.replace('listening on ', '');

  const [alice, bob] = [await App.open(t, stores), await App.open(t, stores)];
  await alice.db.files.bulkAdd(files(10));
  for (const app of [alice, bob]) await app.connect(url);
  await eventually(async () => assert.deepEqual(await bob.contents(), await alice.contents()));
});
