/**
 * Builds packages/apiserver/dist/openapi.json.gz: the schemas of generated/openapi.json with their texts. The texts are
 * taken from the comments of packages that are generated from Kubernetes' own documents: @kubernetes/client-node (of the
 * same release, without the texts of fields that refer to another type), kubernetes-models and kubernetes-types (of older
 * ones).
 *
 *   node scripts/build-openapi.ts [--report]     --report says which texts were not found
 */
import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { parseArgs } from 'node:util';
import zlib from 'node:zlib';
import type { CompactOpenApi, CompactSchema, OpenApiData } from '../packages/apiserver/src/openapi/notation.ts';
import { fingerprint, squeeze, withGaps } from '../packages/apiserver/src/openapi/texts.ts';

const root = path.resolve(import.meta.dirname, '..');
const source = path.join(root, 'packages/apiserver/src/generated/openapi.json');
const target = path.join(root, 'packages/apiserver/dist/openapi.json.gz');
const { values } = parseArgs({ options: { report: { type: 'boolean', default: false } } });
if (!values.report && isUpToDate()) process.exit(0);

function isUpToDate(): boolean {
  const inputs = [source, import.meta.filename, path.join(root, 'package-lock.json')];
  const newest = Math.max(...inputs.map((file) => fs.statSync(file).mtimeMs));
  return fs.existsSync(target) && fs.statSync(target).mtimeMs > newest;
}

const ENTITIES: Readonly<Record<string, string>> = {
  '#39': "'",
  '#x3D': '=',
  '#x60': '`',
  quot: '"',
  lt: '<',
  gt: '>',
  amp: '&',
};

/** What generators of TypeScript do to a text on its way into a comment, undone. */
function uncomment(text: string): string {
  return text
    .replace(/\\(?=['"`&*])/g, '')
    .replaceAll('\\\\', '\\')
    .replace(/&(#39|#x3D|#x60|quot|lt|gt|amp);/g, (_, name: string) => ENTITIES[name]!)
    .replace(/\*\\\/|\*_\//g, '*/');
}

/** Squeezed texts by fingerprint, out of all comments below some folders. */
class TextPool {
  readonly #texts = new Map<string, string>();
  /** `v1.PodSpec.containers` → text, of any release: what is taken when the right text is nowhere. */
  readonly #byField = new Map<string, string>();

  read(dir: string): void {
    for (const entry of fs.readdirSync(dir, { withFileTypes: true })) {
      const file = path.join(dir, entry.name);
      if (entry.isDirectory()) this.read(file);
      else if (file.endsWith('.d.ts')) this.#readFile(fs.readFileSync(file, 'utf8'), file);
    }
  }

  #readFile(source: string, file: string): void {
    const type = path.basename(file, '.d.ts');
    for (const [, comment = '', field] of source.matchAll(/\/\*\*([\s\S]*?)\*\/(?!\S)(?:\s*["']([\w$-]+)["']\??:)?/g)) {
      const [text = '', ...params] = comment.replace(/^\s*\* ?/gm, '').split(/^@param \S+ /m);
      const [main = '', values = ''] = uncomment(text).split(/\s+Possible enum values:/);
      for (const part of [main, ...params.map(uncomment)]) this.#add(part);
      for (const [, value = ''] of values.matchAll(/- `"[^`]*"`((?:(?! - `")[\s\S])*)/g)) this.#add(value);
      if (field) this.#byField.set(`${type}.${field}`, squeeze(main));
    }
  }

  #add(text: string): void {
    const squeezed = squeeze(text);
    const [first = '', rest] = [squeezed[0], squeezed.slice(1)];
    // Of older releases many texts begin with the field's Go name, of newer ones with its JSON name.
    for (const variant of new Set([squeezed, first.toLowerCase() + rest, first.toUpperCase() + rest])) {
      const print = fingerprint(variant);
      if (!this.#texts.has(print)) this.#texts.set(print, variant);
    }
  }

  find(print: string): string | undefined {
    return this.#texts.get(print);
  }
  findByField(type: string, field: string): string | undefined {
    return this.#byField.get(`${type}.${field}`);
  }
}

const require = createRequire(import.meta.url);
function packageDir(name: string): string {
  const [folder] = (require.resolve.paths(name) ?? []).filter((dir) => fs.existsSync(path.join(dir, name)));
  if (folder === undefined) throw new Error(`${name} is not installed`);
  return path.join(folder, name);
}

const pool = new TextPool();
pool.read(path.join(packageDir('@kubernetes/client-node'), 'dist/gen'));
pool.read(packageDir('kubernetes-models'));
pool.read(packageDir('@kubernetes-models/apimachinery'));
pool.read(packageDir('kubernetes-types'));

const compact = JSON.parse(fs.readFileSync(source, 'utf8')) as CompactOpenApi;
const texts = compact.texts.map((entry) => {
  const [print, ...gaps] = typeof entry === 'string' ? [entry] : entry;
  const found = print === '' ? '' : pool.find(print);
  return found === undefined ? undefined : withGaps(found, gaps);
});

/** Where the text of this release is not to be had: that of an older one, for the same field of the same type. */
const missing: string[] = [];
for (const [name, schema] of Object.entries(compact.schemas)) {
  for (const [field, property] of Object.entries(schema.p ?? {})) fillIn(name, field, property);
}
function fillIn(name: string, field: string, property: CompactSchema): void {
  const number = property.d ?? 0;
  if (texts[number] !== undefined) return;
  const older = pool.findByField(name.split('.').at(-1)!, field);
  if (older === undefined) missing.push(`${name}.${field}`);
  else texts[number] = older;
}

const data: OpenApiData = { ...compact, texts: texts.map((text) => text ?? '') };
fs.mkdirSync(path.dirname(target), { recursive: true });
fs.writeFileSync(target, zlib.gzipSync(JSON.stringify(data), { level: 9 }));

const lost = texts.filter((text) => text === undefined).length;
if (values.report) console.log(`${texts.length} texts, ${lost} not found; fields without one:\n${missing.join('\n')}`);
