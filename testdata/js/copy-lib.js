/** Puts the three browser bundles that the demo page loads into demo/lib. */
import { copyFileSync, mkdirSync } from 'node:fs';

const here = new URL('./', import.meta.url);
mkdirSync(new URL('demo/lib/', here), { recursive: true });
for (const name of ['dexie', 'dexie-observable', 'dexie-syncable']) {
  const bundle = `${name}.min.js`;
  copyFileSync(new URL(`node_modules/${name}/dist/${bundle}`, here), new URL(`demo/lib/${bundle}`, here));
}
