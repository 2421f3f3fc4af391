/** Runs one suite, `node` or `chromium`, or the test files given: one build of the server for all of them. */
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { serverBinary } from './support/binary.js';

const [suite, ...files] = process.argv.slice(2);
const folder = fileURLToPath(new URL(suite, import.meta.url));
const selected = files.length ? files : readdirSync(folder).filter((name) => name.endsWith('.test.js'));

const { status } = spawnSync(
  process.execPath,
  ['--test', '--test-concurrency=2', '--test-reporter=spec', ...selected.map((name) => join(folder, name))],
  { stdio: 'inherit', env: { ...process.env, SYNCABLED_BIN: serverBinary() } },
);
process.exit(status ?? 1);
