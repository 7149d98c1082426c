// Violations found by checkers. The first one ends a simulation.

export interface Violation {
  /** The violated property. */
  readonly property: string;
  /** A description of the violation. */
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

  /** Records a violation unless `condition` holds. `message` is called only then. */
  expect(condition: boolean, property: string, message: () => string): void {
    if (!condition) this.add(property, message());
  }
}
