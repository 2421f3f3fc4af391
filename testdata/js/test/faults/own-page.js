/** What `page-device.js` has a page do. */
import { Random } from '../support/random.js';
import { anyValue } from '../support/values.js';
import { Editor } from './edits.js';
import { OwnApp } from './own-app.js';

const NAME = 'own';

/** Makes what a dead page left look old, so that this one does not wait for it for 20 seconds. */
async function ageDeadPages() {
  if (!(await indexedDB.databases()).some(({ name }) => name === NAME)) return;
  const database = await settled(indexedDB.open(NAME));
  if (database.objectStoreNames.contains('_syncNodes')) {
    const nodes = database.transaction('_syncNodes', 'readwrite').objectStore('_syncNodes');
    for (const node of await settled(nodes.getAll())) {
      if (node.type === 'local') await settled(nodes.put({ ...node, lastHeartBeat: 0 }));
    }
  }
  database.close();
}

function settled(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

window.begin = async ({ stores, seed, url, options }) => {
  await ageDeadPages();
  const db = new Dexie(NAME);
  db.version(1).stores(stores);
  const own = new OwnApp(() => db, new Editor(new Random(seed), anyValue), window.report);
  const protocols = Dexie.Syncable.registeredProtocols;
  for (const [name, protocol] of Object.entries(protocols)) protocols[name] = own.judging(protocol);
  await db.open();
  window.device = {
    edit: () => own.edit(),
    look: (when) => own.look(when),
    connect: (url, { protocol, ...options }) => void db.syncable.connect(protocol, url, options).catch(console.warn),
    has: async (table, key) => (await db.table(table).get(key)) !== undefined,
    unsent: async (url) => {
      const node = await db._syncNodes.where('url').equals(url).first();
      const changes = await db.syncable.unsyncedChanges(url);
      return changes.filter((change) => change.source !== node.id).length;
    },
  };
  if (url) window.device.connect(url, options);
};
