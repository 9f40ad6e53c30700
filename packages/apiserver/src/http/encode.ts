/** Objects of paths that are no resources, as the bytes that go out. */
import { encodeJson } from '@keelson/api/codec/json';
import { encodeProtobuf } from '@keelson/api/codec/protobuf';
import { encodeYaml } from '@keelson/api/codec/yaml';
import { type StructType, typeOfKind } from '@keelson/api/schema';
import type { MediaType } from './negotiate.ts';

const LINE_FEED = Buffer.from('\n');

/** @param object keys in the order in which they are to be written, `kind` and `apiVersion` among them */
export function encodeDocument(object: object, mediaType: MediaType, pretty: boolean): Buffer {
  switch (mediaType) {
    case 'application/json':
      // Indented answers end without a line feed, the others with one.
      return pretty ? encodeJson(object, true) : Buffer.concat([encodeJson(object), LINE_FEED]);
    case 'application/yaml':
      return encodeYaml(object);
    case 'application/vnd.kubernetes.protobuf':
      return encodeProtobuf(object, typeOf(object));
  }
}

/** Some documents do not say their apiVersion; they are kinds of meta/v1. */
function typeOf(object: { kind?: string; apiVersion?: string }): StructType | undefined {
  const { kind = '', apiVersion } = object;
  return apiVersion === undefined ? typeOfKind('', 'v1', kind) : undefined;
}
