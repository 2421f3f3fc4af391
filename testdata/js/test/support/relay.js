import { once } from 'node:events';
import { WebSocket, WebSocketServer } from 'ws';

/**
 * The network between apps and server: passes every message on, and can lose connections at any point.
 *
 * @typedef {{ from: 'app' | 'server', connection: number, message: any }} Passage a message on its way
 */
export class Relay {
  #server;
  #target;
  #pairs = new Set();
  #halfOpen = new Set();
  #connections = 0;
  #refusing = false;
  #interruption = null;

  /** @type {Passage[]} everything that passed, in order */
  log = [];

  /** @param {string} target address of the server */
  static async start(t, target) {
    const relay = new Relay(target);
    t.after(() => relay.#close());
    await once(relay.#server, 'listening');
    return relay;
  }

  constructor(target) {
    this.#target = target;
    this.#server = new WebSocketServer({
      host: '127.0.0.1',
      port: 0,
      verifyClient: () => !this.#refusing,
    });
    this.#server.on('connection', (app, request) => this.#join(app, request.url));
  }

  /** Address of the database `default` through this relay. */
  get url() {
    return `ws://127.0.0.1:${this.#server.address().port}/`;
  }

  /** How many sockets are open through this relay. */
  get connections() {
    return this.#pairs.size;
  }

  /** Loses all connections. */
  cut() {
    for (const { app, server } of this.#pairs) {
      app.terminate();
      server.terminate();
    }
  }

  /** Loses all connections in such a way that the server does not notice: they stay half open. */
  cutUnnoticed() {
    for (const { app, server } of this.#pairs) {
      this.#halfOpen.add(server);
      server.pause();
      app.terminate();
    }
  }

  /** Refuses connections from now on. */
  refuse() {
    this.#refusing = true;
  }

  accept() {
    this.#refusing = false;
  }

  /**
   * Loses all connections, and refuses new ones, once a message that matches has gone through: `after` it as a
   * whole, `before` it, or `inside` it, with one half delivered. Resolves when that has happened.
   * @param {'before' | 'inside' | 'after'} when
   * @param {(passage: Passage) => boolean} matches
   */
  interrupt(when, matches) {
    return new Promise((happened) => {
      this.#interruption = { when, matches, happened };
    });
  }

  #join(app, path) {
    const server = new WebSocket(new URL(path, this.#target));
    const pair = { app, server };
    const connection = ++this.#connections;
    this.#pairs.add(pair);
    app.pause();
    server.on('open', () => app.resume());
    app.on('message', (data) =>
      this.#pass({ from: 'app', connection, message: JSON.parse(data) }, data, server),
    );
    server.on('message', (data) =>
      this.#pass({ from: 'server', connection, message: JSON.parse(data) }, data, app),
    );
    for (const [end, other] of [
      [app, server],
      [server, app],
    ]) {
      end.on('error', () => {});
      end.on('close', (code, reason) => {
        this.#pairs.delete(pair);
        if (this.#halfOpen.has(server)) return;
        isSendable(code) ? other.close(code, reason) : other.terminate();
      });
    }
  }

  #pass(passage, data, to) {
    if (to.readyState !== WebSocket.OPEN) return;
    const interruption = this.#interruption?.matches(passage) ? this.#interruption : null;
    if (!interruption) {
      this.log.push(passage);
      return to.send(String(data));
    }
    this.#interruption = null;
    const lose = () => {
      this.refuse();
      this.cut();
      interruption.happened();
    };
    if (interruption.when === 'before') lose();
    if (interruption.when === 'inside') to.send(String(data).slice(0, data.length / 2), { fin: false }, lose);
    if (interruption.when === 'after') to.send(String(data), lose);
  }

  #close() {
    this.cut();
    this.#halfOpen.forEach((server) => server.terminate());
    this.#server.close();
  }
}

function isSendable(code) {
  return code !== 1005 && code !== 1006;
}
