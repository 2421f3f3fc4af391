/**
 * Applies key paths as Dexie does, to check the server's own application of them against.
 *
 * Reads one case per line, `{"obj": …, "path": "a.b", "value": …}`, and prints for each one line: the object
 * afterwards as JSON, or `!TypeError: …` if Dexie throws.
 */
import { createInterface } from 'node:readline';
import Dexie from 'dexie';

for await (const line of createInterface({ input: process.stdin })) {
  const { obj, path, value } = JSON.parse(line);
  console.log(outcome(obj, path, value));
}

function outcome(obj, path, value) {
  try {
    Dexie.setByKeyPath(obj, path, value);
    return JSON.stringify(obj);
  } catch (error) {
    return `!${error}`;
  }
}
