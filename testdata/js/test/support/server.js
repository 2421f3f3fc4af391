import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { serverBinary } from './binary.js';

/** One Syncabled process with a data directory of its own; it goes when its test ends. */
export class Server {
  #data = mkdtempSync(join(tmpdir(), 'syncabled-data-'));
  #listen = '127.0.0.1:0';
  #flags;
  #process;

  /** Address of the database `default`, such as `ws://127.0.0.1:41234/`. */
  url;
  /** What the server wrote to stderr, over all its runs. */
  log = [];

  /**
   * @param {import('node:test').TestContext} t
   * @param {string[]} flags further flags of `syncabled serve`
   */
  static async start(t, ...flags) {
    const server = new Server(flags);
    t.after(() => server.#dispose(t));
    await server.start();
    return server;
  }

  constructor(flags) {
    this.#flags = flags;
  }

  /** Address of the named database. */
  database(name) {
    return new URL(`db/${name}`, this.url).href;
  }

  /** Address of the static pages. */
  get pages() {
    return this.url.replace(/^ws/, 'http');
  }

  /** Starts it, the second time with the same data and on the same port. */
  async start() {
    this.#process = spawn(
      serverBinary(),
      ['serve', '--listen', this.#listen, '--data', this.#data, ...this.#flags],
      { stdio: ['ignore', 'ignore', 'pipe'] },
    );
    this.url = await this.#announcement();
    this.#listen = new URL(this.url).host;
  }

  /** Asks it to end, and waits until it has. */
  stop() {
    return this.#end('SIGTERM');
  }

  /** Ends it on the spot, as a power cut would. */
  kill() {
    return this.#end('SIGKILL');
  }

  /** Copies its databases, while it runs. */
  backup() {
    this.#run('backup', this.#copies);
  }

  /** Starts it, after it has ended, with nothing but what the backup has. */
  async restore() {
    rmSync(this.#data, { recursive: true });
    this.#run('restore', this.#copies);
    await this.start();
  }

  get #copies() {
    return `${this.#data}-copies`;
  }

  #run(command, folder) {
    execFileSync(serverBinary(), [command, '--data', this.#data, folder]);
  }

  async #end(signal) {
    const { exitCode, signalCode } = this.#process;
    if (exitCode !== null || signalCode !== null) return;
    this.#process.kill(signal);
    await once(this.#process, 'exit');
  }

  #announcement() {
    return new Promise((resolve, reject) => {
      createInterface(this.#process.stderr).on('line', (line) => {
        this.log.push(line);
        const event = parseEvent(line);
        if (event.message === 'listening') resolve(event.url);
      });
      this.#process.once('error', reject);
      this.#process.once('exit', (code) =>
        reject(new Error(`the server ended with ${code} before it listened:\n${this.log.join('\n')}`)),
      );
    });
  }

  async #dispose(t) {
    await this.kill();
    for (const folder of [this.#data, this.#copies]) rmSync(folder, { recursive: true, force: true });
    for (const line of this.log) if (isTrouble(line)) t.diagnostic(line);
  }
}

function isTrouble(line) {
  return !['debug', 'info'].includes(parseEvent(line).level);
}

function parseEvent(line) {
  try {
    return JSON.parse(line);
  } catch {
    return {};
  }
}
