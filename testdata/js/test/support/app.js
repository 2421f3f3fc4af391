import assert from 'node:assert/strict';
import Dexie from './dexie.js';
import { canonical, objectId } from './contents.js';
import { Storage } from './storage.js';

const RECONNECT_DELAY = 50;

let started = 0;

/** A browser app with a database of its own. */
export class App {
  #versions;
  #storage = new Storage();
  #page;
  #connection;

  name = `app ${++started}`;
  /** @type {Dexie} */
  db;

  /**
   * @param {import('node:test').TestContext} t
   * @param {Record<string, string>} stores the schema, as Dexie takes it
   */
  static async open(t, stores) {
    const app = new App(stores);
    t.after(() => app.db.close());
    await app.open();
    return app;
  }

  /** An app on another device that was restored from a backup of this one, as it is now. */
  async restored(t) {
    const app = new App();
    app.#versions = [...this.#versions];
    app.#storage = await this.#storage.copy(this.name, app.name);
    await app.#storage.age(app.name);
    t.after(() => app.db.close());
    await app.open();
    return app;
  }

  constructor(stores) {
    this.#versions = [stores];
  }

  async open() {
    this.#page = this.#storage.newPage();
    this.db = new Dexie(this.name, this.#page.options);
    this.#versions.forEach((stores, n) => this.db.version(n + 1).stores({ ...stores }));
    await this.db.open();
  }

  /** Starts to sync; resolves when the first exchange is through. */
  async connect(url, { protocol = 'websocket', ...options } = {}) {
    this.url = url;
    this.#connection = { protocol, reconnectDelay: RECONNECT_DELAY, ...options };
    await this.goOnline();
  }

  async goOffline() {
    await this.db.syncable.disconnect(this.url);
  }

  async goOnline() {
    const { protocol, ...options } = this.#connection;
    await this.db.syncable.connect(protocol, this.url, options);
  }

  /** Leaves the page and comes back, online or not. */
  async reload() {
    await this.#leave();
    await this.open();
    this.goOnline().catch(() => {});
  }

  /** Comes back as the next version of the app, with these changes of its schema. */
  async upgrade(stores) {
    this.#versions.push(stores);
    await this.reload();
  }

  /** Ends without notice, as a page that is killed, and comes back. Its connections are for the caller to end. */
  async crash() {
    this.#page.crash();
    this.db.close();
    await this.#storage.age(this.name);
    Dexie.Observable.latestRevision[this.name] = 0;
    await this.open();
    this.goOnline().catch(() => {});
  }

  /** Ends as a page does: it gives up its role among the windows of its browser, and is gone. */
  async #leave() {
    await this.db._syncNodes.update(this.db._localSyncNode.id, { deleteTimeStamp: 1, lastHeartBeat: 0 });
    this.db.close();
  }

  async status() {
    return Dexie.Syncable.StatusTexts[await this.db.syncable.getStatus(this.url)];
  }

  /** Whether the server has acknowledged all that was here before the first sync. */
  async hasUploaded() {
    const node = await this.db._syncNodes.where('url').equals(this.url).first();
    return node !== undefined && node.myRevision >= 0;
  }

  /** How many changes of the user the server has not acknowledged. */
  async unsent() {
    const node = await this.db._syncNodes.where('url').equals(this.url).first();
    assert(node, `${this.name} has not begun to sync`);
    const changes = await this.db.syncable.unsyncedChanges(this.url);
    return changes.filter((change) => change.source !== node.id).length;
  }

  /** @returns {Promise<import('./contents.js').Contents>} */
  async contents() {
    const tables = this.db.tables.filter((table) => table.schema.observable);
    const contents = new Map();
    await this.db.transaction('r', tables, () =>
      Promise.all(
        tables.map((table) =>
          table.each((object, cursor) => {
            contents.set(objectId(table.name, cursor.primaryKey), canonical(object));
          }),
        ),
      ),
    );
    return contents;
  }
}
