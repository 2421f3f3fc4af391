import assert from 'node:assert/strict';
import { test } from 'node:test';
import { App } from '../support/app.js';
import { converge } from '../support/converge.js';
import { TWO_SOCKETS } from '../support/dexie.js';
import { eventually } from '../support/eventually.js';
import { Relay } from '../support/relay.js';
import { Server } from '../support/server.js';

const stores = { contacts: 'id' };

/** Two apps that hold `contact`; `whileOffline` runs with alice offline, bob's edits are on the server before hers. */
async function meetAfter(t, contact, whileOffline) {
  const server = await Server.start(t);
  const [alice, bob] = [await App.open(t, stores), await App.open(t, stores)];
  await alice.db.contacts.add(contact);
  for (const app of [alice, bob]) await app.connect(server.url);
  await converge(t, server.url, [alice, bob]);

  await alice.goOffline();
  await whileOffline({ alice: alice.db.contacts, bob: bob.db.contacts });
  await converge(t, server.url, [bob]);
  await alice.goOnline();
  await converge(t, server.url, [alice, bob]);
  return alice.db.contacts.get(contact.id);
}

test(
  'edits of different properties are merged, and of one property the server has the say',
  { timeout: 60_000 },
  async (t) => {
    const contact = await meetAfter(t, { id: 'eve', name: 'Eve', phone: '1' }, async ({ alice, bob }) => {
      await alice.update('eve', { name: 'Eva', phone: '2' });
      await bob.update('eve', { phone: '3' });
    });
    assert.deepEqual(contact, { id: 'eve', name: 'Eva', phone: '3' });
  },
);

test(
  'a nested edit survives inside an object that was set as a whole elsewhere',
  { timeout: 60_000 },
  async (t) => {
    const contact = await meetAfter(t, { id: 'eve', address: { city: 'Rome' } }, async ({ alice, bob }) => {
      await alice.update('eve', { address: null });
      await alice.update('eve', { address: { zip: '00100' } });
      await bob.update('eve', { 'address.city': 'Paris' });
    });
    assert.deepEqual(contact, { id: 'eve', address: { zip: '00100', city: 'Paris' } });
  },
);

test('a deletion beats an edit, whichever came first', { timeout: 60_000 }, async (t) => {
  const deletedOffline = await meetAfter(t, { id: 'eve' }, async ({ alice, bob }) => {
    await alice.delete('eve');
    await bob.update('eve', { name: 'Eve' });
  });
  assert.equal(deletedOffline, undefined);

  const deletedOnline = await meetAfter(t, { id: 'eve' }, async ({ alice, bob }) => {
    await alice.update('eve', { name: 'Eve' });
    await bob.delete('eve');
  });
  assert.equal(deletedOnline, undefined);
});

test(
  'an object deleted on one side and created anew on the other is there',
  { timeout: 60_000 },
  async (t) => {
    const contact = await meetAfter(t, { id: 'eve', name: 'Eve' }, async ({ alice, bob }) => {
      await alice.update('eve', { name: 'Eva' });
      await bob.delete('eve');
      await bob.add({ id: 'eve', name: 'Another Eve' });
    });
    assert.deepEqual(contact, { id: 'eve', name: 'Another Eve' });
  },
);

for (const protocol of ['websocket', TWO_SOCKETS]) {
  test(
    `an app comes back by itself after an outage, with its edits (${protocol})`,
    { timeout: 60_000 },
    async (t) => {
      const server = await Server.start(t);
      const relay = await Relay.start(t, server.url);
      const [alice, bob] = [await App.open(t, stores), await App.open(t, stores)];
      await alice.connect(relay.url, { protocol });
      await bob.connect(server.url);

      relay.refuse();
      relay.cut();
      await eventually(async () => assert.equal(await alice.status(), 'ERROR_WILL_RETRY'));
      await alice.db.contacts.add({ id: 'ann' });
      await bob.db.contacts.add({ id: 'ben' });
      await converge(t, server.url, [bob]);
      relay.accept();
      await converge(t, server.url, [alice, bob]);

      await alice.db.contacts.update('ben', { name: 'Ben' });
      await bob.db.contacts.update('ann', { name: 'Ann' });
      await converge(t, server.url, [alice, bob]);
      assert.equal(relay.connections > 1, protocol === TWO_SOCKETS);
    },
  );
}

test(
  'an app returns while the server still takes its old connection for alive',
  { timeout: 60_000 },
  async (t) => {
    const server = await Server.start(t);
    const relay = await Relay.start(t, server.url);
    const [alice, bob] = [await App.open(t, stores), await App.open(t, stores)];
    await alice.connect(relay.url);
    await bob.connect(server.url);
    await alice.db.contacts.add({ id: 'ann' });
    await converge(t, server.url, [alice, bob]);

    relay.cutUnnoticed();
    await alice.db.contacts.update('ann', { name: 'Ann' });
    await bob.db.contacts.update('ann', { phone: '1' });

    await converge(t, server.url, [alice, bob]);
    assert.deepEqual(await bob.db.contacts.get('ann'), { id: 'ann', name: 'Ann', phone: '1' });
  },
);

test('changes whose acknowledgement was lost are not applied twice', { timeout: 60_000 }, async (t) => {
  const server = await Server.start(t);
  const relay = await Relay.start(t, server.url);
  const [alice, bob] = [await App.open(t, stores), await App.open(t, stores)];
  await alice.connect(relay.url);
  await bob.connect(server.url);

  const ackLost = relay.interrupt('before', ({ message }) => message.type === 'ack');
  await alice.db.contacts.add({ id: 'ann', name: 'Ann' });
  await ackLost;
  await eventually(async () => assert.ok(await bob.db.contacts.get('ann')));
  await bob.db.contacts.update('ann', { name: 'Anne' });
  await converge(t, server.url, [bob]);
  relay.accept();

  await converge(t, server.url, [alice, bob]);
  assert.equal((await alice.db.contacts.get('ann')).name, 'Anne');
});
