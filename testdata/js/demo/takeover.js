/**
 * Of all windows that a browser has open on one database, one connects to the server; when it ends, the next takes
 * over. Two repairs of how Dexie.Observable 4.0.1-beta.13 does that. Load it after dexie-observable, and before the
 * database is made. Without it, a page that is reloaded, or opened after another was killed, now and then stays
 * offline.
 */
Dexie.addons.push((db) => {
  // A window that ends leaves a note in localStorage. Those open at that time hear of it: so must the next to open.
  const heedNotes = () => {
    for (const key of Object.keys(localStorage)) {
      const [, id, name] = key.match(/^Dexie\.Observable\/deadnode:(\d+)\/(.*)$/) ?? [];
      if (name !== db.name) continue;
      if (Number(id) === db._localSyncNode.id)
        localStorage.removeItem(key); // left by a deleted database of this name
      else Dexie.Observable.on.suicideNurseCall.fire(name, Number(id));
    }
  };
  db.on('ready', heedNotes, true);

  // A window that takes over has to know it.
  db.on('cleanup', (tookOver) => {
    if (tookOver) db._localSyncNode.isMaster = 1;
  });
});
