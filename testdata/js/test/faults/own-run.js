import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { anyValue } from '../support/values.js';
import { eventually } from '../support/eventually.js';
import { Random } from '../support/random.js';
import { RawClient } from '../support/raw-client.js';
import { Server } from '../support/server.js';
import { STORES } from './edits.js';
import { Failures } from './failures.js';
import { Judge } from './judge.js';
import { Line } from './line.js';

/** Written by another client at the end: when it has come, so has all else. */
const MARKS = { marks: 'id' };

/**
 * One random run of one user with one device, who stores values that JSON has not. Nobody else writes, so nothing that
 * the user has may ever change but by an edit.
 */
export class OwnRun {
  #t;
  #random;
  #delay;
  #device;
  #failures;
  #judge = new Judge();

  /**
   * @param {{ after: (end: () => void) => void }} t
   * @param {{ seed: number, protocols: string[], reconnectDelay: number, kinds?: string[], device: object }} options
   *   `device` opens one, in Node or in a browser
   */
  constructor(t, { seed, protocols, reconnectDelay, kinds, device }) {
    this.#t = t;
    this.#random = new Random(seed);
    this.#delay = reconnectDelay;
    this.#device = device;
    this.#failures = new Failures(reconnectDelay, kinds);
    this.protocol = this.#random.pick(protocols);
    this.options = { reconnectDelay, ...this.#random.pick([{}, {}, { messageBytes: 200 }]) };
  }

  get description() {
    return `${this.protocol}, ${JSON.stringify(this.options)}`;
  }

  /** How often each thing happened. */
  get counts() {
    return this.#failures.counts;
  }

  /** Plays it; rejects if something of the user's changed by itself. */
  async play() {
    const random = this.#random;
    const flags = random.next() < 0.5 ? [] : ['--page-changes', String(random.pick([1, 3, 10]))];
    const server = await Server.start(this.#t, '--drain-timeout', '50ms', ...flags);
    const line = await Line.open(this.#t, random, () => server.url, random.pick([0, 3, 30, this.#delay / 10]));
    const seed = random.below(2 ** 31);
    const report = (...seen) => this.#judge.report(...seen);
    const app = await this.#device.open(this.#t, { ...STORES, ...MARKS }, seed, report);
    const actor = { line, random, app, done: false };

    for (let n = random.below(8); n > 0; n--) await app.edit();
    this.#failures.ofFirstConnection(actor);
    app.connect(line.url, { protocol: this.protocol, ...this.options });
    await Promise.all([
      this.#edit(actor),
      this.#failures.ofLine(actor),
      this.#failures.ofPage(actor),
      this.#failures.ofServer(server, random, () => actor.done),
    ]);
    line.heal();
    await this.#settle(server, app);
    const { changed } = this.#judge;
    for (const change of changed) this.#failures.count(nameChange(change));
    assert.equal(changed.length, 0, `${changed.length} objects changed by themselves\n${this.#judge}`);
  }

  async #edit(actor) {
    const { random, app } = actor;
    for (let n = 10 + random.below(20); n > 0; n--) {
      await actor.leaving;
      await app.edit();
      this.#failures.count('edits');
      if (random.next() < 0.7) await delay(random.below(random.next() < 0.3 ? this.#delay : 40));
    }
    actor.done = true;
    await actor.leaving;
  }

  /** Waits until the server has everything, and the device has all that the server has for it. */
  async #settle(server, app) {
    await eventually(async () => assert.equal(await app.unsent(), 0, 'the device has changes to send'), { within: 90_000 });
    const another = await RawClient.connect(this.#t, server.url);
    await another.submit([{ type: 1, table: 'marks', key: 'end', obj: { id: 'end' } }]);
    await eventually(async () => assert.ok(await app.has('marks', 'end'), 'the device gets nothing'), { within: 90_000 });
    await app.look('at the end: all has come');
  }
}

/** What became of an object, and why, as far as that is known. */
function nameChange({ was, is, when }) {
  const [cause] = when.split(':');
  if (was === undefined) return `came back ${cause}`;
  return `${is === undefined ? 'went' : 'changed'} ${cause}`;
}
