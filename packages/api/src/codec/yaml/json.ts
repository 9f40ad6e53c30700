/** YAML text as JSON text: what sigs.k8s.io/yaml makes of it, with keys as strings. */
import { formatSharpV } from '../../patch/goformat.ts';
import { DecodeError } from '../exact.ts';
import { formatFloat } from '../go-float.ts';
import { decodeJsonValue } from '../json.ts';
import { stringify } from '../stringify.ts';
import { decodeUtf8 } from '../utf8.ts';
import { YamlError } from './cursor.ts';
import { type MappingNode, parseYaml, type ScalarNode, type YamlNode } from './parser.ts';
import { resolveScalar, type Scalar } from './resolve.ts';

export interface YamlAsJson {
  readonly json: Uint8Array;
  /** A complaint for each key that was set twice: `line 7: key "x" already set in map`. */
  readonly duplicates: readonly string[];
}

/** What has been converted already, on another thread, or why it could not be. */
const converted = new WeakMap<Uint8Array, YamlAsJson | DecodeError>();

/** From now on {@link yamlToJson} knows what these very bytes are. */
export function rememberConverted(bytes: Uint8Array, outcome: YamlAsJson | DecodeError): void {
  converted.set(bytes, outcome);
}

/** The first document of the text as JSON. @throws DecodeError, YamlError */
export function yamlToJson(bytes: Uint8Array): YamlAsJson {
  const known = converted.get(bytes);
  if (known instanceof Error) throw known;
  return known ?? convert(bytes);
}

function convert(bytes: Uint8Array): YamlAsJson {
  const text = decodeUtf8Strictly(bytes);
  if (isPlainJson(bytes, text)) return { json: bytes, duplicates: [] };
  // The mark of the encoding is no column of the first line.
  const root = parseYaml(text.startsWith('\ufeff') ? text.slice(1) : text);
  const converter = new Converter();
  const value = root ? converter.convert(root) : null;
  return { json: Buffer.from(stringify(value)), duplicates: converter.duplicates };
}

/** YAML knows no escaped slash and no surrogates; fractions, exponents and large numbers are floats, and written as such. */
const UNLIKE_YAML = /\\\/|\\u[dD][89a-fA-F]|[:[,]\s*-?(?:\d{16,}|\d+\.\d+|\d+(?:\.\d+)?[eE][-+]?\d+)\s*[,\]}]/;

/** What kubectl sends as YAML is JSON, which is read much faster. */
function isPlainJson(bytes: Uint8Array, text: string): boolean {
  if (!text.startsWith('{') || UNLIKE_YAML.test(text)) return false;
  try {
    return decodeJsonValue(bytes).strictErrors.length === 0;
  } catch {
    return false;
  }
}

/** @throws YamlError for malformed UTF-8 */
function decodeUtf8Strictly(bytes: Uint8Array): string {
  const text = decodeUtf8(bytes);
  if (text.includes('\ufffd') && !Buffer.from(text).equals(bytes)) throw new YamlError(malformedUtf8(bytes));
  return text;
}

function malformedUtf8(bytes: Uint8Array): string {
  for (let i = 0; i < bytes.length; ) {
    const first = bytes[i]!;
    const size = first < 0x80 ? 1 : first >> 5 === 6 ? 2 : first >> 4 === 14 ? 3 : first >> 3 === 30 ? 4 : 0;
    if (size === 0) return 'invalid leading UTF-8 octet';
    if (i + size > bytes.length) return 'incomplete UTF-8 octet sequence';
    for (let k = 1; k < size; k++) if (bytes[i + k]! >> 6 !== 2) return 'invalid trailing UTF-8 octet';
    i += size;
  }
  return 'invalid length of a UTF-8 sequence';
}

/** From here on the share of what comes from aliases is looked at (go.yaml.in/yaml/v2 decode.go). */
const MANY_NODES = 1000;
const MANY_ALIASED = 100;
const SMALL_DOCUMENT = 400_000;
const LARGE_DOCUMENT = 4_000_000;
/** In characters. Upstream has no such bound: what it makes of aliases takes the memory that it takes. */
const MAX_ALIASED_TEXT = 32 * 1024 * 1024;
const EXCESSIVE = 'document contains excessive aliasing';

class Converter {
  readonly duplicates: string[] = [];
  readonly #open = new Set<YamlNode>();
  #count = 0;
  #aliased = 0;
  #aliasedText = 0;

