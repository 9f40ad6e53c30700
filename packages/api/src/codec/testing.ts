/** What the codecs' tests share. */
import fs from 'node:fs';
import path from 'node:path';
import zlib from 'node:zlib';
import { parseApiVersion } from '../object.ts';
import { type StructType, typeOfKind } from '../schema.ts';

export interface Fixture {
  /** `apps.v1.Deployment` */
  readonly name: string;
  readonly type: StructType;
  readonly json: Buffer;
  readonly yaml: Buffer;
  readonly protobuf: Buffer;
}

/** Upstream's encodings of an object of every type with every field set (scripts/pack-roundtrip.ts). */
export function fixtures(): Fixture[] {
  const packed = fs.readFileSync(path.join(import.meta.dirname, 'testdata/roundtrip.br'));
  const params = { [zlib.constants.BROTLI_DECODER_PARAM_LARGE_WINDOW]: 1 };
  const files = JSON.parse(zlib.brotliDecompressSync(packed, { params }).toString()) as Record<string, string>;
  const names = Object.keys(files).filter((file) => file.endsWith('.json'));
  return names.map((file) => {
    const name = file.slice(0, -'.json'.length);
    const { apiVersion = 'v1', kind = name.split('.').at(-1)! } = JSON.parse(files[file]!) as Record<string, string>;
    const { group, version } = parseApiVersion(apiVersion);
    return {
      name,
      type: typeOfKind(group, version, kind)!,
      json: Buffer.from(files[file]!),
      yaml: Buffer.from(files[`${name}.yaml`]!),
      protobuf: Buffer.from(files[`${name}.pb`] ?? '', 'base64'),
    };
  });
}
