/** Objects of paths that are no resources, as the bytes that go out. */
import type { MediaType } from './negotiate.ts';

/** @param object keys in the order in which they are to be written, `kind` and `apiVersion` among them */
export function encodeDocument(object: object, mediaType: MediaType, pretty: boolean): Buffer {
  switch (mediaType) {
    case 'application/json':
      // Indented answers end without a line feed, the others with one.
      return Buffer.from(pretty ? JSON.stringify(object, null, 2) : `${JSON.stringify(object)}\n`);
    default:
      throw new Error(`no encoder for ${mediaType}`);
  }
}
