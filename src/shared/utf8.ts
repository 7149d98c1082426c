// Text in UTF-8. Keys and records are short and mostly ASCII, where the call into the platform's encoder costs more
// than the bytes.

import { allocateBytes } from './allocate-bytes.ts';

const encoder = new TextEncoder();

/** Beyond this the platform's encoder is faster. */
const SHORT_CHARACTERS = 256;

/** `text` in UTF-8, in a buffer of its own. A surrogate without its partner becomes U+FFFD, as TextEncoder has it. */
export function encodeUtf8(text: string): Uint8Array {
  return encodeShortAscii(text, { before: 0, after: 0 }) ?? encoder.encode(text);
}

/**
 * `text` with room around it, so many bytes of 0 before and after. Undefined when it is not short, or not ASCII:
 * encode it and copy the bytes.
 */
export function encodeShortAscii(
  text: string,
  { before, after }: { before: number; after: number },
): Uint8Array | undefined {
  const { length } = text;
  if (length > SHORT_CHARACTERS) return undefined;
  const bytes = allocateBytes(before + length + after);
  for (let at = 0; at < length; at += 1) {
    const unit = text.charCodeAt(at);
    if (unit > 0x7f) return undefined;
    bytes[before + at] = unit;
  }
  return bytes;
}
