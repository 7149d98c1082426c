// A strict parser of query strings. Repeated and malformed parameters stay visible, and the schemas refuse
// them.

/** A list for a repeated name, null for text that is not percent-encoded UTF-8. */
type QueryValue = string | readonly [] | null;

/** Returns names and values. The object has no prototype, so no name is special. */
export function parseQueryString(text: string): Record<string, QueryValue> {
  // V8 makes a slow dictionary of an Object.create(null), and a usual object of this literal.
  const query = { __proto__: null } as unknown as Record<string, QueryValue>;
  for (const pair of text.split('&')) {
    if (pair === '') continue;
    const equals = pair.indexOf('=');
    const rawName = equals === -1 ? pair : pair.slice(0, equals);
    const name = decode(rawName) ?? rawName;
    const value = equals === -1 ? '' : decode(pair.slice(equals + 1));
    query[name] = query[name] === undefined ? value : [];
  }
  return query;
}

/** Characters that stand for something else. */
const ENCODED = /[%+]/;

function decode(text: string): string | null {
  if (!ENCODED.test(text)) return text;
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    // decodeURIComponent throws URIError only.
    return null;
  }
}
