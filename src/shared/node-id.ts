// The names that a node may have.

export const MAX_NODE_ID_CHARACTERS = 64;

/** As a regular expression of the API's contract. */
export const NODE_ID_PATTERN = `^[A-Za-z0-9._-]{1,${MAX_NODE_ID_CHARACTERS}}$`;

const NODE_ID = new RegExp(NODE_ID_PATTERN);

export function isNodeId(text: string): boolean {
  return NODE_ID.test(text);
}