  /** @throws YamlError for what JSON does not know, or for too many aliases */
  convert(node: YamlNode): unknown {
    this.#countNode();
    switch (node.kind) {
      case 'scalar':
        this.#countText(node);
        return jsonScalar(resolveScalar(node));
      case 'sequence':
        return node.items.map((item) => this.convert(item));
      case 'mapping': {
        const map = new Map<Scalar, unknown>();
        this.#fill(map, node);
        return toObject(map);
      }
      case 'alias':
        return this.#through(node, (target) => this.convert(target));
    }
  }

  /** Long texts make much of few nodes. */
  #countText({ value }: ScalarNode): void {
    if (this.#open.size > 0) this.#aliasedText += value.length;
    if (this.#aliasedText > MAX_ALIASED_TEXT) throw new YamlError(EXCESSIVE);
  }

  #countNode(): void {
    this.#count++;
    if (this.#open.size > 0) this.#aliased++;
    if (this.#aliased <= MANY_ALIASED || this.#count <= MANY_NODES) return;
    const size = Math.min(Math.max(this.#count - SMALL_DOCUMENT, 0) / (LARGE_DOCUMENT - SMALL_DOCUMENT), 1);
    if (this.#aliased / this.#count > 0.99 - 0.89 * size) throw new YamlError(EXCESSIVE);
  }

  #through<T>(node: YamlNode & { kind: 'alias' }, visit: (target: YamlNode) => T): T {
    if (this.#open.has(node)) {
      throw new YamlError(
        `anchor '${node.name}' value contains itself`,
        node,
        'the value of an anchor contains itself',
      );
    }
    this.#open.add(node);
    const value = visit(node.target);
    this.#open.delete(node);
    return value;
  }

  #fill(map: Map<Scalar, unknown>, node: MappingNode): void {
    for (const [key, value] of node.entries) {
      if (isMerge(key)) {
        this.#merge(map, value);
        continue;
      }
      const name = this.#key(key);
      const converted = this.convert(value);
      if (map.has(name)) this.duplicates.push(`line ${value.line}: key ${goKey(name)} already set in map`);
      map.set(name, converted);
    }
  }

  #key(node: YamlNode): Scalar {
    if (node.kind === 'alias') return this.#through(node, (target) => this.#key(target));
    if (node.kind === 'scalar') {
      this.#countNode();
      this.#countText(node);
      return resolveScalar(node);
    }
    this.convert(node);
    throw new YamlError(`invalid map key: ${goSyntax(node)}`, node, 'invalid map key');
  }

  /** `<<: *base` or `<<: [*a, *b]`, of which the first counts most. */
  #merge(map: Map<Scalar, unknown>, node: YamlNode): void {
    const sources = node.kind === 'sequence' ? node.items.toReversed() : [node];
    for (const source of sources) {
      this.#countNode();
      if (source.kind === 'mapping') this.#fill(map, source);
      else if (source.kind === 'alias' && source.target.kind === 'mapping') {
        this.#countNode();
        this.#through(source, (target) => this.#fill(map, target as MappingNode));
      } else throw new YamlError('map merge requires map or sequence of maps as the value', source);
    }
  }
}

function isMerge(node: YamlNode): node is ScalarNode {
  return node.kind === 'scalar' && node.value === '<<' && (node.plain || node.tag === 'tag:yaml.org,2002:merge');
}

function jsonScalar(value: Scalar): Scalar {
  if (typeof value === 'number' && !Number.isFinite(value))
    throw new DecodeError(`json: unsupported value: ${value > 0 ? '+Inf' : value < 0 ? '-Inf' : 'NaN'}`);
  return value;
}

/** Keys become strings, and are sorted. */
function toObject(map: Map<Scalar, unknown>): unknown {
  const entries = [...map].map(([key, value]): [string, unknown] => {
    if (key === null)
      throw new DecodeError(
        `unsupported map key of type: %!s(<nil>), key: <nil>, value: ${value === null ? '<nil>' : formatSharpV(value).replaceAll('map[string]', 'map[interface {}]')}`,
      );
    return [typeof key === 'number' && !Number.isInteger(key) ? formatFloat(key, 32) : String(key), value];
  });
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));
}

function goKey(key: Scalar): string {
  return key === null ? '<nil>' : formatSharpV(key);
}

/** %#v of what YAML is decoded to. */
function goSyntax(node: YamlNode): string {
  switch (node.kind) {
    case 'scalar':
      return formatSharpV(resolveScalar(node));
    case 'alias':
      return goSyntax(node.target);
    case 'sequence':
      return `[]interface {}{${node.items.map(goSyntax).join(', ')}}`;
    case 'mapping':
      return `map[interface {}]interface {}{${node.entries
        .map(([key, value]) => `${goSyntax(key)}:${goSyntax(value)}`)
        .sort()
        .join(', ')}}`;
  }
}
