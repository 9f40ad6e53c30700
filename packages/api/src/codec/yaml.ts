/**
 * Objects from and to YAML: what sigs.k8s.io/yaml makes of go.yaml.in/yaml/v2. YAML is turned into JSON, which is then
 * decoded as JSON is.
 *
 * No library of npm's reads YAML 1.1 as libyaml does, errors included: js-yaml and yaml differ in what they accept, in what
 * is a boolean or a number, and in every message.
 */
import { formatSharpV } from '../patch/goformat.ts';
import { DecodeError } from './exact.ts';
import { formatFloat } from './go-float.ts';
import { type Body, decodeJsonValue, openJson } from './json.ts';
import { stringify } from './stringify.ts';
import { decodeUtf8 } from './utf8.ts';
import { YamlError } from './yaml/cursor.ts';
import { YamlEmitter } from './yaml/emitter.ts';
import { type MappingNode, parseYaml, type ScalarNode, type YamlNode } from './yaml/parser.ts';
import { resolveScalar, type Scalar } from './yaml/resolve.ts';

/** The object as Go's encoder writes it. */
export function encodeYaml(object: object): Buffer {
  return Buffer.from(new YamlEmitter().document(object));
}

/**
 * Strict errors begin with one for all keys that were set twice: `yaml: unmarshal errors:\n  line 7: key "x" already set in map`.
 * @throws DecodeError, YamlError
 */
export function openYaml(bytes: Uint8Array): Body {
  const { json, duplicates } = yamlToJson(bytes);
  const body = openJson(json);
  if (duplicates.length === 0) return body;
  const strictError = `yaml: unmarshal errors:\n${duplicates.map((line) => `  ${line}`).join('\n')}`;
  return {
    ...body,
    decode: (type, options) => {
      const { object, strictErrors } = body.decode(type, options);
      return { object, strictErrors: options.strict ? [strictError, ...strictErrors] : [] };
    },
  };
}

/** The documents of a stream, as texts; some may be empty (YAML 1.2, 9.2). */
export function yamlDocuments(text: string): string[] {
  return text.split(/^---(?:[ \t].*)?$/m);
}

/**
 * YAML of no particular type: the value with sorted keys, and a complaint for each key that was set twice:
 * `line 7: key "x" already set in map`.
 * @throws DecodeError for malformed text
 */
export function decodeYamlDocument(bytes: Uint8Array): { value: unknown; duplicates: readonly string[] } {
  try {
    const { json, duplicates } = yamlToJson(bytes);
    return { value: decodeJsonValue(json).value, duplicates };
  } catch (cause) {
    throw new DecodeError(`${CONVERTING}${(cause as Error).message}`, { cause });
  }
}

const CONVERTING = 'error converting YAML to JSON: ';

/** The value of a text in YAML or JSON; of a key that is set twice the last one. @throws DecodeError */
export function readYaml(text: string): unknown {
  return decodeYamlDocument(Buffer.from(text)).value;
}

/** The same for texts that hold secrets, see {@link decodeConfidentialYaml}. @throws DecodeError */
export const readConfidentialYaml = (text: string): unknown => decodeConfidentialYaml(text).value;

/**
 * As {@link decodeYamlDocument}, for a text that holds secrets: what is wrong is told with its line and column, and without
 * a word of the text, keys that are set twice excepted.
 * @throws DecodeError
 */
export function decodeConfidentialYaml(text: string): { value: unknown; duplicates: readonly string[] } {
  try {
    return decodeYamlDocument(Buffer.from(text));
  } catch (error) {
    const { cause } = error as Error;
    const problem = cause instanceof YamlError ? cause.confidential : 'a key or a value that JSON does not know';
    throw new DecodeError(`${CONVERTING}${problem}`);
  }
}

function yamlToJson(bytes: Uint8Array): { json: Uint8Array; duplicates: readonly string[] } {
  const text = decodeUtf8Strictly(bytes);
  if (isPlainJson(bytes, text)) return { json: bytes, duplicates: [] };
  const root = parseYaml(text);
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

class Converter {
  readonly duplicates: string[] = [];
  readonly #open = new Set<YamlNode>();
  #count = 0;
  #aliased = 0;

  /** @throws YamlError for what JSON does not know, or for too many aliases */
  convert(node: YamlNode): unknown {
    this.#countNode();
    switch (node.kind) {
      case 'scalar':
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

  #countNode(): void {
    this.#count++;
    if (this.#open.size > 0) this.#aliased++;
    if (this.#aliased <= MANY_ALIASED || this.#count <= MANY_NODES) return;
    const size = Math.min(Math.max(this.#count - SMALL_DOCUMENT, 0) / (LARGE_DOCUMENT - SMALL_DOCUMENT), 1);
    if (this.#aliased / this.#count > 0.99 - 0.89 * size) throw new YamlError('document contains excessive aliasing');
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
