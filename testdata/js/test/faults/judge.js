/** Knows what the objects of a user are, and what became of them that was none of their doing. */
export class Judge {
  #own = new Map();

  /** Objects that changed by themselves: what each was, what it is, and when that was seen. */
  changed = [];

  /** Takes in what is there, and, if the user has edited that, what is there since. */
  report(when, before, after = before) {
    const seen = new Map(before);
    for (const id of new Set([...this.#own.keys(), ...seen.keys()])) {
      const [was, is] = [this.#own.get(id), seen.get(id)];
      if (was !== is) this.changed.push({ id, was, is, when });
    }
    this.#own = new Map(after);
  }

  /** The changes as text, the first of them. */
  toString() {
    return this.changed
      .slice(0, 5)
      .map(({ id, was, is, when }) => `${id} ${when}\n    was ${was}\n    is  ${is}`)
      .join('\n');
  }
}
