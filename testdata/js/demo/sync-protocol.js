/**
 * Dexie.Syncable over one WebSocket, as the protocol "websocket". Load it after dexie, dexie-observable and
 * dexie-syncable, and before the database is made. Once `db.open()` is through,
 * `db.syncable.connect('websocket', 'wss://host/db/name')` keeps `db` in sync. It tries again by itself after a
 * lost connection and after a failed first attempt; of that one, its promise tells. If the database is not open,
 * a failed first attempt closes it. Options, third argument: `reconnectDelay` in milliseconds, 5000 by default, and
 * `messageBytes`, 4 MiB by default: what is more goes out in several messages.
 */
(() => {
  const utf8 = new TextEncoder();

  /** The changes in groups for one message each. A change that is too large by itself is a group of its own. */
  function cut(changes, messageBytes) {
    const groups = [[]];
    let bytes = 0;
    for (const change of changes) {
      const size = utf8.encode(JSON.stringify(change)).length + 1;
      if (bytes > 0 && bytes + size > messageBytes) {
        groups.push([]);
        bytes = 0;
      }
      groups.at(-1).push(change);
      bytes += size;
    }
    return groups;
  }

  function sync(context, url, options, baseRevision, syncedRevision, changes, partial, ...callbacks) {
    const [applyRemoteChanges, onChangesAccepted, onSuccess, onError] = callbacks;
    const { reconnectDelay = 5000, messageBytes = 4 * 1024 * 1024, tables } = options;
    const socket = new WebSocket(url);
    const unacknowledged = new Map(); // requestId -> onChangesAccepted
    let lastRequestId = 0;
    let lastBatch = Promise.resolve();
    let upToDate = false;
    let over = false;

    const send = (message) => socket.send(JSON.stringify(message));

    // Dexie.Syncable can cut a set, too: `partial` says that more follows in further calls. What it was told to be
    // accepted of such a set it does not send again. Otherwise `first` has the server drop what it holds.
    function sendChanges(changes, baseRevision, partial, onChangesAccepted) {
      const isWhole = !partial && !context.isWithinSet;
      const accepted = () => {
        context.isWithinSet = partial; // saved with what Dexie.Syncable notes
        onChangesAccepted();
      };
      cut(changes, messageBytes).forEach((group, n, { length }) => {
        const [isFirst, isLast] = [n === 0, n === length - 1];
        unacknowledged.set(++lastRequestId, isLast ? accepted : () => {});
        send({
          type: 'changes',
          changes: group,
          first: isWhole && isFirst,
          partial: partial || !isLast,
          baseRevision,
          requestId: lastRequestId,
        });
      });
    }

    function disconnect() {
      over = true;
      socket.close();
    }

    // Once per connection, as each report opens another socket, and not before all that came has been applied.
    function fail(reason, retryAfter = reconnectDelay) {
      if (over) return;
      disconnect();
      const report = () => onError(new Error(reason), retryAfter);
      lastBatch.then(report, report);
    }

    function begin() {
      sendChanges(changes, baseRevision, partial, onChangesAccepted);
      send({ type: 'subscribe', syncedRevision });
    }

    const handlers = {
      // A new client sends nothing before its identity is stored. If that got lost, what it has sent would be another
      // client's to the server, and come back as far as JSON has it: a Blob as {}.
      async clientIdentity(message) {
        const isNew = !context.clientIdentity;
        context.clientIdentity = message.clientIdentity;
        await context.save();
        if (isNew && !over) begin();
      },
      ack({ requestId }) {
        const accepted = unacknowledged.get(requestId);
        if (!accepted) return fail(`the server acknowledged request ${requestId}, which is not open`);
        unacknowledged.delete(requestId);
        accepted();
      },
      async changes({ changes, currentRevision, partial, clear }) {
        await (lastBatch = applyRemoteChanges(changes, currentRevision, partial, clear));
        if (partial || upToDate || over) return;
        upToDate = true;
        onSuccess({ react: sendChanges, disconnect });
      },
      error: ({ message }) => fail(`the server refused a request: ${message}`),
    };

    socket.onopen = () => {
      try {
        const { clientIdentity = null } = context;
        send({ type: 'clientIdentity', clientIdentity, tables: tables && JSON.parse(tables) });
        if (clientIdentity) begin();
      } catch (error) {
        fail(error.message, Infinity); // JSON has no form for a BigInt
      }
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

  // Tells the protocol the tables of the schema, such that the server sends nothing of others: Dexie.Syncable could not
  // apply that. They are an option of each connect, of its own ones at the start and after an upgrade, too. They are
  // text, because Dexie.Syncable takes another array for another option, and connects anew.
  Dexie.addons.push((db) => {
    if (!db.syncable) return;
    const { connect } = db.syncable;
    db.syncable.connect = (protocol, url, options) => {
      const tables = db.tables.filter(({ schema }) => schema.observable).map(({ name }) => name);
      return connect(protocol, url, { ...options, tables: JSON.stringify(tables) });
    };
  });
})();
