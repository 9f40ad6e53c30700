/** Where in an object's stored bytes (codec/stored.ts) what is spliced into them, and cut out of them, stands. */
export interface StoredLayout {
  /** Members stand in the order of their names, as in custom objects. */
  readonly isSorted: boolean;
  /** Where the key `"metadata"` begins; before it stand only kind and apiVersion. */
  readonly metadata: number;
  /** Where resourceVersion belongs. */
  readonly insertAt: number;
  /** Whether a comma goes before it, after it: one of them at most. */
  readonly comma: 'before' | 'after' | 'none';
  /** The offset behind the metadata, once somebody has asked for it. */
  metadataEnd?: number | undefined;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
export const BRACE = 0x7b;
export const CLOSE = 0x7d;
export const BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
export const COMMA = 0x2c;

/** Undefined for bytes that are not laid out as encodeStored or encodeSorted does it. */
export function layoutOf(bytes: Buffer): StoredLayout | undefined {
  if (bytes[0] !== BRACE) return undefined;
  // Nothing that is sorted begins with its kind: its apiVersion comes before.
  if (!startsWith(bytes, 1, KIND_KEY)) return sortedLayoutOf(bytes);
  let at = 1;
  for (const key of [KIND, API_VERSION]) {
    if (!startsWith(bytes, at, key)) return undefined;
    at = endOfString(bytes, at + key.length - 1);
    if (bytes[at] !== COMMA) return undefined;
    at++;
  }
  if (!startsWith(bytes, at, METADATA)) return undefined;
  const metadata = at;
  at += METADATA.length;
  const first = at;
  // Go writes name, generateName, namespace, selfLink and uid before resourceVersion.
  for (const key of BEFORE) {
    if (!startsWith(bytes, at, key)) continue;
    at = endOfString(bytes, at + key.length - 1);
    if (bytes[at] !== COMMA) break;
    at++;
  }
  return { isSorted: false, metadata, insertAt: at, comma: commaAt(bytes, at, first), metadataEnd: undefined };
}

function sortedLayoutOf(bytes: Buffer): StoredLayout | undefined {
  let at = 1;
  while (!startsWith(bytes, at, METADATA)) {
    if (bytes[at] !== QUOTE) return undefined;
    at = endOfMember(bytes, at);
    if (bytes[at] !== COMMA) return undefined;
    at++;
  }
  const metadata = at;
  at += METADATA.length;
  const first = at;
  while (bytes[at] === QUOTE && !AFTER.some((key) => startsWith(bytes, at, key))) {
    at = endOfMember(bytes, at);
    if (bytes[at] !== COMMA) break;
    at++;
  }
  return { isSorted: true, metadata, insertAt: at, comma: commaAt(bytes, at, first), metadataEnd: undefined };
}

function commaAt(bytes: Buffer, at: number, first: number): StoredLayout['comma'] {
  if (bytes[at] !== CLOSE) return 'after';
  return at === first ? 'none' : 'before';
}

const KIND = Buffer.from('"kind":"');
const KIND_KEY = KIND.subarray(0, -1);
const API_VERSION = Buffer.from('"apiVersion":"');
export const METADATA = Buffer.from('"metadata":{');
const BEFORE = ['name', 'generateName', 'namespace', 'selfLink', 'uid'].map((key) => Buffer.from(`"${key}":"`));

/** The names of metadata that are behind resourceVersion. */
const AFTER = ['selfLink', 'uid'].map((key) => Buffer.from(`"${key}":`));

export function startsWith(bytes: Buffer, at: number, prefix: Buffer): boolean {
  for (let i = 0; i < prefix.length; i++) if (bytes[at + i] !== prefix[i]) return false;
  return true;
}

/** @param at the opening quote. @returns the offset after the closing one */
function endOfString(bytes: Buffer, at: number): number {
  let end = at + 1;
  while (end < bytes.length && bytes[end] !== QUOTE) end += bytes[end] === BACKSLASH ? 2 : 1;
  return end + 1;
}

/** The offset behind the metadata. It is looked for once: that takes longer than to write it. */
export function endOfMetadata(bytes: Buffer, layout: StoredLayout): number {
  layout.metadataEnd ??= endOfObject(bytes, layout.metadata + METADATA.length);
  return layout.metadataEnd;
}

/** Of a member of an object. @param at the quote before its name. @returns the offset after its value */
export function endOfMember(bytes: Buffer, at: number): number {
  const value = endOfString(bytes, at) + 1;
  if (bytes[value] === QUOTE) return endOfString(bytes, value);
  if (bytes[value] === BRACE || bytes[value] === BRACKET) return endOfObject(bytes, value + 1);
  let end = value;
  while (end < bytes.length && bytes[end] !== COMMA && bytes[end] !== CLOSE) end++;
  return end;
}

/** @param at inside of the object or array. @returns the offset after its closing brace */
function endOfObject(bytes: Buffer, at: number): number {
  let end = at;
  for (let depth = 1; depth > 0; end++) {
    const byte = bytes[end];
    if (byte === QUOTE) end = endOfString(bytes, end) - 1;
    else if (byte === BRACE || byte === BRACKET) depth++;
    else if (byte === CLOSE || byte === CLOSE_BRACKET) depth--;
  }
  return end;
}
