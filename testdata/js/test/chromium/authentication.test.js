import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { after, before, test } from 'node:test';
import { serverBinary } from '../support/binary.js';
import { launchBrowser } from '../support/browser.js';
import { eventually } from '../support/eventually.js';
import { Server } from '../support/server.js';
import { DEMO, TodoPage } from '../support/todo-page.js';

const SECRET = 'a secret that is thirty-two bytes';
const timeout = 60_000;
let browser;

before(async () => (browser = await launchBrowser()));
after(() => browser.close());

/** A token that `syncabled token` makes. */
function mint(...flags) {
  const env = { ...process.env, SYNCABLED_JWT_SECRET: SECRET };
  return execFileSync(serverBinary(), ['token', '--db', 'demo', ...flags], { env, encoding: 'utf8' }).trim();
}

const startServer = (t) => Server.start(t, '--static', DEMO, '--jwt-secret', SECRET, '--jwt-cookie', 'sync');

async function openAs(t, server, ...flags) {
  const page = await TodoPage.open(t, browser, server.pages, { sync: mint(...flags) });
  await eventually(async () => assert.equal(await page.status(), 'Online'));
  return page;
}

async function show(pages, list) {
  for (const page of pages) await eventually(async () => assert.deepEqual(await page.list(), list));
}

test('a page is let in when its browser has a token in a cookie', { timeout }, async (t) => {
  const server = await startServer(t);
  const page = await TodoPage.open(t, browser, server.pages);
  await page.add('Milk');
  await eventually(() => assert.ok(server.log.some((line) => line.includes('"missing_token"'))));
  await page.setCookie('sync', mint('--sub', 'alice')); // it tries again by itself
  await eventually(async () => assert.equal(await page.status(), 'Online'));
  await show([page, await openAs(t, server, '--sub', 'bob')], ['- Milk']);
});

test('what a user writes who may only read is undone', { timeout }, async (t) => {
  const server = await startServer(t);
  const alice = await openAs(t, server, '--sub', 'alice');
  const bob = await openAs(t, server, '--sub', 'bob', '--access', 'read');
  await alice.add('Milk');
  await show([alice, bob], ['- Milk']);
  await bob.add('Bread');
  await bob.tick('Milk');
  await show([bob], ['- Milk']);
  await alice.add('Salt');
  await show([alice, bob], ['- Milk', '- Salt']);
});
