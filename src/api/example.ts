// Examples, put together from the examples that schemas give for single values.

interface Schema {
  readonly const?: unknown;
  readonly examples?: readonly unknown[];
  readonly enum?: readonly unknown[];
  readonly properties?: Readonly<Record<string, object>>;
  readonly items?: object;
}

/** An example of the schema, or undefined where the schema does not say enough. */
export function exampleOf(schema: object): unknown {
  const { const: constant, examples, enum: choices, properties, items }: Schema = schema;
  if (constant !== undefined) return constant;
  if (examples !== undefined) return examples[0];
  if (choices !== undefined) return choices[0];
  if (items !== undefined) return [exampleOf(items)];
  if (properties === undefined) return undefined;
  return Object.fromEntries(Object.entries(properties).map(([name, value]) => [name, exampleOf(value)]));
}
