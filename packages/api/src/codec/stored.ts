/** Objects as they lie in the store: canonical JSON without resourceVersion. */
import type { KubeObject } from '../object.ts';
import { encodeJson } from './json.ts';

const METADATA = Buffer.from('"metadata":{');

export function encodeStored(object: KubeObject): Buffer {
  const { kind, apiVersion, metadata, ...rest } = object;
  const { resourceVersion: _, ...stored } = metadata;
  return encodeJson({ kind, apiVersion, metadata: stored, ...rest });
}

export function decodeStored(value: Uint8Array): { object: KubeObject; bytes: Buffer } {
  const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  return { object: JSON.parse(bytes.toString('utf8')) as KubeObject, bytes };
}

/** The whole object with its resourceVersion, as parts to be written one after the other. */
export function writeObject(bytes: Buffer, revision: number): Buffer[] {
  const at = bytes.indexOf(METADATA) + METADATA.length;
  return [bytes.subarray(0, at), Buffer.from(`"resourceVersion":"${revision}",`), bytes.subarray(at)];
}

/** The same without kind and apiVersion, as items of typed lists go out. */
export function writeListItem(bytes: Buffer, revision: number): Buffer[] {
  const at = bytes.indexOf(METADATA);
  const inside = at + METADATA.length;
  return [
    Buffer.from('{'),
    bytes.subarray(at, inside),
    Buffer.from(`"resourceVersion":"${revision}",`),
    bytes.subarray(inside),
  ];
}
