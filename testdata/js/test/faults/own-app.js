import { exact } from '../support/exact.js';

/**
 * The part of an app that edits, and tells what its objects are: before and after each edit, and after each batch of
 * the server. It runs in Node and in pages.
 *
 * @typedef {[id: string, text: string][]} State the objects, as `exact` has them
 */
export class OwnApp {
  #db;
  #editor;
  #report;
  #batch = 'by nothing';
  #last = Promise.resolve();

  /** Those that the user edits. */
  static tables(db) {
    return db.tables.filter(({ name, schema }) => schema.observable && name !== 'marks');
  }

  /**
   * @param {() => import('dexie').Dexie} db
   * @param {import('./edits.js').Editor} editor
   * @param {(when: string, before: State, after?: State) => void} report
   */
  constructor(db, editor, report) {
    this.#db = db;
    this.#editor = editor;
    this.#report = report;
  }

  /** Makes one edit. */
  edit() {
    return this.#alone(async () => {
      const tables = OwnApp.tables(this.#db());
      const [before, after] = await this.#db().transaction('rw', tables, async () => {
        const before = await this.#objects();
        await this.#editor.edit(this.#db());
        return [before, await this.#objects()];
      });
      await this.#tell(`${this.#batch}: seen before an edit`, before, after);
    });
  }

  /** Looks at what is there. */
  look(when) {
    return this.#alone(async () => {
      const tables = OwnApp.tables(this.#db());
      await this.#tell(when, await this.#db().transaction('r', tables, () => this.#objects()));
    });
  }

  /** The same protocol, which looks at what is there after each batch. */
  judging(protocol) {
    return {
      ...protocol,
      sync: (context, url, options, base, synced, changes, partial, applyRemoteChanges, ...callbacks) => {
        const name = nameBatches(synced);
        const apply = (...batch) => {
          this.#batch = name(...batch);
          const when = `${this.#batch}: ${JSON.stringify(batch[0])} to revision ${batch[1]}`;
          const applied = applyRemoteChanges(...batch);
          applied.then(() => this.look(when)).catch(() => {}); // the page may have ended
          return applied;
        };
        return protocol.sync(context, url, options, base, synced, changes, partial, apply, ...callbacks);
      },
    };
  }

  /** One thing at a time, or what is seen may not be what was told last. */
  #alone(work) {
    const result = this.#last.then(work);
    this.#last = result.catch(() => {});
    return result;
  }

  async #objects() {
    const objects = [];
    for (const table of OwnApp.tables(this.#db())) {
      await table.each((object, { primaryKey }) => objects.push([`${table.name} ${JSON.stringify(primaryKey)}`, object]));
    }
    return objects;
  }

  async #tell(when, ...seen) {
    const texts = await Promise.all(
      seen.map((objects) => Promise.all(objects.map(async ([id, object]) => [id, await exact(object)]))),
    );
    await this.#report(when, ...texts);
  }
}

/** Returns what names the batches of a connection by what the server sends them for, as far as that can be seen. */
function nameBatches(synced) {
  let complete = 0;
  let isResync = false;
  return (changes, revision, partial) => {
    const isFirst = complete === 0;
    if (!partial) complete++;
    if (isFirst && !partial && changes.length === 0 && revision === (synced ?? 0)) isResync = true; // or nothing is new
    if (complete > (isResync ? 2 : 1)) return 'by a repair';
    if (!isResync) return 'by an answer';
    return synced ? 'by a resync' : 'by a resync from 0';
  };
}
