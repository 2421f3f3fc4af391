import { fileURLToPath } from 'node:url';
import { launchBrowser } from '../support/browser.js';
import { hostFiles } from '../support/web-host.js';

const FOLDER = fileURLToPath(new URL('../../', import.meta.url));

/** Starts a browser in which devices can be opened. It is closed when the process ends, or by `close`. */
export async function launchDevices() {
  const browser = await launchBrowser();
  return {
    open: (t, stores, seed, report) => PageDevice.open(t, browser, stores, seed, report),
    close: () => browser.close(),
  };
}

/** The device of a user: a page in a browser profile of its own. */
class PageDevice {
  #context;
  #address;
  #page;
  #settings;
  #work = Promise.resolve();

  static async open(t, browser, stores, seed, report) {
    const device = new PageDevice();
    device.#address = `${await hostFiles(t, FOLDER)}test/faults/own-page.html`;
    device.#context = await browser.newContext();
    t.after(() => device.#context.close());
    device.#settings = { stores, seed };
    await device.#context.exposeBinding('report', ({ page }, ...seen) => {
      if (page === device.#page) report(...seen);
    });
    await device.#visit();
    return device;
  }

  /** Starts to sync; from then on each page does by itself. */
  connect(url, options) {
    this.#settings.url = url;
    this.#settings.options = options;
    return this.#do('connect', url, options);
  }

  edit() {
    return (this.#work = this.#do('edit'));
  }

  look(when) {
    return this.#do('look', when);
  }

  unsent() {
    return this.#do('unsent', this.#settings.url);
  }

  has(table, key) {
    return this.#do('has', table, key);
  }

  async reload() {
    await this.#work;
    await this.#page.reload();
    await this.#begin();
  }

  /** Ends without notice to the page, as mobile systems do. */
  async crash() {
    await this.#work;
    const ended = this.#page;
    const crashed = ended.waitForEvent('crash');
    ended.goto('chrome://crash').catch(() => {});
    await crashed;
    await this.#visit();
    await ended.close();
  }

  async #visit() {
    this.#page = await this.#context.newPage();
    await this.#page.goto(this.#address);
    await this.#begin();
  }

  async #begin() {
    this.#settings.seed++;
    await this.#page.evaluate((settings) => window.begin(settings), this.#settings);
  }

  #do(what, ...args) {
    return this.#page.evaluate(([what, args]) => window.device[what](...args), [what, args]);
  }
}
