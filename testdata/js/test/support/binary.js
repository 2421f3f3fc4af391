import { execFileSync } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

let built;

/** The server under test: $SYNCABLED_BIN, or else built from this checkout, once per process. */
export function serverBinary() {
  return process.env.SYNCABLED_BIN || (built ??= build());
}

function build() {
  const binary = join(mkdtempSync(join(tmpdir(), 'syncabled-bin-')), 'syncabled');
  const root = fileURLToPath(new URL('../../../../', import.meta.url));
  execFileSync('go', ['build', '-o', binary, './cmd/syncabled'], { cwd: root, stdio: 'inherit' });
  return binary;
}
