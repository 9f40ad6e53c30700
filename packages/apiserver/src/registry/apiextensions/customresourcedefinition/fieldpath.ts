/** Paths to fields of a custom resource: `.spec.a['b.c']` (k8s.io/apiextensions-apiserver's schema/cel ValidFieldPath). */
import { Path } from '@keelson/api/field';
import type { JSONSchemaProps } from '@keelson/api/generated/types/apiextensions/v1';

const NO_FIELD = 'does not refer to a valid field';
const END = 'unexpected end of JSON path';
/** A delimiter, a string in single quotes that ends, or what stands between delimiters. */
const TOKEN = /[.[\]]|'(?:[^'\\]|\\.)*'|[^.[\]]+/gs;

export interface FieldPathOptions {
  readonly allowArrayNotation?: boolean;
}

/** The schema of the field, or what is wrong with the path. */
export function schemaAt(
  path: string,
  root: JSONSchemaProps,
  options: FieldPathOptions = {},
): JSONSchemaProps | string {
  const found = fieldAt(path, root, options);
  return typeof found === 'string' ? found : found.schema;
}

/** The field with its path as errors show it, `spec.a.b.c`, or what is wrong with the path. */
export function fieldAt(
  path: string,
  root: JSONSchemaProps,
  { allowArrayNotation = true }: FieldPathOptions = {},
): { readonly schema: JSONSchemaProps; readonly path: Path } | string {
  const tokens = path.match(TOKEN) ?? [];
  let schema = root;
  let at = Path.root;
  for (let i = 0; i < tokens.length; ) {
    const delimiter = tokens[i++]!;
    let name = tokens[i++];
    if (delimiter === '[') {
      if (!allowArrayNotation) return 'array notation is not allowed';
      if (name === undefined) return END;
      if (!/^'.*'$/s.test(name) || name.length < 2) return `expected single quoted string but got ${name}`;
      const wrong = /\\[^abfnrtv'\\]/s.exec(name);
      if (wrong) return `invalid string literal: invalid escape char ${wrong[0]}`;
      name = name.slice(1, -1).replace(/\\(.)/gs, (_, c: string) => ESCAPES[c] ?? c);
    } else if (delimiter !== '.') {
      return `expected [ or . but got: ${delimiter}`;
    }
    if (name === undefined) return END;
    const next = child(schema, name);
    if (!next) return NO_FIELD;
    at = hasProperties(schema) ? at.child(name) : at.key(name);
    schema = next;
    if (delimiter !== '[') continue;
    const close = tokens[i++];
    if (close === undefined) return END;
    if (close !== ']') return `expected ] but got ${close}`;
  }
  return { schema, path: at };
}

const ESCAPES: Readonly<Record<string, string>> = {
  a: '\u0007',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
};

/** What may be any value is a schema that says nothing. */
function child(schema: JSONSchemaProps, name: string): JSONSchemaProps | undefined {
  const { properties, additionalProperties } = schema;
  if (hasProperties(schema)) return Object.hasOwn(properties!, name) ? properties![name] : undefined;
  return typeof additionalProperties === 'boolean' ? {} : additionalProperties;
}

/** An empty map of properties is none. */
function hasProperties({ properties }: JSONSchemaProps): boolean {
  return Object.keys(properties ?? {}).length > 0;
}

export function isFieldPath(path: string, schema: JSONSchemaProps): boolean {
  return typeof schemaAt(path, schema) !== 'string';
}
