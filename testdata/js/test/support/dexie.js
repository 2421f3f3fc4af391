/** Dexie with both add-ons and the protocol of the demo, in Node. */
import './globals.js';
import Dexie from 'dexie';
import 'dexie-observable';
import 'dexie-syncable';

globalThis.Dexie = Dexie;
await import('../../demo/sync-protocol.js');

const { websocket } = Dexie.Syncable.registeredProtocols;

/** Registers the protocol once more, to upload in messages of at most `threshold` changes; returns its name. */
export function protocolInParts(threshold) {
  const name = `websocket in parts of ${threshold}`;
  Dexie.Syncable.registerSyncProtocol(name, { ...websocket, partialsThreshold: threshold });
  return name;
}

/**
 * The protocol as many apps have it: after a failed attempt `onerror` and `onclose` both schedule the next,
 * so that from then on two sockets speak for one client.
 */
export const TWO_SOCKETS = 'websocket, two sockets after a refused one';

Dexie.Syncable.registerSyncProtocol(TWO_SOCKETS, {
  sync(...args) {
    const onError = args.pop();
    websocket.sync(...args, (error, delay) => {
      onError(error, delay);
      if (error.message.startsWith('no connection')) onError(error, delay);
    });
  },
});

/** The protocol as it was: it does not tell the server which tables the app has. */
export const WITHOUT_TABLES = 'websocket, without tables';

Dexie.Syncable.registerSyncProtocol(WITHOUT_TABLES, {
  sync: (context, url, { tables, ...options }, ...rest) => websocket.sync(context, url, options, ...rest),
});

export default Dexie;
