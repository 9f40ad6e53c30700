/**
 * Generates packages/api/src/generated/ from the facts of Kubernetes 1.36:
 *   schema.json  every versioned type: JSON and protobuf names and numbers, what is omitted when empty, merge keys, list types
 *   types/       the same as TypeScript interfaces
 * Inputs: facts/struct-tags.json (names and tags of the API's types) and the OpenAPI documents below `--shared`.
 *
 *   node scripts/generate-schema.ts [--shared ../shared]
 */
import fs from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';

interface Fact {
  go: string;
  json: string;
  type: string;
  inline?: true;
  omitempty?: true;
  omitzero?: true;
  proto?: number;
  patchStrategy?: string;
  patchMergeKey?: string;
}
interface Property {
  default?: unknown;
  'x-kubernetes-list-type'?: string;
  'x-kubernetes-list-map-keys'?: string[];
  'x-kubernetes-map-type'?: string;
}
interface Definition extends Property {
  properties?: Record<string, Property>;
}

const root = path.resolve(import.meta.dirname, '..');
const { values } = parseArgs({ options: { shared: { type: 'string', default: path.join(root, '../shared') } } });
const facts: { kinds: Record<string, string>; types: Record<string, Fact[]> } = readJson(
  path.join(import.meta.dirname, 'facts/struct-tags.json'),
);
const openapi = readDefinitions(path.join(values.shared, 'kubernetes-1.36/openapi/v3'));
const out = path.join(root, 'packages/api/src/generated');

function readJson<T>(file: string): T {
  return JSON.parse(fs.readFileSync(file, 'utf8')) as T;
}

function readDefinitions(dir: string): Map<string, Definition> {
  const all = new Map<string, Definition>();
  for (const file of fs.readdirSync(dir)) {
    const doc = readJson<{ components?: { schemas?: Record<string, Definition> } }>(path.join(dir, file));
    for (const [name, def] of Object.entries(doc.components?.schemas ?? {})) all.set(name, def);
  }
  return all;
}

/** A default that says more than the zero value which OpenAPI states for every value without `omitempty`. */
function meaningfulDefault(value: unknown, f: Fact): unknown {
  if (typeof value === 'object') return undefined;
  const isZero = value === '' || value === 0 || value === false;
  return isZero && !f.omitempty ? undefined : value;
}

/** A struct that only serves to be inlined has no definition of its own: its fields stand where it is inlined. */
function definitionOf(name: string): Definition | undefined {
  const inlines = (fields: Fact[]) => fields.some((f) => f.inline && f.type === `#${name}`);
  const host = Object.keys(facts.types).find((t) => openapi.has(t) && inlines(facts.types[t]!));
  return openapi.get(name) ?? (host === undefined ? undefined : openapi.get(host));
}

function writeSchema(): void {
  const types: Record<string, unknown> = {};
  for (const [name, fields] of Object.entries(facts.types)) {
    const def = definitionOf(name);
    const encoded = fields.map((f) => {
      const p = def?.properties?.[f.json];
      const flags = `${f.inline ? 'i' : ''}${f.omitempty ? 'e' : ''}${f.omitzero ? 'z' : ''}`;
      const extras = {
        patchStrategy: f.patchStrategy,
        patchMergeKey: f.patchMergeKey,
        listType: p?.['x-kubernetes-list-type'],
        listMapKeys: p?.['x-kubernetes-list-map-keys'],
        mapType: p?.['x-kubernetes-map-type'],
        default: meaningfulDefault(p?.default, f),
      };
      const hasExtras = Object.values(extras).some((v) => v !== undefined);
      return [f.json, f.go, f.type, f.proto ?? 0, flags, ...(hasExtras ? [extras] : [])];
    });
    const mapType = openapi.get(name)?.['x-kubernetes-map-type'];
    types[name] = mapType ? { fields: encoded, mapType } : { fields: encoded };
  }
  const lines = Object.entries(types).map(([k, v]) => `${JSON.stringify(k)}:${JSON.stringify(v)}`);
  fs.mkdirSync(out, { recursive: true });
  fs.writeFileSync(
    path.join(out, 'schema.json'),
    `{"kinds":${JSON.stringify(facts.kinds, null, 0)},\n"types":{\n${lines.join(',\n')}\n}}\n`,
  );
}

/** io.k8s.api.apps.v1.Deployment → { file: 'apps/v1', name: 'Deployment' } */
function place(id: string): { file: string; name: string } {
  const parts = id.split('.');
  const name = parts.pop()!;
  const version = parts.pop()!;
  const group = parts.pop()!;
  return { file: `${group}/${version}`, name };
}

