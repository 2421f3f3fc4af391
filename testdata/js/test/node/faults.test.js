import assert from 'node:assert/strict';
import { test } from 'node:test';
import { playAll } from '../faults/play.js';
import { OUR_PROTOCOLS } from '../faults/protocols.js';
import { Run } from '../faults/run.js';

test('apps on failing lines, with a failing server, end equal', { timeout: 300_000 }, async (t) => {
  const failures = await playAll(Run, {
    runs: 16,
    seed: 1,
    parallel: 8,
    reconnectDelay: 400,
    protocols: OUR_PROTOCOLS,
    report: (line) => t.diagnostic(line),
  });
  assert.deepEqual(failures.map(({ seed, error }) => `${seed}: ${error.message}`), []);
});
