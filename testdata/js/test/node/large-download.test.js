import assert from 'node:assert/strict';
import { test } from 'node:test';
import { App } from '../support/app.js';
import { converge } from '../support/converge.js';
import { RawClient } from '../support/raw-client.js';
import { Relay } from '../support/relay.js';
import { Server } from '../support/server.js';

/** The server cuts a download at 50,000 changes or 8 MiB; the in-memory IndexedDB is far slower with many objects. */
const manySmall = Array.from({ length: 120_000 }, (_, id) => ({ id, x: id % 7 }));
const fewLarge = Array.from({ length: 2_500 }, (_, id) => ({ id, text: 'x'.repeat(8_000) }));

const isPartialDownload = ({ from, message }) =>
  from === 'server' && message.type === 'changes' && message.partial;

async function serverWith(t, points) {
  const server = await Server.start(t);
  const importer = await RawClient.connect(t, server.url);
  await importer.submit(points.map((obj) => ({ type: 1, table: 'points', key: obj.id, obj })));
  importer.close();
  return server;
}

async function download(t, server, from = null) {
  const reader = await RawClient.connect(t, server.url);
  await reader.submit([]);
  reader.subscribe(from);
  return (await reader.nextBatch()).map(({ message }) => message);
}

test(
  'a large database goes down in several messages, and the position moves with the last',
  { timeout: 60_000 },
  async (t) => {
    const server = await serverWith(t, manySmall);

    const batch = await download(t, server);
    const [last, ...parts] = batch.toReversed();

    assert.ok(parts.length > 0, 'it came as one message');
    for (const part of parts) {
      assert.equal(part.partial, true);
      assert.ok(part.currentRevision < last.currentRevision, 'a partial message carries the new position');
    }
    assert.equal(
      new Set(batch.flatMap(({ changes }) => changes.map(({ key }) => key))).size,
      manySmall.length,
    );

    const repeated = await download(t, server, batch[0].currentRevision);
    assert.equal(
      repeated.flatMap(({ changes }) => changes).length,
      manySmall.length,
      'the position of a partial message does not start the batch over',
    );
  },
);

test('a new app receives a large database', { timeout: 60_000 }, async (t) => {
  const server = await serverWith(t, fewLarge);
  const relay = await Relay.start(t, server.url);
  const app = await App.open(t, { points: 'id' });

  await app.connect(relay.url);

  await converge(t, server.url, [app]);
  assert.equal(await app.db.points.count(), fewLarge.length);
  assert.ok(relay.log.some(isPartialDownload), 'it came as one message');
});

for (const when of ['inside', 'after']) {
  test(`a download that breaks off ${when} a partial message starts over`, { timeout: 60_000 }, async (t) => {
    const server = await serverWith(t, fewLarge);
    const relay = await Relay.start(t, server.url);
    const app = await App.open(t, { points: 'id' });

    const interrupted = relay.interrupt(when, isPartialDownload);
    await assert.rejects(app.connect(relay.url));
    await interrupted;
    assert.equal(await app.db.points.count(), 0);

    relay.accept();
    await converge(t, server.url, [app]);
    assert.equal(await app.db.points.count(), fewLarge.length);
  });
}
