import { AssertionError } from 'node:assert';

/**
 * The contents of a database as one of its holders sees it: object id -> canonical JSON.
 * @typedef {Map<string, string>} Contents
 */

/** Names an object so that the keys 1 and "1" stay apart. */
export function objectId(table, key) {
  return `${table} ${JSON.stringify(key)}`;
}

/** JSON with the members of every object in order, for comparison by meaning. */
export function canonical(value) {
  return JSON.stringify(JSON.parse(JSON.stringify(value)), (_, member) =>
    isPlainObject(member) ? Object.fromEntries(Object.entries(member).sort(byName)) : member,
  );
}

/** The same contents without members that are null: a property removed in an app is null everywhere else. */
export function withoutNulls(contents) {
  return new Map(
    [...contents].map(([id, json]) => [
      id,
      JSON.stringify(JSON.parse(json), (_, member) =>
        isPlainObject(member)
          ? Object.fromEntries(Object.entries(member).filter(([, v]) => v !== null))
          : member,
      ),
    ]),
  );
}

/**
 * Fails with a readable list of the objects on which the holders disagree.
 * @param {Record<string, Contents>} holders
 */
export function assertSameContents(holders) {
  const names = Object.keys(holders);
  const ids = new Set(names.flatMap((name) => [...holders[name].keys()]));
  const disputed = [...ids].filter((id) => new Set(names.map((name) => holders[name].get(id))).size > 1);
  if (disputed.length === 0) return;
  const lines = disputed
    .slice(0, 10)
    .flatMap((id) => [id, ...names.map((name) => `    ${name}: ${excerpt(holders[name].get(id))}`)]);
  throw new AssertionError({
    message: `${disputed.length} of ${ids.size} objects differ\n${lines.join('\n')}`,
  });
}

function excerpt(json = '(absent)') {
  return json.length > 300 ? `${json.slice(0, 300)}…` : json;
}

function isPlainObject(value) {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}

function byName([a], [b]) {
  return a < b ? -1 : 1;
}
