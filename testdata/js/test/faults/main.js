/**
 * Plays random runs of real clients under faults:
 *
 *   node test/faults/main.js --runs 100 --seed 7 --parallel 20 [--delay 5000] [--protocol FILE] [--kinds cut,kill]
 *
 * A run is replayed with its own seed and --runs 1. --protocol takes a protocol that registers itself as
 * `websocket` in place of ours. --kinds takes the kinds of faults, all by default: see failures.js.
 *
 * Clients of several users have to end equal. With --own there is one user with one device, who stores what JSON has
 * not, and whose objects must not change by themselves; with --own --chromium it is a page in Chromium.
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
    kinds: { type: 'string', default: '' },
    own: { type: 'boolean', default: false },
    chromium: { type: 'boolean', default: false },
  },
});

const { Run } = values.own ? { Run: (await import('./own-run.js')).OwnRun } : await import('./run.js');
const device = values.chromium
  ? await (await import('./page-device.js')).launchDevices()
  : values.own && (await import('./node-device.js')).NodeDevice;

const failures = await playAll(Run, {
  runs: Number(values.runs),
  seed: Number(values.seed),
  parallel: Number(values.parallel),
  reconnectDelay: Number(values.delay),
  protocols: values.protocol ? [await protocolOf(values.protocol)] : OUR_PROTOCOLS,
  kinds: values.kinds.split(',').filter(Boolean),
  device,
  report: console.log,
});
process.exit(failures.length ? 1 : 0);
