/**
 * Loads what OpenAPI documents are made of. It is read from a compressed file whenever documents have to be rendered, and
 * not kept: 2 MB of strings for something that is asked for now and then.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { promisify } from 'node:util';
import { gunzip, gunzipSync } from 'node:zlib';
import type { CompactOpenApi, OpenApiData } from './notation.ts';

/** By the package's name, since the code may run out of a bundle elsewhere. */
const BUILT = '@keelson/apiserver/openapi.json.gz';
const WITHOUT_TEXTS = path.resolve(import.meta.dirname, '../generated/openapi.json');

/** Where the file with texts has not been built, documents come without texts. */
export async function loadOpenApiData(): Promise<OpenApiData> {
  const { bytes, hasTexts } = read();
  return parse(hasTexts ? await promisify(gunzip)(bytes) : bytes, hasTexts);
}

/** The same at once: some 15 ms. */
export function loadOpenApiDataSync(): OpenApiData {
  const { bytes, hasTexts } = read();
  return parse(hasTexts ? gunzipSync(bytes) : bytes, hasTexts);
}

/** Changes whenever the data do. */
export function openApiDataDigest(): string {
  return createHash('sha512').update(read().bytes).digest('hex');
}

function read(): { bytes: Buffer; hasTexts: boolean } {
  try {
    return { bytes: readFileSync(createRequire(import.meta.url).resolve(BUILT)), hasTexts: true };
  } catch {
    return { bytes: readFileSync(WITHOUT_TEXTS), hasTexts: false };
  }
}

function parse(bytes: Buffer, hasTexts: boolean): OpenApiData {
  if (hasTexts) return JSON.parse(bytes.toString()) as OpenApiData;
  const compact = JSON.parse(bytes.toString()) as CompactOpenApi;
  return { ...compact, texts: compact.texts.map(() => '') };
}