const SCALARS: Record<string, string> = {
  string: 'string',
  bool: 'boolean',
  int32: 'number',
  int64: 'number',
  float64: 'number',
  bytes: 'Base64',
  time: 'Time',
  microtime: 'MicroTime',
  quantity: 'Quantity',
  intorstring: 'IntOrString',
  raw: 'RawExtension',
  fields: 'FieldsV1',
  json: 'Json',
  any: 'Json',
};

function writeTypes(): void {
  fs.rmSync(path.join(out, 'types'), { recursive: true, force: true });
  const files = new Map<string, string[]>();
  for (const id of Object.keys(facts.types)) {
    const { file } = place(id);
    if (!files.has(file)) files.set(file, []);
    files.get(file)!.push(id);
  }
  for (const [file, ids] of files) {
    const imports = new Map<string, Set<string>>();
    const scalars = new Set<string>();
    const reference = (id: string): string => {
      const p = place(id);
      if (p.file === file) return p.name;
      if (!imports.has(p.file)) imports.set(p.file, new Set());
      imports.get(p.file)!.add(p.name);
      return `${alias(p.file)}.${p.name}`;
    };
    const ts = (type: string): string => {
      if (type.startsWith('*')) return ts(type.slice(1));
      if (type.startsWith('{')) return ts(type.slice(type.indexOf('}') + 1));
      if (type.startsWith('[]')) return `${wrap(ts(type.slice(2)))}[]`;
      if (type.startsWith('map[')) return `Record<string, ${ts(type.slice(type.indexOf(']') + 1))}>`;
      if (type.startsWith('#')) return reference(type.slice(1));
      if (type.startsWith('schemaor')) {
        const schema = reference(type.slice(type.indexOf(':') + 1));
        if (type.startsWith('schemaorbool')) return `boolean | ${schema}`;
        return type.startsWith('schemaorarray') ? `${schema} | ${schema}[]` : `${schema} | string[]`;
      }
      const scalar = SCALARS[type.split('@')[0]!];
      if (!scalar) throw new Error(`no TypeScript type for ${type}`);
      if (/^[A-Z]/.test(scalar)) scalars.add(scalar);
      return scalar;
    };
    const body = ids.map((id) => {
      const lines: string[] = [];
      const bases: string[] = [];
      for (const f of facts.types[id]!) {
        if (f.inline && f.type.startsWith('#')) {
          bases.push(reference(f.type.slice(1)));
          continue;
        }
        const always = isAlwaysPresent(f);
        const nullable = !f.omitempty && !always;
        lines.push(`  ${key(f.json)}${always || nullable ? '' : '?'}: ${ts(f.type)}${nullable ? ' | null' : ''};`);
      }
      const head = `export interface ${place(id).name}${bases.length ? ` extends ${bases.join(', ')}` : ''} {`;
      return lines.length ? `${head}\n${lines.join('\n')}\n}` : `${head}}`;
    });
    const header = [
      '// Generated by scripts/generate-schema.ts. Do not edit.',
      ...[...imports.keys()].sort().map((f) => `import type * as ${alias(f)} from '../${f}.ts';`),
      ...(scalars.size ? [`import type { ${[...scalars].sort().join(', ')} } from '../../../scalars.ts';`] : []),
    ];
    const target = path.join(out, 'types', `${file}.ts`);
    fs.mkdirSync(path.dirname(target), { recursive: true });
    fs.writeFileSync(target, `${header.join('\n')}\n\n${body.join('\n\n')}\n`);
  }
}

function wrap(t: string): string {
  return t.includes('|') ? `(${t})` : t;
}
function key(json: string): string {
  return /^[A-Za-z_][A-Za-z0-9_]*$/.test(json) ? json : JSON.stringify(json);
}
function alias(file: string): string {
  return file.replace(/[/-](\w)/g, (_, c: string) => c.toUpperCase());
}
/** Go writes these even when they are empty: values without `omitempty`, and structs held by value. */
function isAlwaysPresent(f: Fact): boolean {
  if (f.omitzero) return false;
  if (f.type.startsWith('#')) return true;
  const canBeNull = /^(\*|\[\]|map\[|\{|bytes|raw|fields|json|any|time|microtime|schemaor)/.test(f.type);
  return !f.omitempty && !canBeNull;
}

writeSchema();
writeTypes();
