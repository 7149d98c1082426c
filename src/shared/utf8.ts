// Text in UTF-8. Keys and records are short and mostly ASCII, where the call into the platform's encoder costs more
// than the bytes.

import { allocateBytes } from './allocate-bytes.ts';

const encoder = new TextEncoder();

/** Beyond this the platform's encoder is faster. */
const SHORT_CHARACTERS = 256;

/** `text` in UTF-8, in a buffer of its own. A surrogate without its partner becomes U+FFFD, as TextEncoder has it. */
export function encodeUtf8(text: string): Uint8Array {
  const { length } = text;
  if (length > SHORT_CHARACTERS) return encoder.encode(text);
  const bytes = allocateBytes(length);
  for (let at = 0; at < length; at += 1) {
    const unit = text.charCodeAt(at);
    if (unit > 0x7f) return encoder.encode(text);
    bytes[at] = unit;
  }
  return bytes;
}
