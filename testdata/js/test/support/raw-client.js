import assert from 'node:assert/strict';
import { once } from 'node:events';
import { WebSocket } from 'ws';
import { eventually } from './eventually.js';

/** A client that has no database: it speaks the protocol frame by frame. */
export class RawClient {
  #socket;
  #read = 0;
  #requestId = 0;

  /** Everything that came, in order: the frame as text and as a message. */
  received = [];

  static async connect(t, url, identity = null) {
    const client = new RawClient(new WebSocket(url));
    t.after(() => client.#socket.terminate());
    await once(client.#socket, 'open');
    client.send({ type: 'clientIdentity', clientIdentity: identity });
    return client;
  }

  constructor(socket) {
    this.#socket = socket;
    socket.on('message', (data) => this.received.push({ text: String(data), message: JSON.parse(data) }));
    socket.on('error', () => {});
  }

  send(message) {
    this.sendText(JSON.stringify(message));
  }

  sendText(text) {
    this.#socket.send(text);
  }

  /** Sends a set of changes and waits for its ack. */
  async submit(changes, { baseRevision = null, partial = false } = {}) {
    const requestId = ++this.#requestId;
    this.send({ type: 'changes', changes, partial, baseRevision, requestId });
    await this.#acknowledged(requestId);
  }

  /** The same with the array of changes spelled out, for what JavaScript cannot spell. */
  async submitText(changes) {
    const requestId = ++this.#requestId;
    this.sendText(
      `{"type":"changes","changes":${changes},"partial":false,"baseRevision":null,"requestId":${requestId}}`,
    );
    await this.#acknowledged(requestId);
  }

  subscribe(syncedRevision = null) {
    this.send({ type: 'subscribe', syncedRevision });
  }

  /** The frames of the next batch: `changes` messages up to the first complete one. */
  async nextBatch() {
    const batch = await eventually(() => {
      const news = this.received.slice(this.#read).filter(({ message }) => message.type === 'changes');
      const last = news.findIndex(({ message }) => !message.partial);
      assert.notEqual(last, -1, 'no complete batch has come');
      return news.slice(0, last + 1);
    });
    this.#read = this.received.indexOf(batch.at(-1)) + 1;
    return batch;
  }

  /** Resolves with the close code when the connection has ended. */
  async closed() {
    const [code] = await once(this.#socket, 'close');
    return code;
  }

  close() {
    this.#socket.terminate();
  }

  async #acknowledged(requestId) {
    await eventually(() =>
      assert.ok(
        this.received.some(({ message }) => message.type === 'ack' && message.requestId === requestId),
        `request ${requestId} is not acknowledged`,
      ),
    );
  }
}
