/**
 * Objects as they lie in the store: canonical JSON that begins with kind, apiVersion and metadata, without resourceVersion.
 * Custom objects have their members in the order of names instead, at every depth, and begin with apiVersion.
 * The revision under which an object lies is its resourceVersion; it is spliced in when the bytes go out:
 *
 *     {"kind":"Pod","apiVersion":"v1","metadata":{"name":"a","uid":"u","labels":…},"spec":…}
 *                                     ▲                              ▲
 *                                     └ a list's item begins here    └ "resourceVersion":"7",
 */
import { type KubeObject, parseApiVersion } from '../object.ts';
import { atOnce, type Pieces } from '../pieces.ts';
import { type StructType, typeOfKind } from '../schema.ts';
import { DecodeError } from './exact.ts';
import { jsonText, normalize } from './json.ts';
import { parseKeepingIntegers } from './json-cursor.ts';
import { METADATA_MEMBERS, metadataValueInOrder, sortedDeep } from './order.ts';
import { isProtobuf, openProtobuf } from './protobuf.ts';

export interface StoredLayout {
  /** Members stand in the order of their names, as in custom objects. */
  readonly isSorted: boolean;
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
const BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const COMMA = 0x2c;

/** Drops resourceVersion. The bytes are good for being kept: they share their memory with nobody. */
export function encodeStored(object: KubeObject): Buffer {
  const { kind, apiVersion, metadata, ...rest } = object;
  const { resourceVersion: _, ...stored } = metadata;
  return bytesOf({ kind, apiVersion, metadata: stored, ...rest });
}

/** The same of a custom object. */
export function encodeSorted(object: KubeObject): Buffer {
  return atOnce(encodingSorted(object));
}

/** The same in pieces. */
export function* encodingSorted(object: KubeObject): Pieces<Buffer> {
  const { resourceVersion: _, ...metadata } = object.metadata;
  const sorted = sortedDeep({ ...object, metadata });
  yield;
  return bytesOf(sorted);
}

function bytesOf(object: object): Buffer {
  const text = jsonText(object);
  const bytes = Buffer.allocUnsafeSlow(Buffer.byteLength(text));
  bytes.write(text);
  return bytes;
}

/**
 * What this server or a kube-apiserver has stored: JSON, or a built-in object in protobuf's envelope.
 * @param update makes what a built-in object of another release is today; not asked about JSON in the form in which this server writes it
 * @returns the object without resourceVersion, and its JSON as encodeStored, or encodeSorted, would write it: the value itself where it is that
 * @throws DecodeError
 */
export function decodeStored(
  value: Uint8Array,
  update?: (object: KubeObject) => KubeObject,
): { object: KubeObject; bytes: Buffer } {
  const bytes = value instanceof Buffer ? value : Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  const object = isProtobuf(bytes) ? decodeEnvelope(bytes) : parseStored(bytes);
  const layout = bytes.at(-1) === CLOSE ? layoutOf(bytes) : undefined;
  if (layout && !layout.isSorted) return { object, bytes };
  const type = builtinType(object);
  if (!type) return { object, bytes: layout ? bytes : encodeSorted(object) };
  const canonical = isProtobuf(bytes) ? object : normalize(object, type);
  const updated = update?.(canonical) ?? canonical;
  return { object: updated, bytes: encodeStored(updated) };
}

function builtinType({ apiVersion = '', kind = '' }: KubeObject): StructType | undefined {
  const { group, version } = parseApiVersion(apiVersion);
  return typeOfKind(group, version, kind);
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
  return parseKeepingIntegers(bytes.toString('utf8')) as KubeObject;
}

/** Undefined for bytes that are not laid out as encodeStored or encodeSorted does it. */
export function layoutOf(bytes: Buffer): StoredLayout | undefined {
  if (bytes[0] !== BRACE) return undefined;
  // Nothing that is sorted begins with its kind: its apiVersion comes before.
  if (!startsWith(bytes, 1, KIND.subarray(0, -1))) return sortedLayoutOf(bytes);
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
  while (BEFORE.some((key) => startsWith(bytes, at, key))) {
    at = endOfString(bytes, bytes.indexOf(QUOTE, at + 1) + 2);
    if (bytes[at] !== COMMA) break;
    at++;
  }
  return { isSorted: false, metadata, insertAt: at, comma: commaAt(bytes, at, first) };
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
  return { isSorted: true, metadata, insertAt: at, comma: commaAt(bytes, at, first) };
}

function commaAt(bytes: Buffer, at: number, first: number): StoredLayout['comma'] {
  if (bytes[at] !== CLOSE) return 'after';
  return at === first ? 'none' : 'before';
}

const KIND = Buffer.from('"kind":"');
const API_VERSION = Buffer.from('"apiVersion":"');
const METADATA = Buffer.from('"metadata":{');
const BEFORE = ['name', 'generateName', 'namespace', 'selfLink', 'uid'].map((key) => Buffer.from(`"${key}":"`));

/** The names of metadata that are behind resourceVersion. */
const AFTER = ['selfLink', 'uid'].map((key) => Buffer.from(`"${key}":`));

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
  if (layout.isSorted) {
    writeReordered(bytes, metadata + METADATA.length, revision, out);
    return;
  }
  out.copy(bytes, metadata, insertAt);
  out.text(versionText(layout, revision));
  out.copy(bytes, insertAt, endOfObject(bytes, metadata + METADATA.length));
  out.text('}');
}

/** Metadata alone is a struct, whatever it is the metadata of. @param at its first member */
function writeReordered(bytes: Buffer, at: number, revision: number, out: PieceWriter): void {
  const members = new Map<string, readonly [from: number, to: number]>();
  for (let from = at; bytes[from] === QUOTE; ) {
    const to = endOfMember(bytes, from);
    members.set(bytes.toString('latin1', from + 1, endOfString(bytes, from) - 1), [from, to]);
    from = bytes[to] === COMMA ? to + 1 : to;
  }
  let separator = '"metadata":{';
  const next = (): void => {
    out.text(separator);
    separator = ',';
  };
  for (const name of METADATA_MEMBERS) {
    const member = members.get(name);
    if (member) {
      next();
      writeMember(name, bytes, member, out);
    } else if (name === 'resourceVersion' && revision !== 0) {
      next();
      out.text(`"resourceVersion":"${revision}"`);
    }
  }
  out.text(separator === ',' ? '}}' : '"metadata":{}}');
}

const OWN_MEMBERS = new Set(['managedFields', 'ownerReferences']);

function writeMember(name: string, bytes: Buffer, [from, to]: readonly [number, number], out: PieceWriter): void {
  if (!OWN_MEMBERS.has(name)) {
    out.copy(bytes, from, to);
    return;
  }
  const value = JSON.parse(bytes.toString('utf8', from + name.length + 3, to)) as unknown[];
  out.copy(Buffer.from(`"${name}":${jsonText(metadataValueInOrder(name, value) as object)}`));
}

/** @param at the quote before its name. @returns the offset after its value */
function endOfMember(bytes: Buffer, at: number): number {
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

/** Nothing for revision 0: objects that lie nowhere have no resourceVersion. */
function versionText({ comma }: StoredLayout, revision: number): string {
  if (revision === 0) return '';
  const text = `"resourceVersion":"${revision}"`;
  return comma === 'after' ? `${text},` : comma === 'before' ? `,${text}` : text;
}
