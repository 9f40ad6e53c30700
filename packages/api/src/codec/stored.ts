/**
 * Objects as they lie in the store: canonical JSON that begins with kind, apiVersion and metadata, without resourceVersion.
 * The revision under which an object lies is its resourceVersion; it is spliced in when the bytes go out:
 *
 *     {"kind":"Pod","apiVersion":"v1","metadata":{"name":"a","uid":"u","labels":…},"spec":…}
 *                                     ▲                              ▲
 *                                     └ a list's item begins here    └ "resourceVersion":"7",
 */
import { type KubeObject, parseApiVersion } from '../object.ts';
import { typeOfKind } from '../schema.ts';
import { DecodeError } from './exact.ts';
import { jsonText } from './json.ts';
import { JsonCursor } from './json-cursor.ts';
import { isProtobuf, openProtobuf } from './protobuf.ts';

export interface StoredLayout {
  /** Where the key `"metadata"` begins; before it stand only kind and apiVersion. */
  readonly metadata: number;
  /** Where resourceVersion belongs. */
  readonly insertAt: number;
  /** Whether a comma goes before it, after it: one of them at most. */
  readonly comma: 'before' | 'after' | 'none';
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const BRACE = 0x7b;
const CLOSE = 0x7d;
const COMMA = 0x2c;

/** Drops resourceVersion. The bytes are good for being kept: they share their memory with nobody. */
export function encodeStored(object: KubeObject): Buffer {
  const { kind, apiVersion, metadata, ...rest } = object;
  const { resourceVersion: _, ...stored } = metadata;
  const text = jsonText({ kind, apiVersion, metadata: stored, ...rest });
  const bytes = Buffer.allocUnsafeSlow(Buffer.byteLength(text));
  bytes.write(text);
  return bytes;
}

/**
 * What this server or a kube-apiserver has stored: JSON, or a built-in object in protobuf's envelope.
 * @returns the object without resourceVersion, and its JSON as encodeStored would write it: the value itself where it is that
 * @throws DecodeError
 */
export function decodeStored(value: Uint8Array): { object: KubeObject; bytes: Buffer } {
  const bytes = value instanceof Buffer ? value : Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  const object = isProtobuf(bytes) ? decodeEnvelope(bytes) : parseStored(bytes);
  const isOurs = bytes.at(-1) === CLOSE && layoutOf(bytes) !== undefined;
  return { object, bytes: isOurs ? bytes : encodeStored(object) };
}

function decodeEnvelope(bytes: Buffer): KubeObject {
  const body = openProtobuf(bytes);
  const { group, version } = parseApiVersion(body.apiVersion);
  const type = typeOfKind(group, version, body.kind);
  if (!type) throw new DecodeError(`no kind "${body.kind}" is registered for version "${body.apiVersion}"`);
  return body.decode(type, { strict: false }).object;
}

/** Stored JSON as an object; an int64 beyond the safe integers is a bigint. */
export function parseStored(bytes: Buffer): KubeObject {
  const text = bytes.toString('utf8');
  return (hasLargeNumber(text) ? new JsonCursor(text).json() : JSON.parse(text)) as KubeObject;
}

/** Of 16 digits in a row one is a sixteenth character: a quarter of what it takes to look at each. */
function hasLargeNumber(text: string): boolean {
  for (let at = 15; at < text.length; at += 16) {
    if (!isDigit(text, at)) continue;
    let first = at;
    let last = at;
    while (isDigit(text, first - 1)) first--;
    while (isDigit(text, last + 1)) last++;
    if (last - first >= 15) return LARGE_NUMBER.test(text);
  }
  return false;
}
const LARGE_NUMBER = /[:,[]-?\d{16}/;

function isDigit(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  return code >= 0x30 && code <= 0x39;
}

/** Undefined for bytes that are not laid out as encodeStored does it. */
export function layoutOf(bytes: Buffer): StoredLayout | undefined {
  if (bytes[0] !== BRACE) return undefined;
  let at = 1;
  for (let i = 0; i < 2; i++) {
    if (!startsWith(bytes, at, KIND) && !startsWith(bytes, at, API_VERSION)) return undefined;
    at = endOfString(bytes, bytes.indexOf(QUOTE, at + 1) + 2);
    if (bytes[at] !== COMMA) return undefined;
    at++;
  }
  if (!startsWith(bytes, at, METADATA)) return undefined;
  const metadata = at;
  at += METADATA.length;
  const first = at;
  // Go writes name, generateName, namespace, selfLink and uid before resourceVersion.
  while (BEFORE.some((key) => startsWith(bytes, at, key))) {
    at = endOfString(bytes, bytes.indexOf(QUOTE, at + 1) + 2);
    if (bytes[at] !== COMMA) break;
    at++;
  }
  if (bytes[at] === CLOSE) return { metadata, insertAt: at, comma: at === first ? 'none' : 'before' };
  return { metadata, insertAt: at, comma: 'after' };
}

const KIND = Buffer.from('"kind":"');
const API_VERSION = Buffer.from('"apiVersion":"');
const METADATA = Buffer.from('"metadata":{');
const BEFORE = ['name', 'generateName', 'namespace', 'selfLink', 'uid'].map((key) => Buffer.from(`"${key}":"`));

function startsWith(bytes: Buffer, at: number, prefix: Buffer): boolean {
  for (let i = 0; i < prefix.length; i++) if (bytes[at + i] !== prefix[i]) return false;
  return true;
}

/** @param at the opening quote. @returns the offset after the closing one */
function endOfString(bytes: Buffer, at: number): number {
  let end = at + 1;
  while (end < bytes.length && bytes[end] !== QUOTE) end += bytes[end] === BACKSLASH ? 2 : 1;
  return end + 1;
}

/** The whole object with its resourceVersion, as parts to be written one after the other. */
export function writeObject(bytes: Buffer, revision: number): Buffer[] {
  const layout = layoutOf(bytes)!;
  const version = Buffer.from(versionText(layout, revision), 'latin1');
  return [bytes.subarray(0, layout.insertAt), version, bytes.subarray(layout.insertAt)];
}

/** Takes pieces of what is written. */
export interface PieceWriter {
  /** @param to exclusive */
  copy(bytes: Buffer, from?: number, to?: number): void;
  /** @param text ASCII */
  text(text: string): void;
}

/** The same in pieces. */
export function writeWhole(bytes: Buffer, revision: number, out: PieceWriter): void {
  const layout = layoutOf(bytes)!;
  out.copy(bytes, 0, layout.insertAt);
  out.text(versionText(layout, revision));
  out.copy(bytes, layout.insertAt);
}

/** The same without kind and apiVersion, as items of typed lists go out. */
export function writeListItem(bytes: Buffer, revision: number, out: PieceWriter): void {
  const layout = layoutOf(bytes)!;
  const { metadata, insertAt } = layout;
  out.text('{');
  out.copy(bytes, metadata, insertAt);
  out.text(versionText(layout, revision));
  out.copy(bytes, insertAt);
}

/** Its metadata alone, behind `head`, as items of lists of metadata go out. @param head ends with a comma */
export function writeMetadata(head: string, bytes: Buffer, revision: number, out: PieceWriter): void {
  const layout = layoutOf(bytes)!;
  const { metadata, insertAt } = layout;
  out.text(head);
  out.copy(bytes, metadata, insertAt);
  out.text(versionText(layout, revision));
  out.copy(bytes, insertAt, endOfObject(bytes, metadata + METADATA.length));
  out.text('}');
}

/** @param at inside of the object. @returns the offset after its closing brace */
function endOfObject(bytes: Buffer, at: number): number {
  let end = at;
  for (let depth = 1; depth > 0; end++) {
    const byte = bytes[end];
    if (byte === QUOTE) end = endOfString(bytes, end) - 1;
    else if (byte === BRACE) depth++;
    else if (byte === CLOSE) depth--;
  }
  return end;
}

/** Nothing for revision 0: objects that lie nowhere have no resourceVersion. */
function versionText({ comma }: StoredLayout, revision: number): string {
  if (revision === 0) return '';
  const text = `"resourceVersion":"${revision}"`;
  return comma === 'after' ? `${text},` : comma === 'before' ? `,${text}` : text;
}
