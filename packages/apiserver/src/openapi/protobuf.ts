/** The documents as protobuf: gnostic's messages openapi.v2.Document and openapi.v3.Document, which kubectl asks for. */
import type { Pieces } from '@keelson/api/pieces';
import type { Lazy } from './lazy.ts';
import { DOCUMENT2 } from './protobuf-v2.ts';
import { DOCUMENT3 } from './protobuf-v3.ts';
import { inOrder, Writer } from './protobuf-writer.ts';
import type { OpenApiVersion } from './schemas.ts';

/** The bytes of a document, in chunks: a field is made where those before it have been written. */
export function* toProtobuf(version: OpenApiVersion, document: Lazy): Pieces<Buffer[]> {
  const { fields } = version === 2 ? DOCUMENT2 : DOCUMENT3;
  const members = new Map(document.members);
  const chunks: Buffer[] = [];
  for (const [name, [field, write]] of inOrder(fields)) {
    const member = members.get(name)?.();
    if (member === undefined) continue;
    const out = new Writer();
    yield* write(member, out, field) ?? [];
    chunks.push(out.bytes());
  }
  return chunks;
}
