import { once } from 'node:events';
import net from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

/** The names of the two directions. */
export const UP = 'up';
export const DOWN = 'down';

/**
 * The line of one app to the server. It passes bytes on, knows nothing of messages, and can do to them what
 * networks do. Everything comes in order and with a delay of its own, the end of a connection too.
 */
export class Line {
  #listener;
  #target;
  #random;
  #calls = new Set();
  #refusing = false;
  #slowest;
  #next = null;

  /**
   * @param {import('../support/random.js').Random} random
   * @param {() => string} target address of the server
   * @param {number} slowest delay of a passage, in milliseconds
   */
  static async open(t, random, target, slowest) {
    const line = new Line(random, target, slowest);
    t.after(() => line.#close());
    await once(line.#listener, 'listening');
    return line;
  }

  constructor(random, target, slowest) {
    this.#random = random;
    this.#target = target;
    this.#slowest = slowest;
    this.#listener = net.createServer((app) => this.#join(app)).listen(0, '127.0.0.1');
  }

  /** Address of the server at this end of the line. */
  get url() {
    return `ws://127.0.0.1:${this.#listener.address().port}/`;
  }

  refuse() {
    this.#refusing = true;
  }

  accept() {
    this.#refusing = false;
  }

  /** Loses all connections, with all that is on the way. */
  cut() {
    for (const call of this.#calls) call.end();
  }

  /** Loses all connections within what comes next in a direction: a part of it gets through. */
  cutInside(direction) {
    this.#meddle(direction, (call, bytes, deliver) => {
      deliver(bytes.subarray(0, this.#random.below(bytes.length + 1)));
      call.end();
    });
  }

  /** Loses all connections right before the next acknowledgement. */
  loseAck() {
    this.#meddle(DOWN, loseBefore('"ack"'));
  }

  /** Loses the next connection right before the app hears its identity. */
  loseIdentity() {
    this.#next = loseBefore('"clientIdentity"');
  }

  /** One end of all connections is gone, and the other does not know. */
  halfOpen(knowing) {
    for (const call of this.#calls) call.halfOpen(knowing);
  }

  /** Lets nothing through in a direction for a time; then it comes all at once, the ends of connections too. */
  hold(direction, time) {
    for (const call of this.#calls) call[direction].hold(delay(time));
  }

  /** From now on it is a good line. */
  heal() {
    this.accept();
    this.#slowest = 0;
    for (const call of this.#calls) call.heal();
  }

  #meddle(direction, meddler) {
    for (const call of this.#calls) {
      call[direction].meddler = (bytes, deliver) => meddler(call, bytes, deliver);
    }
  }

  #join(app) {
    if (this.#refusing) return app.destroy();
    const { hostname, port } = new URL(this.#target());
    const server = net.connect({ host: hostname, port: Number(port) });
    const latency = () => this.#random.below(this.#slowest + 1);
    const call = new Call(app, server, latency, () => this.#calls.delete(call));
    this.#calls.add(call);
    if (this.#next) this.#meddle(DOWN, this.#next);
    this.#next = null;
  }

  #close() {
    this.cut();
    this.#listener.close();
  }
}

/** Decides on what comes such that the connection is lost right before a text. */
function loseBefore(text) {
  return (call, bytes, deliver) => {
    const at = bytes.indexOf(text);
    if (at < 0) return deliver(bytes);
    deliver(bytes.subarray(0, at));
    call.end();
  };
}

/** One connection: a socket at each end. */
class Call {
  #ends;
  #unnoticed = false;

  constructor(app, server, latency, over) {
    this.#ends = { app, server };
    this[UP] = new Direction(app, server, latency);
    this[DOWN] = new Direction(server, app, latency);
    let open = 2;
    for (const socket of [app, server]) {
      socket.on('error', () => {});
      socket.on('close', () => --open || over());
    }
  }

  end() {
    this.#ends.app.destroy();
    this.#ends.server.destroy();
  }

  halfOpen(knowing) {
    this.#unnoticed = true;
    this[UP].lose();
    this[DOWN].lose();
    this.#ends[knowing].destroy();
  }

  heal() {
    if (this.#unnoticed) return this.end();
    for (const direction of [this[UP], this[DOWN]]) direction.heal();
  }
}

/** What goes one way on a connection. */
class Direction {
  #to;
  #latency;
  #lost = false;
  #last = Promise.resolve();
  #healed;

  /** Decides, if there is one, what is delivered. */
  meddler = null;

  constructor(from, to, latency) {
    this.#to = to;
    this.#latency = latency;
    this.#healed = new Promise((resolve) => (this.heal = resolve));
    from.on('data', (bytes) => this.#pass(() => this.#deliver(bytes)));
    from.on('close', () => this.#pass(() => to.end()));
  }

  lose() {
    this.#lost = true;
  }

  /** Lets nothing more through until a promise is kept, or the line is healed. */
  hold(promise) {
    this.#pass(() => Promise.race([promise, this.#healed]));
  }

  #pass(step) {
    const latency = this.#latency();
    this.#last = this.#last
      .then(() => latency && Promise.race([delay(latency), this.#healed]))
      .then(() => this.#lost || step());
  }

  #deliver(bytes) {
    const write = (some) => this.#to.writable && this.#to.write(some);
    this.meddler ? this.meddler(bytes, write) : write(bytes);
  }
}
