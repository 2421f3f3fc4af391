import { IDBFactory, IDBKeyRange } from 'fake-indexeddb';

/** The IndexedDB of one browser. It outlives the pages that use it. */
export class Storage {
  #factory = new IDBFactory();

  newPage() {
    return new PageStorage(this.#factory);
  }

  /** A copy of one database under another name, as a backup of the device has it. */
  async copy(name, copyName) {
    const copy = new Storage();
    const from = await settled(this.#factory.open(name));
    const opening = copy.#factory.open(copyName, from.version);
    opening.onupgradeneeded = () => createStores(opening.result, from);
    const to = await settled(opening);
    for (const store of from.objectStoreNames) {
      const source = from.transaction(store).objectStore(store);
      const [keys, rows] = await Promise.all([settled(source.getAllKeys()), settled(source.getAll())]);
      const target = to.transaction(store, 'readwrite').objectStore(store);
      await Promise.all(rows.map((row, i) => settled(target.keyPath === null ? target.put(row, keys[i]) : target.put(row))));
    }
    from.close();
    to.close();
    return copy;
  }

  /** Makes what a dead page left look old, so that the next does not wait for it for 20 seconds. */
  async age(name) {
    const database = await settled(this.#factory.open(name));
    const nodes = database.transaction('_syncNodes', 'readwrite').objectStore('_syncNodes');
    for (const node of await settled(nodes.getAll())) {
      if (node.type === 'local') await settled(nodes.put({ ...node, lastHeartBeat: 0 }));
    }
    database.close();
  }
}

/** What one page has of it. It ends with the page: what it has not committed by then is lost. */
export class PageStorage {
  #factory;
  #connections = new Set();
  #transactions = new Set();
  #ended = false;

  constructor(factory) {
    this.#factory = factory;
    /** As Dexie takes it. */
    this.options = {
      indexedDB: {
        open: (...args) => this.#open(...args),
        deleteDatabase: (...args) => factory.deleteDatabase(...args),
        cmp: (...args) => factory.cmp(...args),
      },
      IDBKeyRange,
    };
  }

  /** Ends the page on the spot. */
  crash() {
    this.#ended = true;
    for (const transaction of this.#transactions) abort(transaction);
    for (const connection of this.#connections) connection.close();
  }

  #open(...args) {
    const request = this.#factory.open(...args);
    request.addEventListener('success', () => this.#watch(request.result));
    return request;
  }

  #watch(connection) {
    const begin = connection.transaction.bind(connection);
    this.#connections.add(connection);
    connection.transaction = (...args) => {
      if (this.#ended) throw new DOMException('the page is gone', 'UnknownError');
      const transaction = begin(...args);
      this.#transactions.add(transaction);
      for (const end of ['complete', 'abort']) {
        transaction.addEventListener(end, () => this.#transactions.delete(transaction));
      }
      return transaction;
    };
  }
}

function createStores(to, from) {
  for (const name of from.objectStoreNames) {
    const source = from.transaction(name).objectStore(name);
    const store = to.createObjectStore(name, { keyPath: source.keyPath, autoIncrement: source.autoIncrement });
    for (const index of source.indexNames) {
      const { keyPath, unique, multiEntry } = source.index(index);
      store.createIndex(index, keyPath, { unique, multiEntry });
    }
  }
}

function abort(transaction) {
  try {
    transaction.abort();
  } catch (error) {
    if (error.name !== 'InvalidStateError') throw error; // it is over
  }
}

function settled(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}
