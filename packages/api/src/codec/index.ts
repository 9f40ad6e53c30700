/** Serializers by media type. */
import { type Body, encodeJson, openJson } from './json.ts';

export type { Body, Decoded } from './json.ts';
export { DecodeError } from './json.ts';

export interface Serializer {
  /** @throws DecodeError for what is no object at all */
  open(bytes: Uint8Array): Body;
  encode(object: object): Buffer;
}

const json: Serializer = { open: openJson, encode: encodeJson };

export function serializerFor(_mediaType: string): Serializer {
  return json;
}
