/**
 * What a user has who alone writes to a database never changes by itself: Blobs, Dates and the like stay what they are.
 * Long runs: `npm run faults -- --own --runs 300 --parallel 8 --delay 400`.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NodeDevice } from '../faults/node-device.js';
import { OwnRun } from '../faults/own-run.js';
import { playAll } from '../faults/play.js';
import { OUR_PROTOCOLS } from '../faults/protocols.js';

/** How many runs are played: of those in which things are late, and of those in which they get lost, too. */
const LATE = 8;
const LOST = 0; // 30 once the server sends no more of an author's own object than is in doubt

async function play(t, runs, kinds) {
  const failures = await playAll(OwnRun, {
    runs,
    seed: 1,
    parallel: 8,
    reconnectDelay: 400,
    protocols: OUR_PROTOCOLS,
    kinds,
    device: NodeDevice,
    report: (line) => t.diagnostic(line),
  });
  assert.deepEqual(failures.map(({ seed, error }) => `${seed}: ${error.message}`), []);
}

test('nothing of a user changes by itself on a slow line', { timeout: 300_000 }, (t) => play(t, LATE, ['hold']));

test('nothing of a user changes by itself, whatever gets lost', { timeout: 600_000, skip: LOST === 0 }, (t) => play(t, LOST, []));
