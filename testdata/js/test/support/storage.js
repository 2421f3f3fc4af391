import { IDBFactory, IDBKeyRange } from 'fake-indexeddb';

/** The IndexedDB of one browser. It outlives the pages that use it. */
export class Storage {
  #factory = new IDBFactory();

  newPage() {
    return new PageStorage(this.#factory);
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
