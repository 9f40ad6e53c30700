/** The documents as protobuf: gnostic's messages openapi.v2.Document and openapi.v3.Document, which kubectl asks for. */
import { DOCUMENT2 } from './protobuf-v2.ts';
import { DOCUMENT3 } from './protobuf-v3.ts';
import { Writer, writeInTurns } from './protobuf-writer.ts';
import type { Json, OpenApiVersion } from './schemas.ts';

/** @param document the text of a JSON document */
export async function toProtobuf(version: OpenApiVersion, document: string): Promise<Buffer> {
  const out = new Writer();
  await writeInTurns(version === 2 ? DOCUMENT2 : DOCUMENT3, JSON.parse(document) as Json, out, 2);
  return out.finish();
}
