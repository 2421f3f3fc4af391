import { fileURLToPath } from 'node:url';

/** Folder of the demo, for `syncabled serve --static`. */
export const DEMO = fileURLToPath(new URL('../../demo/', import.meta.url));

/** The demo in a window of a browser, as its user sees it. */
export class TodoPage {
  #context;
  #address;
  #page;

  /** What went wrong in the page. */
  errors = [];

  /**
   * Opens the demo in a new browser profile: another client.
   * @param {import('node:test').TestContext} t
   * @param {import('playwright-core').Browser} browser
   * @param {string} address of the page
   * @param {Record<string, string>} cookies that the browser has before
   */
  static async open(t, browser, address, cookies = {}) {
    const context = await browser.newContext();
    t.after(() => context.close());
    const todos = new TodoPage(context, address);
    for (const [name, value] of Object.entries(cookies)) await todos.setCookie(name, value);
    await todos.reopen();
    return todos;
  }

  /** The same, with the page from a cache: it opens without a server, too. */
  static async openFromCache(t, browser, address) {
    const context = await browser.newContext({ permissions: ['local-network-access'] });
    t.after(() => context.close());
    await context.route(new URL('**', address).href, (route, request) => {
      const { pathname } = new URL(request.url());
      return route.fulfill({ path: DEMO + (pathname === '/' ? 'index.html' : pathname.slice(1)) });
    });
    const todos = new TodoPage(context, address);
    await todos.reopen();
    return todos;
  }

  constructor(context, address) {
    this.#context = context;
    this.#address = address;
  }

  /** Opens the page in a new window of the same profile. */
  async reopen() {
    this.#page = await this.#context.newPage();
    this.#page.on('pageerror', (error) => this.errors.push(error));
    await this.#page.goto(this.#address);
  }

  /** The same, in such a way that `passTime` can pass the time in the page. */
  async reopenWithClock() {
    this.#page = await this.#context.newPage();
    await this.#page.clock.install();
    await this.#page.goto(this.#address);
  }

  /** Gives the browser a cookie for the server of the page. */
  async setCookie(name, value) {
    await this.#context.addCookies([{ name, value, url: this.#address }]);
  }

  async passTime(milliseconds) {
    await this.#page.clock.fastForward(milliseconds);
  }

  reload() {
    return this.#page.reload();
  }

  /** Closes the window as its user does, without waiting for anything. */
  async close() {
    const closed = this.#page.waitForEvent('close');
    await this.#page.close({ runBeforeUnload: true });
    await closed;
  }

  /** Ends the window without notice to the page, as mobile systems do. */
  async kill() {
    await this.#page.close();
  }

  async add(...texts) {
    for (const text of texts) {
      await this.#page.getByLabel('New task').fill(text);
      await this.#page.getByRole('button', { name: 'Add' }).click();
      await this.#checkbox(text).waitFor();
    }
  }

  /** Clicks the box of a task. What it shows is drawn from the database, and may lag behind a click. */
  tick(text) {
    return this.#checkbox(text).click();
  }

  async edit(text, replacement) {
    const input = this.#row(text).getByLabel('Task');
    await input.fill(replacement);
    await input.press('Enter');
  }

  /** Types into a task without finishing. */
  type(text, replacement) {
    return this.#row(text).getByLabel('Task').fill(replacement);
  }

  remove(text) {
    return this.#page.getByRole('button', { name: `Delete: ${text}` }).click();
  }

  clearDone() {
    return this.#page.getByRole('button', { name: 'Clear done' }).click();
  }

  /** @param {'All' | 'Left' | 'Done'} selection */
  show(selection) {
    return this.#page.getByRole('radio', { name: selection }).check();
  }

  goOffline() {
    return this.#page.getByRole('button', { name: 'Go offline' }).click();
  }

  goOnline() {
    return this.#page.getByRole('button', { name: 'Go online' }).click();
  }

  status() {
    return this.#page.getByRole('status').textContent();
  }

  /** The list as it is shown: `- Milk` is left to do, `x Milk` is done. */
  list() {
    return this.#page.getByRole('listitem').evaluateAll((rows) =>
      rows.map((row) => {
        const [done, text] = row.querySelectorAll('input');
        return `${done.checked ? 'x' : '-'} ${text.value}`;
      }),
    );
  }

  #checkbox(text) {
    return this.#page.getByRole('checkbox', { name: `Done: ${text}`, exact: true });
  }

  #row(text) {
    return this.#page.getByRole('listitem').filter({ has: this.#checkbox(text) });
  }
}
