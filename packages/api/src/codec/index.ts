/** Serializers by media type. */
import type { KubeObject } from '../object.ts';
import type { StructType } from '../schema.ts';
import { type Decoded, decodeJson, encodeJson } from './json.ts';

export type { Decoded } from './json.ts';

export interface Serializer {
  /** What the body says it is; empty where it does not say. @throws Error for what is no object at all */
  kindOf(bytes: Uint8Array): { apiVersion: string; kind: string };
  decode(bytes: Uint8Array, type: StructType, options: { strict: boolean }): Decoded;
  encode(object: KubeObject): Buffer;
}

const json: Serializer = {
  kindOf(bytes) {
    const { apiVersion = '', kind = '' } = JSON.parse(Buffer.from(bytes).toString('utf8')) as {
      apiVersion?: string;
      kind?: string;
    };
    return { apiVersion, kind };
  },
  decode: decodeJson,
  encode: encodeJson,
};

export function serializerFor(_mediaType: string): Serializer {
  return json;
}
