import { App } from '../support/app.js';
import Dexie from '../support/dexie.js';
import { Random } from '../support/random.js';
import { anyValue } from '../support/values.js';
import { Editor } from './edits.js';
import { OwnApp } from './own-app.js';

/** The device of a user: an app in this process. */
export class NodeDevice {
  #app;
  #editor;
  #report;
  #own;
  #protocol;
  #work = Promise.resolve();

  /** @param {number} seed of the edits */
  static async open(t, stores, seed, report) {
    const device = new NodeDevice();
    device.#app = await App.open(t, stores);
    device.#editor = new Editor(new Random(seed), anyValue);
    device.#report = report;
    device.#begin();
    return device;
  }

  get db() {
    return this.#app.db;
  }

  /** Starts to sync; from then on it tries by itself. */
  connect(url, { protocol, ...options }) {
    this.#protocol = `${protocol} of ${this.#app.name}`;
    Dexie.Syncable.registerSyncProtocol(this.#protocol, {
      ...Dexie.Syncable.registeredProtocols[protocol],
      sync: (...args) => this.#own.judging(Dexie.Syncable.registeredProtocols[protocol]).sync(...args),
    });
    this.#app.connect(url, { protocol: this.#protocol, ...options }).catch(() => {});
  }

  edit() {
    return (this.#work = this.#own.edit());
  }

  look(when) {
    return this.#own.look(when);
  }

  reload() {
    return this.#end('reload');
  }

  crash() {
    return this.#end('crash');
  }

  unsent() {
    return this.#app.unsent();
  }

  async has(table, key) {
    return (await this.db.table(table).get(key)) !== undefined;
  }

  /** Not within an edit: whether that is done is a matter of IndexedDB. */
  async #end(how) {
    await this.#work;
    const ending = this.#app[how]();
    this.#begin();
    await ending;
  }

  #begin() {
    const own = new OwnApp(() => this.db, this.#editor, (...report) => this.#own === own && this.#report(...report));
    this.#own = own;
  }
}
