import { AssertionError } from 'node:assert';
import { setTimeout as delay } from 'node:timers/promises';

/**
 * Repeats a check until its assertions hold, and returns its result; after a generous while its last failure stands.
 * @template T
 * @param {() => T | Promise<T>} check
 */
export async function eventually(check, { within = 30_000, every = 20 } = {}) {
  const deadline = Date.now() + within;
  for (;;) {
    try {
      return await check();
    } catch (error) {
      if (!(error instanceof AssertionError) || Date.now() > deadline) throw error;
    }
    await delay(every);
  }
}
