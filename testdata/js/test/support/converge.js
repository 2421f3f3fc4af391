import assert from 'node:assert/strict';
import { assertSameContents } from './contents.js';
import { eventually } from './eventually.js';
import { serverContents } from './server-state.js';

/**
 * Waits until every app has nothing left to send and holds exactly what the server holds.
 * @param {import('node:test').TestContext} t
 * @param {string} url address of the database at the server itself
 * @param {import('./app.js').App[]} apps
 * @param {{ as?: (contents: import('./contents.js').Contents) => import('./contents.js').Contents }} options
 *   `as` is the view in which they are compared
 */
export async function converge(t, url, apps, { as = (contents) => contents, within } = {}) {
  await eventually(
    async () => {
      for (const app of apps) {
        assert.equal(await app.unsent(), 0, `${app.name} has changes to send`);
      }
      const holders = { server: as(await serverContents(t, url)) };
      for (const app of apps) holders[app.name] = as(await app.contents());
      assertSameContents(holders);
    },
    { every: 100, within },
  );
}
