import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launchBrowser } from '../support/browser.js';
import { eventually } from '../support/eventually.js';
import { Server } from '../support/server.js';
import { DEMO, TodoPage } from '../support/todo-page.js';

const timeout = 60_000;
let browser;

before(async () => (browser = await launchBrowser()));
after(() => browser.close());

async function openPair(t) {
  const server = await Server.start(t, '--static', DEMO);
  const [alice, bob] = [
    await TodoPage.open(t, browser, server.pages),
    await TodoPage.open(t, browser, server.pages),
  ];
  for (const page of [alice, bob]) await showsStatus(page, 'Online');
  return { server, alice, bob };
}

/** Waits until all pages show this list. */
async function show(pages, list) {
  for (const page of pages) await eventually(async () => assert.deepEqual(await page.list(), list));
  for (const page of pages) assert.deepEqual(page.errors, []);
}

async function showsStatus(page, status) {
  await eventually(async () => assert.equal(await page.status(), status));
}

test('what one window adds, ticks, edits and deletes appears in the other', { timeout }, async (t) => {
  const { alice, bob } = await openPair(t);
  await alice.add('Milk', 'Bread');
  await show([alice, bob], ['- Milk', '- Bread']);
  await bob.tick('Bread');
  await show([alice, bob], ['- Milk', 'x Bread']);
  await alice.edit('Milk', 'Oat milk');
  await show([alice, bob], ['- Oat milk', 'x Bread']);
  await bob.clearDone();
  await show([alice, bob], ['- Oat milk']);
  await bob.remove('Oat milk');
  await show([alice, bob], []);
});

test('the list is filtered', { timeout }, async (t) => {
  const { alice, bob } = await openPair(t);
  await alice.add('Milk', 'Bread');
  await alice.tick('Milk');
  await alice.show('Left');
  await show([alice], ['- Bread']);
  await bob.add('Salt');
  await show([alice], ['- Bread', '- Salt']);
  await alice.show('Done');
  await show([alice], ['x Milk']);
});

test('what is being typed is not overwritten', { timeout }, async (t) => {
  const { alice, bob } = await openPair(t);
  await alice.add('Milk', 'Bread');
  await show([bob], ['- Milk', '- Bread']);
  await alice.type('Milk', 'Mil');
  await bob.edit('Milk', 'Oat milk');
  await bob.tick('Bread');
  await show([alice], ['- Mil', 'x Bread']);
});

test('lists of other names are other lists', { timeout }, async (t) => {
  const server = await Server.start(t, '--static', DEMO);
  const [work, home, colleague] = await Promise.all(
    ['?db=work', '', '?db=work'].map((query) => TodoPage.open(t, browser, server.pages + query)),
  );
  await work.add('Report');
  await show([work, colleague], ['- Report']);
  await home.add('Dishes');
  await show([home], ['- Dishes']);
});

test('a page that is reloaded goes on', { timeout }, async (t) => {
  const { alice, bob } = await openPair(t);
  await alice.add('Milk');
  await alice.reload();
  await alice.add('Bread');
  await show([alice, bob], ['- Milk', '- Bread']);
  await bob.tick('Milk');
  await show([alice, bob], ['x Milk', '- Bread']);
});

test('what was written right before the window was closed is not lost', { timeout }, async (t) => {
  const { alice, bob } = await openPair(t);
  await alice.goOffline();
  await showsStatus(alice, 'Offline');
  await alice.add('Milk');
  await alice.close();
  await bob.add('Bread');

  await alice.reopen();
  await eventually(async () => assert.deepEqual((await alice.list()).sort(), ['- Bread', '- Milk']));
  await alice.tick('Milk');
  await show([alice, bob], ['x Milk', '- Bread']);
});

test('a window that was killed is succeeded by the next', { timeout }, async (t) => {
  const { alice, bob } = await openPair(t);
  await alice.add('Milk');
  await alice.kill();
  await alice.reopenWithClock();
  await eventually(async () => {
    await alice.passTime(1000);
    assert.equal(await alice.status(), 'Online');
  });
  await bob.add('Bread');
  await show([alice, bob], ['- Milk', '- Bread']);
});

test('edits made offline and online meet', { timeout }, async (t) => {
  const { alice, bob } = await openPair(t);
  await alice.add('Milk', 'Bread');
  await show([bob], ['- Milk', '- Bread']);

  await alice.goOffline();
  await showsStatus(alice, 'Offline');
  await alice.edit('Milk', 'Oat milk');
  await bob.tick('Milk');
  await bob.remove('Bread');
  await show([alice], ['- Oat milk', '- Bread']);
  await show([bob], ['x Milk']);

  await alice.goOnline();
  await showsStatus(alice, 'Online');
  await show([alice, bob], ['x Oat milk']);
});

for (const end of ['stop', 'kill']) {
  test(`pages carry on after the server was restarted (${end})`, { timeout }, async (t) => {
    const { server, alice, bob } = await openPair(t);
    await alice.add('Milk');
    await show([bob], ['- Milk']);

    await server[end]();
    await showsStatus(alice, 'No connection, trying again');
    await alice.tick('Milk');
    await bob.add('Bread');
    await server.start();
    await show([alice, bob], ['x Milk', '- Bread']);
  });
}

test('a list begun before the first connection is uploaded', { timeout }, async (t) => {
  const server = await Server.start(t, '--static', DEMO);
  await server.stop();
  const alice = await TodoPage.openFromCache(t, browser, server.pages);
  await alice.add('Milk', 'Bread');
  await alice.tick('Bread');
  await showsStatus(alice, 'No connection, trying again');

  await server.start();
  const bob = await TodoPage.open(t, browser, server.pages);
  await show([alice, bob], ['- Milk', 'x Bread']);
  await bob.remove('Milk');
  await show([alice, bob], ['x Bread']);
});

test('two windows of one browser show the same list, and share one connection', { timeout }, async (t) => {
  const { alice, bob } = await openPair(t);
  await alice.add('Milk');
  await alice.reopen();
  await showsStatus(alice, 'Online');
  await alice.add('Bread');
  await bob.tick('Milk');
  await show([alice, bob], ['x Milk', '- Bread']);
});
