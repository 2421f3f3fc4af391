import { setTimeout as delay } from 'node:timers/promises';
import { someValue } from './values.js';

const KEYS = ['a', 'b', 'c', 'd'];
const PATHS = ['p', 'p.x', 'p.x.y', 'p.z', 'q', 'q.x', 'list', 'done'];

/** Schema of the table that a {@link write} works on. */
export const WRITER_STORES = { docs: 'id' };

/**
 * A user who edits the same few objects as everybody else, by nested paths, and deletes and re-creates them.
 * @param {import('./app.js').App} app
 * @param {import('./random.js').Random} random
 */
export async function write(app, random, edits) {
  for (let edit = 0; edit < edits; edit++) {
    await editSomething(app.db.docs, random);
    if (random.next() < 0.7) await delay(random.below(20));
  }
}

async function editSomething(docs, random) {
  const id = random.pick(KEYS);
  const choice = random.next();
  if (choice < 0.1) return docs.delete(id);
  if (choice < 0.3) return docs.put({ id, p: someValue(random), q: someValue(random) });
  return docs.update(id, { [random.pick(PATHS)]: someValue(random) });
}
