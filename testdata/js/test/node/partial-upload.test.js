import assert from 'node:assert/strict';
import { test } from 'node:test';
import { App } from '../support/app.js';
import { converge } from '../support/converge.js';
import { protocolInParts } from '../support/dexie.js';
import { Relay } from '../support/relay.js';
import { Server } from '../support/server.js';
import { serverContents } from '../support/server-state.js';

const stores = { items: 'id' };
const protocol = protocolInParts(10);

const items = (count) => Array.from({ length: count }, (_, n) => ({ id: `item ${n}`, n }));
const secondAck = ({ message }) => message.type === 'ack' && message.requestId === 2;
const uploads = ({ log }) =>
  log.filter(({ from, message }) => from === 'app' && message.changes?.length).map(({ message }) => message);

async function apps(t) {
  const server = await Server.start(t);
  const relay = await Relay.start(t, server.url);
  const [alice, bob] = [await App.open(t, stores), await App.open(t, stores)];
  await bob.connect(server.url);
  return { server, relay, alice, bob };
}

test('a database uploaded in parts arrives whole', { timeout: 60_000 }, async (t) => {
  const { server, relay, alice, bob } = await apps(t);
  await alice.db.items.bulkAdd(items(35));
  await alice.connect(relay.url, { protocol });
  await converge(t, server.url, [alice, bob]);

  assert.deepEqual(
    uploads(relay).map(({ changes, partial }) => [changes.length, partial]),
    [
      [10, true],
      [10, true],
      [10, true],
      [5, false],
    ],
  );
  assert.equal(await bob.db.items.count(), 35);
});

for (const when of ['before', 'after']) {
  test(
    `an upload that breaks off ${when} an acknowledgement is finished on another connection`,
    { timeout: 60_000 },
    async (t) => {
      const { server, relay, alice, bob } = await apps(t);
      await alice.db.items.bulkAdd(items(35));

      const interrupted = relay.interrupt(when, secondAck);
      await alice.connect(relay.url, { protocol });
      await interrupted;
      assert.equal((await serverContents(t, server.url)).size, 0, 'a part of the set can be seen');
      assert.equal(await bob.db.items.count(), 0);

      relay.accept();
      await converge(t, server.url, [alice, bob]);
      assert.equal(await bob.db.items.count(), 35);
    },
  );
}

test('an upload that breaks off meets what others wrote in the meantime', { timeout: 60_000 }, async (t) => {
  const { server, relay, alice, bob } = await apps(t);
  await alice.db.items.bulkAdd(items(35));

  const interrupted = relay.interrupt('after', secondAck);
  await alice.connect(relay.url, { protocol });
  await interrupted;
  await bob.db.items.bulkAdd([
    { id: 'item 3', by: 'bob' },
    { id: 'item 33', by: 'bob' },
  ]);
  await alice.db.items.update('item 4', { late: true });
  await alice.db.items.delete('item 5');
  await converge(t, server.url, [bob]);

  relay.accept();
  await converge(t, server.url, [alice, bob]);
  assert.equal(await bob.db.items.count(), 34);
  assert.equal((await bob.db.items.get('item 4')).late, true);
});

test('a large transaction of a connected app is sent in parts', { timeout: 60_000 }, async (t) => {
  const { server, relay, alice, bob } = await apps(t);
  await alice.connect(relay.url, { protocol });
  await alice.db.items.bulkAdd(items(25));
  await converge(t, server.url, [alice, bob]);
  assert.deepEqual(
    uploads(relay).map(({ partial }) => partial),
    [true, true, false],
  );

  await alice.db.items.toCollection().modify({ done: true });
  await converge(t, server.url, [alice, bob]);
});
