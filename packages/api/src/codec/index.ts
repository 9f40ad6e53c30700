/** Serializers by media type. */
import { type Body, encodeJson, openJson } from './json.ts';
import { encodeProtobuf, openProtobuf } from './protobuf.ts';
import { encodeYaml, openYaml } from './yaml.ts';

export type { Body, Decoded } from './json.ts';
export { DecodeError } from './json.ts';

/** One form that objects have on the wire. */
export interface Serializer {
  /** @throws DecodeError for what is no object at all */
  open(bytes: Uint8Array): Body;
  /** The object with kind and apiVersion, as the body of an answer. */
  encode(object: object): Buffer;
}

export const SERIALIZERS = {
  'application/json': { open: openJson, encode: encodeJson },
  'application/yaml': { open: openYaml, encode: encodeYaml },
  'application/vnd.kubernetes.protobuf': { open: openProtobuf, encode: encodeProtobuf },
} as const satisfies Record<string, Serializer>;

export type MediaType = keyof typeof SERIALIZERS;

/** For bodies that a request brings, and answers that are one object. */
export function serializerFor(mediaType: MediaType): Serializer {
  return SERIALIZERS[mediaType];
}
