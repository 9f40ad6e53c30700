/**
 * Packs upstream's encodings of every type (staging/src/k8s.io/api/testdata: JSON, YAML, protobuf) into
 * packages/api/src/codec/testdata/roundtrip.br for the codecs' tests.
 *
 *   node scripts/pack-roundtrip.ts [--shared ../shared]
 */
import fs from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import zlib from 'node:zlib';

const root = path.resolve(import.meta.dirname, '..');
const { values } = parseArgs({ options: { shared: { type: 'string', default: path.join(root, '../shared') } } });
const dir = path.join(values.shared, 'kubernetes-1.36/roundtrip');

const files: Record<string, string> = {};
for (const name of fs.readdirSync(dir).sort()) {
  files[name] = fs.readFileSync(path.join(dir, name), name.endsWith('.pb') ? 'base64' : 'utf8');
}
const text = Buffer.from(JSON.stringify(files));
const packed = zlib.brotliCompressSync(text, {
  params: {
    [zlib.constants.BROTLI_PARAM_QUALITY]: 11,
    [zlib.constants.BROTLI_PARAM_LARGE_WINDOW]: 1,
    [zlib.constants.BROTLI_PARAM_LGWIN]: 24,
    [zlib.constants.BROTLI_PARAM_SIZE_HINT]: text.length,
  },
});
fs.writeFileSync(path.join(root, 'packages/api/src/codec/testdata/roundtrip.br'), packed);
console.log(`${Object.keys(files).length} files, ${text.length} → ${packed.length} bytes`);
