/** A small value of any kind that JSON has. */
export function someValue(random, depth = 0) {
  const kinds = ['number', 'text', 'null', 'boolean', 'array', ...(depth < 2 ? ['object', 'object'] : [])];
  switch (random.pick(kinds)) {
    case 'number':
      return random.below(10);
    case 'text':
      return random.pick(['', 'left', 'right']);
    case 'null':
      return null;
    case 'boolean':
      return random.next() < 0.5;
    case 'array':
      return [random.below(10), { x: random.below(10) }];
    case 'object':
      return Object.fromEntries(
        ['x', 'y', 'z'].filter(() => random.next() < 0.5).map((name) => [name, someValue(random, depth + 1)]),
      );
  }
}

/** A small value of any kind that IndexedDB has: more often than not one that JSON loses. */
export function anyValue(random) {
  const n = random.below(10);
  switch (random.pick(['blob', 'date', 'infinity', 'nan', 'undefined', 'bytes', 'buffer', 'map', 'set', 'within', 'json', 'json'])) {
    case 'blob':
      return new Blob([`blob ${n}`], { type: 'text/plain' });
    case 'date':
      return new Date(n * 1e9);
    case 'infinity':
      return random.pick([Infinity, -Infinity]);
    case 'nan':
      return NaN;
    case 'undefined':
      return undefined;
    case 'bytes':
      return new Uint8Array([n, n]);
    case 'buffer':
      return new Uint8Array([n]).buffer;
    case 'map':
      return new Map([[n, new Date(n)]]);
    case 'set':
      return new Set([n, 'x']);
    case 'within':
      return { x: anyValue(random), list: [anyValue(random), n] };
    case 'json':
      return someValue(random);
  }
}
