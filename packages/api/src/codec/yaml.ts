/**
 * Objects from and to YAML: what sigs.k8s.io/yaml makes of go.yaml.in/yaml/v2. YAML is turned into JSON, which is then
 * decoded as JSON is.
 *
 * No library of npm's reads YAML 1.1 as libyaml does, errors included: js-yaml and yaml differ in what they accept, in what
 * is a boolean or a number, and in every message.
 */
import { atOnce, type Pieces } from '../pieces.ts';
import { DecodeError } from './exact.ts';
import { type Body, bodyOf, decodeJsonValue, openJson } from './json.ts';
import { YamlError } from './yaml/cursor.ts';
import { YamlEmitter } from './yaml/emitter.ts';
import { yamlToJson } from './yaml/json.ts';

/** The object as Go's encoder writes it. */
export function encodeYaml(object: object): Buffer {
  return atOnce(encodingYaml(object));
}

/** The same in pieces. */
export function encodingYaml(object: object): Pieces<Buffer> {
  return new YamlEmitter().document(object);
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
  return bodyOf(body, function* (type, options) {
    const { object, strictErrors } = yield* body.decoding(type, options);
    return { object, strictErrors: options.strict ? [strictError, ...strictErrors] : [] };
  });
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
