/**
 * Dexie.Syncable over one WebSocket: registers the protocol "websocket", as Syncabled speaks it.
 * Copy this file into an app and load it after dexie, dexie-observable and dexie-syncable; then
 *
 *     db.syncable.connect('websocket', 'wss://example.org/db/todos').catch(() => {});
 *
 * keeps `db` in sync, and comes back by itself after every lost connection (the catch is for the very first
 * attempt). Follow `db.syncable.on('statusChanged')` to show the state of the connection. The third argument
 * of connect may hold `reconnectDelay`, in milliseconds: 5000 unless told otherwise.
 */
(() => {
  function sync(
    context, url, { reconnectDelay = 5000 }, baseRevision, syncedRevision, changes, partial,
    applyRemoteChanges, onChangesAccepted, onSuccess, onError,
  ) {
    const socket = new WebSocket(url);
    const unacknowledged = new Map(); // requestId -> onChangesAccepted
    let lastRequestId = 0;
    let upToDate = false;
    let over = false;

    const send = (message) => socket.send(JSON.stringify(message));

    function sendChanges(changes, baseRevision, partial, onChangesAccepted) {
      unacknowledged.set(++lastRequestId, onChangesAccepted);
      send({ type: 'changes', changes, partial, baseRevision, requestId: lastRequestId });
    }

    function disconnect() {
      over = true;
      socket.close();
    }

    // Only the first failure of a connection counts: each one reported opens another socket.
    function fail(reason, retryAfter = reconnectDelay) {
      if (over) return;
      disconnect();
      onError(new Error(reason), retryAfter);
    }

    const handlers = {
      clientIdentity(message) {
        context.clientIdentity = message.clientIdentity;
        return context.save();
      },
      ack({ requestId }) {
        const accepted = unacknowledged.get(requestId);
        if (!accepted) return fail(`the server acknowledged request ${requestId}, which is not open`);
        unacknowledged.delete(requestId);
        accepted();
      },
      async changes({ changes, currentRevision, partial, clear }) {
        await applyRemoteChanges(changes, currentRevision, partial, clear);
        if (partial || upToDate || over) return;
        upToDate = true;
        onSuccess({ react: sendChanges, disconnect });
      },
      error: ({ message }) => fail(`the server refused a request: ${message}`),
    };

    socket.onopen = () => {
      send({ type: 'clientIdentity', clientIdentity: context.clientIdentity ?? null });
      sendChanges(changes, baseRevision, partial, onChangesAccepted);
      send({ type: 'subscribe', syncedRevision });
    };
    socket.onmessage = async ({ data }) => {
      if (over) return;
      try {
        const message = JSON.parse(data);
        await handlers[message.type]?.(message);
      } catch (error) {
        fail(error.message, Infinity); // what cannot be applied now cannot be applied in five seconds
      }
    };
    socket.onerror = () => fail(`no connection to ${url}`);
    socket.onclose = ({ code, reason }) => fail(`the server closed the connection: ${code} ${reason}`);
  }

  Dexie.Syncable.registerSyncProtocol('websocket', { sync });
})();
