// Query strings, strictly: what is given twice or is not well-formed is seen as such, and refused by the schemas.

export type QueryValue = string | readonly string[] | null;

/**
 * Names to values. A name that comes twice has a list, text that is not percent-encoded UTF-8 is null: neither is a
 * string, which is all that the schemas of this API take. The object has no prototype, so no name is special.
 */
export function parseQueryString(text: string): Record<string, QueryValue> {
  // A literal without prototype has the shape of any other object; one of Object.create(null) is a slow dictionary.
  const query = { __proto__: null } as unknown as Record<string, QueryValue>;
  for (const pair of text.split('&')) {
    if (pair === '') continue;
    const equals = pair.indexOf('=');
    const rawName = equals === -1 ? pair : pair.slice(0, equals);
    const name = decode(rawName) ?? rawName;
    const value = equals === -1 ? '' : decode(pair.slice(equals + 1));
    const earlier = query[name];
    query[name] = earlier === undefined ? value : [...asList(earlier), value ?? ''];
  }
  return query;
}

function asList(value: QueryValue): readonly string[] {
  // Which of the values was malformed no longer matters: the name was given more than once.
  if (value === null) return [''];
  return typeof value === 'string' ? [value] : value.slice(0, 1);
}

/** What may stand for something else. */
const ENCODED = /[%+]/;

function decode(text: string): string | null {
  if (!ENCODED.test(text)) return text;
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    // URIError is the only thing that decodeURIComponent throws.
    return null;
  }
}
