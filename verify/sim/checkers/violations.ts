// What checkers found. The first one ends a simulation.

export interface Violation {
  /** The property that does not hold. */
  readonly property: string;
  /** What was seen, for people. */
  readonly message: string;
}

export class Violations {
  readonly #found: Violation[] = [];

  get found(): readonly Violation[] {
    return this.#found;
  }

  add(property: string, message: string): void {
    this.#found.push({ property, message });
  }

  /** Notes a violation unless `condition` holds. The message is made only then. */
  expect(condition: boolean, property: string, message: () => string): void {
    if (!condition) this.add(property, message());
  }
}
