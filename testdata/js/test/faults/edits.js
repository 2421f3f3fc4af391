import { someValue } from '../support/values.js';

/** Schema of the tables that are edited: one for each kind of key. */
export const STORES = {
  notes: '$$id',
  people: '&email',
  numbers: 'id',
  seats: '[row+seat]',
  settings: '',
};

/** By table, how an object holds a key. */
const KEYED = {
  notes: (id) => ({ id }),
  people: (email) => ({ email }),
  numbers: (id) => ({ id }),
  seats: ([row, seat]) => ({ row, seat }),
  settings: () => ({}),
};

const KEYS = {
  notes: ['n1', 'n2'],
  people: ['ann@home', 'ben@home', 'cy@home'],
  numbers: [1, -2, 3.5],
  seats: [
    [1, 'a'],
    [1, 'b'],
    ['front', 'a'],
  ],
  settings: ['look', 'sound'],
};

const PATHS = ['p', 'p', 'p.x', 'p.x', 'p.x.y', 'p.z', 'q', 'q.x', 'list', 'done'];

/** A user who edits the same few objects as all others, in every way that Dexie has. */
export class Editor {
  #random;
  #value;

  /** @param {(random: import('../support/random.js').Random) => unknown} value makes values to write */
  constructor(random, value = someValue) {
    this.#random = random;
    this.#value = value;
  }

  /** Makes one edit, in the tables given; what the database refuses, as an add of what is there, is no edit. */
  async edit(db, tables = Object.keys(STORES)) {
    const random = this.#random;
    if (random.next() < 0.2) return this.#several(db, tables);
    const name = random.pick(tables);
    return this.#one(db.table(name), name);
  }

  /** Edits in one transaction. */
  #several(db, tables) {
    const names = Array.from({ length: 2 + this.#random.below(4) }, () => this.#random.pick(tables));
    return db.transaction('rw', [...new Set(names)], async () => {
      for (const name of names) await this.#one(db.table(name), name);
    });
  }

  async #one(table, name) {
    const random = this.#random;
    const key = await this.#someKey(table, name);
    const choice = random.next();
    if (choice < 0.12) return table.delete(key);
    if (choice < 0.3) return this.#put(table, name, [key]);
    if (choice < 0.38) return this.#add(table, name, key);
    if (choice < 0.44) return this.#put(table, name, KEYS[name]);
    if (choice < 0.48) return table.bulkDelete(KEYS[name].slice(random.below(3)));
    if (choice < 0.54) return table.toCollection().modify({ [random.pick(PATHS)]: this.#value(random) });
    if (choice < 0.6) return this.#recreate(table, name, key);
    return table.update(key, this.#mods());
  }

  async #someKey(table, name) {
    if (name !== 'notes' || this.#random.next() < 0.5) return this.#random.pick(KEYS[name]);
    const keys = await table.toCollection().primaryKeys(); // with those that Dexie made
    return this.#random.pick(keys.length ? keys : KEYS[name]);
  }

  #mods() {
    const mods = { [this.#random.pick(PATHS)]: this.#value(this.#random) };
    if (this.#random.next() < 0.3) mods.also = this.#random.below(10);
    return mods;
  }

  #put(table, name, keys) {
    const objects = keys.map((key) => ({ ...KEYED[name](key), ...this.#content() }));
    return name === 'settings' ? table.bulkPut(objects, keys) : table.bulkPut(objects);
  }

  async #add(table, name, key) {
    if (name === 'notes') return table.add(this.#content());
    if (!(await table.get(key))) return this.#put(table, name, [key]);
  }

  async #recreate(table, name, key) {
    await table.delete(key);
    await this.#put(table, name, [key]);
  }

  #content() {
    return { p: this.#value(this.#random), q: this.#value(this.#random) };
  }
}
