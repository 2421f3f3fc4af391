import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { App } from '../support/app.js';
import { withoutNulls } from '../support/contents.js';
import { converge } from '../support/converge.js';
import { eventually } from '../support/eventually.js';
import { Random } from '../support/random.js';
import { Server } from '../support/server.js';
import { Editor, STORES } from './edits.js';
import { Failures } from './failures.js';
import { Line } from './line.js';
import { inParts } from './protocols.js';

/** Written by every app at the end: what comes behind everything else. */
const MARKS = { marks: 'id' };

/** One random run: apps that edit, lines and a server that fail, and at the end a look at what everybody has. */
export class Run {
  #t;
  #random;
  #delay;
  #server;
  #actors;
  #editing;
  #failures;

  /**
   * @param {{ after: (end: () => void) => void }} t
   * @param {{ seed: number, protocols: string[], reconnectDelay: number, kinds?: string[] }} options
   */
  constructor(t, { seed, protocols, reconnectDelay, kinds }) {
    this.#t = t;
    this.#random = new Random(seed);
    this.#delay = reconnectDelay;
    this.#failures = new Failures(reconnectDelay, kinds);
    this.protocol = this.#random.pick(protocols);
    this.threshold = this.#random.pick([Infinity, Infinity, 1, 2, 2, 3]);
    this.options = { reconnectDelay, ...this.#random.pick([{}, { messageBytes: 1 }, { messageBytes: 200 }]) };
  }

  get description() {
    return `${this.protocol}, in parts of ${this.threshold}, ${JSON.stringify(this.options)}`;
  }

  /** How often each thing happened. */
  get counts() {
    return this.#failures.counts;
  }

  /** Plays it; rejects if the apps and the server do not end equal. */
  async play() {
    await this.#prepare();
    this.#editing = this.#actors.length;
    const serverRandom = new Random(this.#random.below(2 ** 31));
    const failingServer = this.#failures.ofServer(this.#server, serverRandom, () => this.#editing === 0);
    await Promise.all([failingServer, ...this.#actors.map((actor) => this.#act(actor))]);
    await this.#settle();
  }

  async #prepare() {
    const random = this.#random;
    const flags = random.next() < 0.5 ? [] : ['--page-changes', String(random.pick([1, 3, 10]))];
    this.#server = await Server.start(this.#t, '--drain-timeout', '50ms', ...flags);
    const protocol = this.threshold === Infinity ? this.protocol : inParts(this.protocol, this.threshold);
    this.#actors = [];
    for (let n = 2 + random.below(3); n > 0; n--) {
      const ownRandom = new Random(random.below(2 ** 31));
      const slowest = random.pick([0, 3, 30, this.#delay / 10]);
      this.#actors.push({
        random: ownRandom,
        protocol,
        app: await App.open(this.#t, { ...STORES, ...MARKS }),
        editor: new Editor(new Random(random.below(2 ** 31))),
        line: await Line.open(this.#t, ownRandom, () => this.#server.url, slowest),
        connected: null,
      });
    }
  }

  async #act(actor) {
    try {
      await this.#begin(actor);
      await Promise.all([this.#edit(actor), this.#failures.ofLine(actor), this.#failures.ofPage(actor)]);
    } finally {
      this.#editing--;
    }
  }

  /**
   * Edits before the first connection. With an upload in parts they are in one table: between two tables that hold
   * something, Dexie.Syncable can forget objects.
   */
  async #begin({ random, app, editor, line, protocol }) {
    const tables = this.threshold === Infinity ? undefined : [random.pick(Object.keys(STORES))];
    for (let n = random.below(8); n > 0; n--) await editor.edit(app.db, tables);
    app.connect(line.url, { protocol, ...this.options }).catch(() => {}); // it tries again by itself
    if (tables) await eventually(async () => assert.ok(await app.hasUploaded()), { within: 120_000 });
  }

  async #edit(actor) {
    const { random, editor } = actor;
    for (let n = 15 + random.below(25); n > 0; n--) {
      await this.#tolerateCrash(actor, (db) => editor.edit(db));
      this.#failures.count('edits');
      if (random.next() < 0.7) await delay(random.below(random.next() < 0.2 ? this.#delay / 2 : 40));
    }
    actor.done = true;
  }

  /** What a page was doing when it ended is lost. */
  async #tolerateCrash(actor, work) {
    await actor.leaving;
    const { db } = actor.app;
    try {
      await work(db);
    } catch (error) {
      if (actor.app.db === db && !actor.leaving) throw error;
    }
  }

  /**
   * Waits until all are equal, behind a mark that each of them writes. An upload in parts can stop until its user
   * writes again: then there is a second mark.
   */
  async #settle() {
    for (const { line } of this.#actors) line.heal();
    for (let mark = 1; ; mark++) {
      for (const { app } of this.#actors) await app.db.marks.put({ id: app.name, mark });
      try {
        return await this.#equal(mark);
      } catch (error) {
        if (!(error instanceof assert.AssertionError) || mark === 2) throw error;
        this.#failures.count('second looks');
      }
    }
  }

  async #equal(mark) {
    const apps = this.#actors.map(({ app }) => app);
    await converge(this.#t, this.#server.url, apps, { as: withoutNulls, within: 90_000 });
    for (const { db } of apps) {
      assert.deepEqual((await db.marks.toArray()).map((each) => each.mark), apps.map(() => mark));
    }
  }
}
