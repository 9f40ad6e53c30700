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
import { type StructType, structType, typeOfKind } from '../schema.ts';
import { DecodeError } from './exact.ts';
import { jsonText, normalize } from './json.ts';
import { parseKeepingIntegers } from './json-cursor.ts';
import { sortedDeep } from './order.ts';
import { isProtobuf, openProtobuf } from './protobuf.ts';
import { CLOSE, endOfMetadata, layoutOf, METADATA, type StoredLayout } from './stored-layout.ts';
import { orderOf, writeInOrder } from './stored-order.ts';

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

/** An object's stored bytes, with what is known of them. */
export interface StoredObject {
  readonly bytes: Buffer;
  /** 0 for one that lies nowhere. */
  readonly revision: number;
  /** Where things are in its bytes, once it has been written to a list. */
  layout?: StoredLayout | undefined;
}

function layoutIn(object: StoredObject): StoredLayout {
  object.layout ??= layoutOf(object.bytes)!;
  return object.layout;
}

/** The same in pieces. */
export function writeWhole(object: StoredObject, out: PieceWriter): void {
  const { bytes, revision } = object;
  const layout = layoutIn(object);
  out.copy(bytes, 0, layout.insertAt);
  out.text(versionText(layout, revision));
  out.copy(bytes, layout.insertAt);
}

/** The same without kind and apiVersion, as items of typed lists go out. */
export function writeListItem(object: StoredObject, out: PieceWriter): void {
  const { bytes, revision } = object;
  const layout = layoutIn(object);
  out.text('{');
  out.copy(bytes, layout.metadata, layout.insertAt);
  out.text(versionText(layout, revision));
  out.copy(bytes, layout.insertAt);
}

/** Its metadata alone, behind `head`, as items of lists of metadata go out. @param head ends with a comma */
export function writeMetadata(head: string, object: StoredObject, out: PieceWriter): void {
  const { bytes, revision } = object;
  const layout = layoutIn(object);
  out.text(head);
  if (layout.isSorted) {
    // Metadata alone is a struct, whatever it is the metadata of.
    out.text('"metadata":');
    const version = revision === 0 ? '' : `"resourceVersion":"${revision}"`;
    writeInOrder(METADATA_ORDER, bytes, layout.metadata + METADATA.length, out, version);
  } else {
    out.copy(bytes, layout.metadata, layout.insertAt);
    out.text(versionText(layout, revision));
    out.copy(bytes, layout.insertAt, endOfMetadata(bytes, layout));
  }
  out.text('}');
}

const METADATA_ORDER = orderOf(structType('io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta'));

/** Nothing for revision 0: objects that lie nowhere have no resourceVersion. */
function versionText({ comma }: StoredLayout, revision: number): string {
  if (revision === 0) return '';
  const text = `"resourceVersion":"${revision}"`;
  return comma === 'after' ? `${text},` : comma === 'before' ? `,${text}` : text;
}
