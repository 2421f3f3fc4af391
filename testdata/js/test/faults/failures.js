import { setTimeout as delay } from 'node:timers/promises';
import { Random } from '../support/random.js';
import { DOWN, UP } from './line.js';

/**
 * What fails in a run, at random, until everybody has finished editing.
 *
 * @typedef {{ line: import('./line.js').Line, random: Random, app: object, done: boolean }} Actor
 *   `app` can `crash()` and `reload()`; while it does that, `leaving` is a promise
 */
export class Failures {
  #delay;
  #kinds;

  /** How often each thing happened. */
  counts = {};

  /**
   * @param {number} reconnectDelay of the apps, in milliseconds
   * @param {string[]} kinds of failures, all if there are none
   */
  constructor(reconnectDelay, kinds = []) {
    this.#delay = reconnectDelay;
    this.#kinds = kinds;
  }

  count(what) {
    this.counts[what] = (this.counts[what] ?? 0) + 1;
  }

  #possible(kinds) {
    return this.#kinds.length ? kinds.filter((kind) => this.#kinds.includes(kind)) : kinds;
  }

  #ofLine = {
    cut: ({ line }) => line.cut(),
    cutInside: ({ line, random }) => line.cutInside(random.pick([UP, DOWN])),
    loseAck: ({ line }) => line.loseAck(),
    hold: ({ line, random }) => line.hold(random.pick([UP, DOWN]), random.below(1.5 * this.#delay)),
    lateClose: ({ line, random }) => {
      line.hold(UP, this.#delay * (1 + random.next()));
      line.cutInside(DOWN);
    },
    appGone: ({ line }) => line.halfOpen('app'),
    serverGone: async ({ line, random }) => {
      line.halfOpen('server');
      await delay(random.below(this.#delay));
      line.cut();
    },
    outage: async ({ line, random }) => {
      line.refuse();
      line.cut();
      await delay(random.below(2.2 * this.#delay));
      line.accept();
    },
  };

  /** Before the app connects for the first time. @param {Actor} actor */
  ofFirstConnection({ line, random }) {
    if (!this.#possible(['loseIdentity']).length) return;
    if (this.#kinds.length !== 1 && random.next() < 0.7) return;
    this.count('loseIdentity');
    line.loseIdentity();
  }

  /** @param {Actor} actor */
  async ofLine(actor) {
    const { random } = actor;
    const kinds = this.#possible(Object.keys(this.#ofLine));
    while (!actor.done && kinds.length) {
      await delay(random.below(this.#delay));
      const kind = random.pick(kinds);
      this.count(kind);
      await this.#ofLine[kind](actor);
    }
    actor.line.accept();
  }

  /** @param {Actor} actor */
  async ofPage(actor) {
    const { random } = actor;
    const kinds = this.#possible(['crash', 'reload']);
    while (!actor.done && kinds.length) {
      await delay(this.#delay * (0.5 + 3 * random.next()));
      if (actor.done) return;
      const end = random.pick(kinds);
      this.count(end);
      if (random.next() < 0.7) actor.line[random.pick(['cut', 'cut', 'halfOpen'])]('app');
      actor.leaving = actor.app[end]();
      await actor.leaving;
      actor.leaving = null;
    }
  }

  /** @param {() => boolean} isOver */
  async ofServer(server, random, isOver) {
    const kinds = this.#possible(['kill', 'kill', 'stop']);
    while (!isOver() && kinds.length) {
      await delay(this.#delay * (0.5 + 3 * random.next()));
      const end = random.pick(kinds);
      this.count(end);
      await server[end]();
      if (random.next() < 0.3) await delay(random.below(1.5 * this.#delay));
      await server.start();
    }
  }
}
