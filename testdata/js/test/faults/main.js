/**
 * Plays random runs of real clients under faults:
 *
 *   node test/faults/main.js --runs 100 --seed 7 --parallel 20 [--delay 5000] [--protocol FILE]
 *
 * A run is replayed with its own seed and --runs 1. --protocol takes a protocol that registers itself as
 * `websocket` in place of ours.
 */
import { parseArgs } from 'node:util';
import { OUR_PROTOCOLS, protocolOf } from './protocols.js';
import { playAll } from './play.js';

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '100' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    parallel: { type: 'string', default: '20' },
    delay: { type: 'string', default: '5000' },
    protocol: { type: 'string' },
  },
});

const failures = await playAll({
  runs: Number(values.runs),
  seed: Number(values.seed),
  parallel: Number(values.parallel),
  reconnectDelay: Number(values.delay),
  protocols: values.protocol ? [await protocolOf(values.protocol)] : OUR_PROTOCOLS,
  report: console.log,
});
process.exit(failures.length ? 1 : 0);
