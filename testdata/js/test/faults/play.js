/**
 * Plays runs of a kind, several at a time, and returns those that failed.
 * @returns {Promise<{ seed: number, error: Error }[]>}
 */
export async function playAll(Run, { runs, seed, parallel, report, ...options }) {
  const seeds = Array.from({ length: runs }, (_, n) => seed + n);
  const totals = {};
  const failures = [];
  let ended = 0;
  report(`seeds ${seed} to ${seed + runs - 1}`);
  const worker = async () => {
    for (let next; (next = seeds.shift()) !== undefined; ) {
      const { run, error } = await playOne(Run, { seed: next, ...options });
      for (const [what, times] of Object.entries(run.counts)) totals[what] = (totals[what] ?? 0) + times;
      if (error) {
        failures.push({ seed: next, error });
        report(`seed ${next} (${run.description}): ${error?.stack ?? error}`);
      }
      if (++ended % 10 === 0 || ended === runs) report(`${ended} runs, ${failures.length} failed`);
    }
  };
  await Promise.all(Array.from({ length: parallel }, worker));
  report(Object.entries(totals).map(([what, times]) => `${what} ${times}`).sort().join(', '));
  return failures;
}

async function playOne(Run, options) {
  const scope = new Scope();
  const run = new Run(scope, options);
  try {
    await run.play();
    return { run };
  } catch (error) {
    return { run, error };
  } finally {
    await scope.end();
  }
}

/** What a run starts, which ends with it. */
class Scope {
  #ends = [];

  after(end) {
    this.#ends.push(end);
  }

  diagnostic() {}

  async end() {
    for (const end of this.#ends.reverse()) await end();
  }
}
