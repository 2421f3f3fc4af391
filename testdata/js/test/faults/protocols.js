import { pathToFileURL } from 'node:url';
import Dexie from '../support/dexie.js';

const registered = Dexie.Syncable.registeredProtocols;

await import('./plain-protocol.js');

/** The protocols of this folder and of the demo: names under which they are registered. */
export const OUR_PROTOCOLS = ['websocket', 'plain websocket'];

/** Registers the protocol of a file, which calls itself `websocket`, under a name of its own. */
export async function protocolOf(file) {
  const { websocket } = registered;
  await import(pathToFileURL(file));
  registered[file] = registered.websocket;
  registered.websocket = websocket;
  return file;
}

/** The same protocol that uploads in messages of at most `threshold` changes. */
export function inParts(protocol, threshold) {
  const name = `${protocol} in parts of ${threshold}`;
  if (!registered[name]) {
    Dexie.Syncable.registerSyncProtocol(name, { ...registered[protocol], partialsThreshold: threshold });
  }
  return name;
}
