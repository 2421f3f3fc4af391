import Dexie from './dexie.js';
import { canonical, objectId } from './contents.js';
import { RawClient } from './raw-client.js';

const CREATE = 1;
const UPDATE = 2;
const DELETE = 3;

/**
 * What the server holds: everything it gives a newcomer.
 * @returns {Promise<import('./contents.js').Contents>}
 */
export async function serverContents(t, url) {
  const reader = await RawClient.connect(t, url);
  await reader.submit([]);
  reader.subscribe();
  const objects = new Map();
  for (const { message } of await reader.nextBatch()) {
    for (const change of message.changes) fold(objects, change);
  }
  reader.close();
  return new Map([...objects].map(([id, object]) => [id, canonical(object)]));
}

function fold(objects, { type, table, key, obj, mods }) {
  const id = objectId(table, key);
  if (type === CREATE) objects.set(id, obj);
  if (type === DELETE) objects.delete(id);
  if (type === UPDATE && objects.has(id)) {
    for (const [path, value] of Object.entries(mods)) Dexie.setByKeyPath(objects.get(id), path, value);
  }
}
