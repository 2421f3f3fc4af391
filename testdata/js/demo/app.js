/** A shared to-do list: Dexie keeps it in this browser, Dexie.Syncable keeps it equal to everybody else's. */

const { OFFLINE, ERROR, CONNECTING, ONLINE, ERROR_WILL_RETRY } = Dexie.Syncable.Statuses;

const element = (id) => document.getElementById(id);
const list = element('todos');
const newTodo = element('new-todo');
const filter = element('filter');
const connection = element('connection');
const clearDone = element('clear-done');

// The database: ?db=NAME picks one of the server's, and one of this browser's.

const DEFAULT = 'demo';
const name = new URLSearchParams(location.search).get('db') ?? DEFAULT;
const url = new URL(`/db/${encodeURIComponent(name)}`, location);
url.protocol = url.protocol.replace('http', 'ws');

const db = new Dexie(`todos of ${name}`);
db.version(1).stores({ todos: '$$id, created' });

// The connection

const states = {
  [ONLINE]: { state: 'online', text: 'Online', action: 'Go offline' },
  [CONNECTING]: { state: 'connecting', text: 'Connecting…' },
  [ERROR_WILL_RETRY]: { state: 'offline', text: 'No connection, trying again' },
  [OFFLINE]: { state: 'offline', text: 'Offline', action: 'Go online' },
  [ERROR]: { state: 'offline', text: 'Sync has stopped', action: 'Go online' },
};

function showStatus(syncStatus) {
  if (!(syncStatus in states)) return; // SYNCING comes and goes with every edit
  const { state, text, action } = states[syncStatus];
  element('status').dataset.state = state;
  element('status').textContent = text;
  connection.disabled = !action;
  connection.textContent = action ?? connection.textContent;
}

/** A first attempt that fails is tried again, as long as the database was open before it. */
async function goOnline() {
  await db.syncable.connect('websocket', url.href, { reconnectDelay: 1000 }).catch(console.warn);
  showStatus(await db.syncable.getStatus(url.href));
}

connection.addEventListener('click', async () => {
  const online = (await db.syncable.getStatus(url.href)) > OFFLINE;
  return online ? db.syncable.disconnect(url.href) : goOnline();
});

// One task

function createRow(id) {
  const row = element('todo').content.firstElementChild.cloneNode(true);
  const [done, text, remove] = row.children;
  row.dataset.id = id;
  done.addEventListener('change', () => db.todos.update(id, { done: done.checked }));
  text.addEventListener('change', () => {
    text.value = text.value.trim();
    return text.value ? db.todos.update(id, { text: text.value }) : db.todos.delete(id);
  });
  text.addEventListener('keydown', ({ key }) => {
    if (key === 'Escape') text.value = text.defaultValue;
    if (key === 'Escape' || key === 'Enter') text.blur();
  });
  remove.addEventListener('click', () => db.todos.delete(id));
  return row;
}

function fill(row, todo) {
  const [done, text, remove] = row.children;
  row.classList.toggle('done', todo.done);
  done.checked = todo.done;
  done.setAttribute('aria-label', `Done: ${todo.text}`);
  remove.setAttribute('aria-label', `Delete: ${todo.text}`);
  const beingTyped = text.value !== text.defaultValue;
  text.defaultValue = todo.text;
  if (!beingTyped) text.value = todo.text;
}

// All tasks

const filters = {
  all: { selects: () => true, none: 'Nothing here yet.' },
  left: { selects: ({ done }) => !done, none: 'Nothing left to do.' },
  done: { selects: ({ done }) => done, none: 'Nothing done yet.' },
};

let todos = [];

function render() {
  const { selects, none } = filters[new FormData(filter).get('show')];
  const selected = todos.filter(selects);
  const left = todos.filter(filters.left.selects).length;
  showRows(selected);
  element('empty').textContent = none;
  element('empty').hidden = selected.length > 0;
  element('count').textContent = todos.length ? `${left} of ${todos.length} left` : '';
  clearDone.disabled = left === todos.length;
}

/** Touches only the rows that differ, so that the cursor stays where it is. */
function showRows(selected) {
  const rows = new Map([...list.children].map((row) => [row.dataset.id, row]));
  const ids = new Set(selected.map(({ id }) => id));
  for (const [id, row] of rows) if (!ids.has(id)) row.remove();
  selected.forEach((todo, index) => {
    const row = rows.get(todo.id) ?? createRow(todo.id);
    fill(row, todo);
    if (list.children[index] !== row) list.insertBefore(row, list.children[index] ?? null);
  });
}

newTodo.addEventListener('submit', async (event) => {
  event.preventDefault();
  const text = new FormData(newTodo).get('text').trim();
  newTodo.reset();
  if (text) await db.todos.add({ text, done: false, created: Date.now() });
});
filter.addEventListener('change', render);
clearDone.addEventListener('click', () => db.todos.filter(filters.done.selects).delete());

element('list-name').textContent = name === DEFAULT ? '' : name;
Dexie.liveQuery(() => db.todos.orderBy('created').toArray()).subscribe((result) => {
  todos = result;
  render();
});
db.syncable.on('statusChanged', showStatus);
await db.open();
await goOnline();
