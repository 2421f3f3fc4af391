/**
 * A protocol as apps often have it: it passes on what comes and minds nothing else. Every failure is reported
 * twice, so that two sockets come back; a batch is not waited for; and what it does not expect ends it.
 */
Dexie.Syncable.registerSyncProtocol('plain websocket', {
  sync(context, url, { reconnectDelay = 5000 }, baseRevision, syncedRevision, changes, partial, ...callbacks) {
    const [applyRemoteChanges, onChangesAccepted, onSuccess, onError] = callbacks;
    const socket = new WebSocket(url);
    const accepted = [];
    let opened = false;

    const send = (message) => socket.send(JSON.stringify(message));
    const react = (changes, baseRevision, partial, onChangesAccepted) =>
      send({ type: 'changes', changes, partial, baseRevision, requestId: accepted.push(onChangesAccepted) });
    const disconnect = () => socket.close();
    const fail = (reason, again) => {
      disconnect();
      onError(reason, again);
    };

    const handle = (message) => {
      switch (message.type) {
        case 'clientIdentity':
          context.clientIdentity = message.clientIdentity;
          return context.save();
        case 'ack':
          accepted[message.requestId - 1]();
          return delete accepted[message.requestId - 1];
        case 'error':
          return fail(message.message, Infinity);
        case 'changes':
          applyRemoteChanges(message.changes, message.currentRevision, message.partial);
          if (!message.partial && !opened) {
            opened = true;
            onSuccess({ react, disconnect });
          }
      }
    };

    socket.onopen = () => {
      send({ type: 'clientIdentity', clientIdentity: context.clientIdentity || null });
      react(changes, baseRevision, partial, onChangesAccepted);
      send({ type: 'subscribe', syncedRevision });
    };
    socket.onmessage = ({ data }) => {
      try {
        handle(JSON.parse(data));
      } catch (error) {
        fail(error, Infinity);
      }
    };
    socket.onerror = () => fail('no connection', reconnectDelay);
    socket.onclose = () => onError('closed', reconnectDelay);
  },
});
