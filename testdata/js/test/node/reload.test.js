import assert from 'node:assert/strict';
import { test } from 'node:test';
import { App } from '../support/app.js';
import { converge } from '../support/converge.js';
import { Relay } from '../support/relay.js';
import { Server } from '../support/server.js';

const stores = { todos: 'id' };

const sent = (relay, type) =>
  relay.log
    .filter(({ from, message }) => from === 'app' && message.type === type)
    .map(({ message }) => message);

async function apps(t) {
  const server = await Server.start(t);
  const relay = await Relay.start(t, server.url);
  const [alice, bob] = [await App.open(t, stores), await App.open(t, stores)];
  await alice.connect(relay.url);
  await bob.connect(server.url);
  return { server, relay, alice, bob };
}

test('a page that is reloaded goes on where it was, as the same client', { timeout: 60_000 }, async (t) => {
  const { server, relay, alice, bob } = await apps(t);
  await alice.db.todos.bulkAdd([{ id: 'milk' }, { id: 'bread' }]);
  await converge(t, server.url, [alice, bob]);

  await alice.reload();
  await bob.db.todos.update('milk', { done: true });
  await alice.db.todos.update('bread', { done: true });
  await converge(t, server.url, [alice, bob]);

  const [first, second] = sent(relay, 'clientIdentity').map(({ clientIdentity }) => clientIdentity);
  assert.equal(first, null);
  assert.equal(typeof second, 'string');
  assert.notEqual(sent(relay, 'subscribe')[1].syncedRevision, null, 'the reloaded page starts from nothing');
});

test('edits made right before a reload are not lost', { timeout: 60_000 }, async (t) => {
  const { server, alice, bob } = await apps(t);
  for (let n = 0; n < 5; n++) {
    await alice.db.todos.put({ id: 'note', n });
    await alice.reload();
  }
  await converge(t, server.url, [alice, bob]);
  assert.equal((await bob.db.todos.get('note')).n, 4);
});

test('a reload between a commit and its acknowledgement does no harm', { timeout: 60_000 }, async (t) => {
  const { server, relay, alice, bob } = await apps(t);
  const ackLost = relay.interrupt('before', ({ message }) => message.type === 'ack');
  await alice.db.todos.add({ id: 'milk', litres: 1 });
  await ackLost;
  await alice.reload();
  await alice.db.todos.update('milk', { litres: 2 });
  relay.accept();
  await converge(t, server.url, [alice, bob]);
  assert.equal((await bob.db.todos.get('milk')).litres, 2);
});
