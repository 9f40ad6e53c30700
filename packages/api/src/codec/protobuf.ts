/**
 * Objects from and to `application/vnd.kubernetes.protobuf`: the magic `k8s\0`, then a runtime.Unknown with kind and
 * apiVersion and the object's own message (k8s.io/apimachinery/pkg/runtime/serializer/protobuf).
 */
import { type KubeObject, parseApiVersion } from '../object.ts';
import { type StructType, structType, typeOfKind } from '../schema.ts';
import { DecodeError } from './exact.ts';
import { type Body, bodyOf } from './json.ts';
import { readMessage } from './protobuf/decode.ts';
import { messageWriter } from './protobuf/encode.ts';
import { ProtoReader } from './protobuf/reader.ts';
import { BYTES, ProtoWriter, varintSize } from './protobuf/writer.ts';

const MAGIC = Buffer.from('k8s\0');

/** Whether the bytes begin as the envelope does. */
export function isProtobuf(bytes: Uint8Array): boolean {
  return bytes.length >= MAGIC.length && MAGIC.equals(bytes.subarray(0, MAGIC.length));
}

/** @throws DecodeError in upstream's words for what is no envelope */
export function openProtobuf(bytes: Uint8Array): Body {
  if (bytes.length === 0) throw new DecodeError('empty data');
  if (!isProtobuf(bytes))
    throw new DecodeError('provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]');
  if (bytes.length === MAGIC.length) throw new DecodeError('empty body');
  const { kind, apiVersion, raw } = readEnvelope(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  return bodyOf({ kind, apiVersion }, function* (type) {
    if (!type) throw new DecodeError('object not implement the protobuf marshalling interface');
    yield;
    const meta = { ...(kind && { kind }), ...(apiVersion && { apiVersion }) };
    const object = { ...meta, ...readMessage(new ProtoReader(raw), type) } as KubeObject;
    return { object, strictErrors: [] };
  });
}

/** A message without envelope. Its canonical form has neither kind nor apiVersion. @throws DecodeError */
export function decodeMessage(bytes: Buffer, type: StructType): Record<string, unknown> {
  return readMessage(new ProtoReader(bytes), type);
}

/** The object as a message of its type, without envelope. */
export function encodeMessage(object: object, type: StructType): Buffer {
  return written((writer) => messageWriter(type)(writer, object as Record<string, unknown>));
}

/**
 * A built-in object in its envelope.
 * @param type that of the object's apiVersion and kind if it is not given
 */
export function encodeProtobuf(object: object, type: StructType = typeOf(object)): Buffer {
  const { kind = '', apiVersion = '' } = object as { kind?: string; apiVersion?: string };
  return written((writer) => {
    endEnvelope(writer);
    const end = writer.length;
    messageWriter(type)(writer, object as Record<string, unknown>);
    beginEnvelope(writer, kind, apiVersion, writer.length - end);
  });
}

/** What `write` writes. It must not have anything else written meanwhile: the writer is the same for all. */
function written(write: (writer: ProtoWriter) => void): Buffer {
  // What failed may have left something.
  theWriter.reset();
  write(theWriter);
  return theWriter.finish();
}
const theWriter = new ProtoWriter();

function typeOf(object: object): StructType {
  const { kind = '', apiVersion = '' } = object as { kind?: string; apiVersion?: string };
  const { group, version } = parseApiVersion(apiVersion);
  const type = typeOfKind(group, version, kind);
  if (!type) throw new Error(`no protobuf for ${apiVersion} ${kind}`);
  return type;
}

/** runtime.Unknown: typeMeta = 1, raw = 2, contentEncoding = 3, contentType = 4. Written from the end. */
function endEnvelope(writer: ProtoWriter): void {
  writer.string('');
  writer.tag(4, BYTES);
  writer.string('');
  writer.tag(3, BYTES);
}

function beginEnvelope(writer: ProtoWriter, kind: string, apiVersion: string, size: number): void {
  writer.varint(size);
  writer.tag(2, BYTES);
  const end = writer.length;
  writer.string(kind);
  writer.tag(2, BYTES);
  writer.string(apiVersion);
  writer.tag(1, BYTES);
  writer.varint(writer.length - end);
  writer.tag(1, BYTES);
  writer.raw(MAGIC);
}

function readEnvelope(bytes: Buffer): { kind: string; apiVersion: string; raw: Buffer } {
  const reader = new ProtoReader(bytes.subarray(MAGIC.length));
  const envelope = { kind: '', apiVersion: '', raw: Buffer.alloc(0) as Buffer };
  const field = (name: string, read: () => void) => ({ name, wireType: BYTES, read });
  const typeMeta = {
    1: field('APIVersion', () => {
      envelope.apiVersion = reader.string();
    }),
    2: field('Kind', () => {
      envelope.kind = reader.string();
    }),
  };
  reader.fields('Unknown', {
    1: field('TypeMeta', () => reader.within(() => reader.fields('TypeMeta', typeMeta))),
    2: field('Raw', () => {
      envelope.raw = reader.bytes();
    }),
    3: field('ContentEncoding', () => reader.skip(BYTES)),
    4: field('ContentType', () => reader.skip(BYTES)),
  });
  return envelope;
}

const LIST_META = structType('io.k8s.apimachinery.pkg.apis.meta.v1.ListMeta');

/**
 * A list in its envelope out of items that are messages already: chunks whose concatenation is the whole.
 * @param sizes of all items, in bytes: the length of the list comes first
 * @param items messages without envelope; each is taken when it is its turn
 */
export function* encodeProtobufList(
  kind: string,
  apiVersion: string,
  metadata: object,
  sizes: readonly number[],
  items: Iterable<Buffer>,
): Iterable<Buffer> {
  const meta = encodeMessage(metadata, LIST_META);
  const metaHead = fieldHead(1, meta.length);
  const size = sizes.reduce((sum, item) => sum + 1 + varintSize(item) + item, metaHead.length + meta.length);
  yield written((writer) => beginEnvelope(writer, kind, apiVersion, size));
  yield metaHead;
  yield meta;
  for (const item of items) {
    yield fieldHead(2, item.length);
    yield item;
  }
  yield written(endEnvelope);
}

/** What stands before the bytes of a field. */
function fieldHead(field: number, size: number): Buffer {
  return written((writer) => {
    writer.varint(size);
    writer.tag(field, BYTES);
  });
}

/**
 * An event of a watch, framed: its length in four bytes, big-endian, then a meta/v1 WatchEvent.
 * @param object in its envelope
 */
export function frameProtobufEvent(type: string, object: Buffer): Buffer {
  return written((writer) => {
    writer.raw(object);
    writer.varint(object.length);
    writer.tag(1, BYTES);
    writer.varint(writer.length);
    writer.tag(2, BYTES);
    writer.string(type);
    writer.tag(1, BYTES);
    const size = Buffer.alloc(4);
    size.writeUInt32BE(writer.length);
    writer.raw(size);
  });
}
