/**
 * Text of a value by which it is told from every other value that IndexedDB can store, by type as well. It runs in
 * Node and in pages.
 * @returns {Promise<string>}
 */
export async function exact(value) {
  if (Object.is(value, -0)) return '-0';
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'bigint') return `${value}n`;
  if (value === null || typeof value !== 'object') return String(value);
  if (value instanceof Date) return `Date(${value.getTime()})`;
  if (value instanceof Blob) return `Blob(${JSON.stringify([value.type, await value.text()])})`;
  if (value instanceof ArrayBuffer) return `ArrayBuffer(${new Uint8Array(value)})`;
  if (ArrayBuffer.isView(value)) return `${value.constructor.name}(${value})`;
  if (value instanceof Map) return `Map(${await exactList([...value])})`;
  if (value instanceof Set) return `Set(${await exactList([...value])})`;
  if (Array.isArray(value)) return exactList(value);
  const members = Object.keys(value).sort();
  return `{${(await Promise.all(members.map(async (name) => `${JSON.stringify(name)}:${await exact(value[name])}`))).join()}}`;
}

async function exactList(list) {
  return `[${(await Promise.all(list.map(exact))).join()}]`;
}
