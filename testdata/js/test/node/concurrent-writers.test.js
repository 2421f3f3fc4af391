import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { App } from '../support/app.js';
import { withoutNulls } from '../support/contents.js';
import { converge } from '../support/converge.js';
import { TWO_SOCKETS } from '../support/dexie.js';
import { Random } from '../support/random.js';
import { Relay } from '../support/relay.js';
import { Server } from '../support/server.js';
import { WRITER_STORES, write } from '../support/writer.js';

const EDITS = 60;

function seeded(t) {
  const seed = Number(process.env.SEED ?? Date.now() % 1_000_000);
  t.diagnostic(`SEED=${seed}`);
  return new Random(seed);
}

async function writersOn(t, url, count, protocol) {
  const apps = [];
  for (let i = 0; i < count; i++) {
    const app = await App.open(t, WRITER_STORES);
    await app.connect(url, { protocol });
    apps.push(app);
  }
  return apps;
}

for (const count of [2, 5]) {
  test(
    `${count} apps that write to the same objects at once end up equal`,
    { timeout: 60_000 },
    async (t) => {
      const random = seeded(t);
      const server = await Server.start(t);
      const apps = await writersOn(t, server.url, count);
      await Promise.all(apps.map((app) => write(app, random, EDITS)));
      await converge(t, server.url, apps, { as: withoutNulls });
    },
  );
}

test('apps that take turns at being offline end up equal', { timeout: 60_000 }, async (t) => {
  const random = seeded(t);
  const server = await Server.start(t);
  const apps = await writersOn(t, server.url, 3);
  const comeAndGo = async (app) => {
    for (let i = 0; i < 5; i++) {
      await delay(random.below(100));
      await app.goOffline();
      await delay(random.below(100));
      await app.goOnline();
    }
  };
  await Promise.all(apps.map((app) => Promise.all([write(app, random, EDITS), comeAndGo(app)])));
  await converge(t, server.url, apps, { as: withoutNulls });
});

for (const protocol of ['websocket', TWO_SOCKETS]) {
  const name = `apps on a network that loses connections end up equal (${protocol})`;
  test(name, { timeout: 60_000 }, async (t) => {
    const random = seeded(t);
    const server = await Server.start(t);
    const relay = await Relay.start(t, server.url);
    const apps = await writersOn(t, relay.url, 3, protocol);
    const losses = async () => {
      for (let i = 0; i < 8; i++) {
        await delay(random.below(150));
        random.next() < 0.3 ? relay.cutUnnoticed() : relay.cut();
        relay.refuse();
        await delay(random.below(80));
        relay.accept();
      }
    };
    await Promise.all([losses(), ...apps.map((app) => write(app, random, EDITS))]);
    await converge(t, server.url, apps, { as: withoutNulls });
  });
}

test('apps end up equal although the server is killed again and again', { timeout: 60_000 }, async (t) => {
  const random = seeded(t);
  const server = await Server.start(t);
  const apps = await writersOn(t, server.url, 3);
  const outages = async () => {
    for (let i = 0; i < 3; i++) {
      await delay(random.below(250));
      await server.kill();
      await server.start();
    }
  };
  await Promise.all([outages(), ...apps.map((app) => write(app, random, EDITS))]);
  await converge(t, server.url, apps, { as: withoutNulls });
});
