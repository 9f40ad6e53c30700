/** Paths to fields of a custom resource: `.spec.a['b.c']` (k8s.io/apiextensions-apiserver's schema/cel ValidFieldPath). */
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
  { allowArrayNotation = true }: FieldPathOptions = {},
): JSONSchemaProps | string {
  const tokens = path.match(TOKEN) ?? [];
  let schema = root;
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
    schema = next;
    if (delimiter !== '[') continue;
    const close = tokens[i++];
    if (close === undefined) return END;
    if (close !== ']') return `expected ] but got ${close}`;
  }
  return schema;
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

function child({ properties, additionalProperties }: JSONSchemaProps, name: string): JSONSchemaProps | undefined {
  if (properties) return Object.hasOwn(properties, name) ? properties[name] : undefined;
  return typeof additionalProperties === 'object' ? additionalProperties : undefined;
}

export function isFieldPath(path: string, schema: JSONSchemaProps): boolean {
  return typeof schemaAt(path, schema) !== 'string';
}
