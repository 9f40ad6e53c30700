/**
 * How long the codecs take for one object: `node bench/codec.ts [seconds per case]`. Microseconds per operation, the best of
 * several rounds.
 */
import { decodeJson, encodeJson, normalize } from '../packages/api/src/codec/json.ts';
import { decodeMessage, encodeMessage } from '../packages/api/src/codec/protobuf.ts';
import { decodeYamlDocument, encodeYaml } from '../packages/api/src/codec/yaml.ts';
import { typeOfKind } from '../packages/api/src/schema.ts';
import { pod } from './objects.ts';

const budgetMs = Number(process.argv[2] ?? 1) * 1000;
const type = typeOfKind('', 'v1', 'Pod')!;

/** As Go's clients send it, and as kubectl does: with sorted keys. */
const canonical = encodeJson(normalize(pod, type));
const sorted = Buffer.from(JSON.stringify(sortKeys(pod)));
const withNumber = Buffer.from(canonical.toString().replace('"250m"', '1'));
const object = decodeJson(canonical, type, { strict: true }).object;
const protobuf = encodeMessage(object, type);
const yaml = encodeYaml(object);

measure('JSON.parse alone', () => JSON.parse(canonical.toString()));
measure('decode, keys in order', () => decodeJson(canonical, type, { strict: true }));
measure('decode, keys sorted', () => decodeJson(sorted, type, { strict: true }));
measure('decode, exact way', () => decodeJson(withNumber, type, { strict: true }));
measure('normalize', () => normalize(object, type));
measure('encode', () => encodeJson(object));
measure('protobuf: decode', () => decodeMessage(protobuf, type));
measure('protobuf: encode', () => encodeMessage(object, type));
measure('yaml: decode', () => decodeYamlDocument(yaml));
measure('yaml: decode what is JSON', () => decodeYamlDocument(canonical));
measure('yaml: encode', () => encodeYaml(object));

function measure(name: string, run: () => unknown): void {
  let best = Number.POSITIVE_INFINITY;
  const end = performance.now() + budgetMs;
  while (performance.now() < end) {
    const start = performance.now();
    for (let i = 0; i < 500; i++) run();
    best = Math.min(best, (performance.now() - start) / 500);
  }
  console.log(`${name.padEnd(28)} ${(best * 1000).toFixed(1).padStart(8)} µs  (${canonical.length} bytes)`);
}

function sortKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sortKeys);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([k, v]) => [k, sortKeys(v)]),
  );
}
