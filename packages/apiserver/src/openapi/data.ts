/**
 * Loads what OpenAPI documents are made of. It is read from a compressed file whenever documents have to be rendered, and
 * not kept: 2 MB of strings for something that is asked for now and then.
 */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import type { CompactOpenApi, OpenApiData } from './notation.ts';

/** By the package's name, since the code may run out of a bundle elsewhere. */
const BUILT = '@keelson/apiserver/openapi.json.gz';
const WITHOUT_TEXTS = path.resolve(import.meta.dirname, '../generated/openapi.json');

/** Where the file with texts has not been built, documents come without texts. */
export async function loadOpenApiData(): Promise<OpenApiData> {
  const { bytes, hasTexts } = await read();
  if (hasTexts) return JSON.parse((await promisify(gunzip)(bytes)).toString()) as OpenApiData;
  const compact = JSON.parse(bytes.toString()) as CompactOpenApi;
  return { ...compact, texts: compact.texts.map(() => '') };
}

/** Changes whenever the data do. */
export async function openApiDataDigest(): Promise<string> {
  return createHash('sha512')
    .update((await read()).bytes)
    .digest('hex');
}

async function read(): Promise<{ bytes: Buffer; hasTexts: boolean }> {
  const built = await readBuilt().catch(() => undefined);
  return built ? { bytes: built, hasTexts: true } : { bytes: await readFile(WITHOUT_TEXTS), hasTexts: false };
}

async function readBuilt(): Promise<Buffer> {
  return readFile(createRequire(import.meta.url).resolve(BUILT));
}
