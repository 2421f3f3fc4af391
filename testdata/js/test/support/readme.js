import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DEMO } from './todo-page.js';

const README = readFileSync(new URL('../../../../README.md', import.meta.url), 'utf8');
const NODE_MODULES = fileURLToPath(new URL('../../node_modules', import.meta.url));
const [, SHELL, PAGE] = README.match(/^```\n(npm install .*?)^```\n.*?^```html\n(.*?)^```\n/ms);
const [INSTALL, ...REST] = SHELL.trim().split('\n');

/** What the README has a newcomer install: `name@version`. */
export const INSTALLED = INSTALL.split(' ').slice(2);

/** The app of the README in a folder of its own, made as the README says. */
export class ReadmeApp {
  #folder = mkdtempSync(join(tmpdir(), 'syncabled-app-'));

  constructor(t) {
    t.after(() => rmSync(this.#folder, { recursive: true }));
    symlinkSync(NODE_MODULES, join(this.#folder, 'node_modules')); // `npm install` would fetch the same
    execFileSync('sh', ['-ec', REST.join('\n')], { cwd: this.#folder });
    for (const file of ['sync-protocol.js', 'takeover.js']) copyFileSync(join(DEMO, file), join(this.files, file));
  }

  /** The folder for `syncabled serve --static`. */
  get files() {
    return join(this.#folder, 'app');
  }

  /** Saves the page, with the address of a server under test in place of the default one. */
  savePage({ url }) {
    writeFileSync(join(this.files, 'index.html'), PAGE.replaceAll('127.0.0.1:8080', new URL(url).host));
  }
}
