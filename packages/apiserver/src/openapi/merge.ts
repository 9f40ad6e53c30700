/**
 * What other servers say of themselves in OpenAPI 2, joined to what this one says
 * (kube-openapi/pkg/aggregator MergeSpecsIgnorePathConflictRenamingDefinitionsAndParameters).
 */
import { equal } from '@keelson/api/patch/value';
import type { Json } from './schemas.ts';

/** The parts of a document of version 2 that are joined, each by name, and what else it says of itself. */
export interface Spec2 {
  readonly info: Json;
  readonly securityDefinitions: Json;
  readonly paths: Readonly<Record<string, unknown>>;
  readonly definitions: Readonly<Record<string, Json>>;
  readonly parameters: Readonly<Record<string, unknown>>;
}

/** This server's own, made when they are needed. */
export type Members = Map<string, () => unknown>;

const DEFINITION = '#/definitions/';
const KINDS = 'x-kubernetes-group-version-kind';

/** The paths below one, and the definitions but for those that only other paths need. */
export function onlyBelow(prefix: string, { paths, definitions, ...rest }: Spec2): Spec2 {
  const kept = Object.fromEntries(Object.entries(paths).filter(([path]) => path.startsWith(prefix)));
  const [before, after] = [reachable(paths, definitions), reachable(kept, definitions)];
  const needed = Object.entries(definitions).filter(([name]) => after.has(name) || !before.has(name));
  return { ...rest, paths: kept, definitions: Object.fromEntries(needed) };
}

/**
 * Adds a server's paths and definitions. A path that is there already stays as it is. Of two definitions of one name that
 * differ the new one gets another; those that differ in their kinds alone become one.
 */
export function addSpec(paths: Members, definitions: Members, spec: Spec2): void {
  const isNew = ([path]: [string, unknown]) => !paths.has(path);
  const added = Object.entries(spec.paths).filter(isNew);
  if (added.length === 0) return;
  const needed = reachable(Object.fromEntries(added), spec.definitions);
  const isWhole = added.length === Object.keys(spec.paths).length;
  const renames = new Map<string, string>();
  const incoming = Object.entries(spec.definitions).filter(([name]) => isWhole || needed.has(name));
  for (const [name, definition] of incoming) {
    const free = nameFor(name, definition, definitions, spec.definitions);
    if (free !== name) renames.set(name, free);
  }
  for (const [name, definition] of incoming) {
    const known = definitions.get(renames.get(name) ?? name);
    const renamed = withRenames(definition, renames) as Json;
    definitions.set(renames.get(name) ?? name, () => (known ? withKindsOf(known() as Json, renamed) : renamed));
  }
  for (const [path, item] of added) paths.set(path, () => withRenames(item, renames));
}

/** The name itself, where nobody has it or the same one has; else the first `…_v2`, `…_v3` of which that is true. */
function nameFor(name: string, definition: Json, known: Members, others: Spec2['definitions']): string {
  for (let i = 1; ; i++) {
    const candidate = i === 1 ? name : `${name}_v${i}`;
    const there = known.get(candidate);
    const isTaken = i > 1 && Object.hasOwn(others, candidate);
    if (there ? isSameButKinds(there() as Json, definition) : !isTaken) return candidate;
  }
}

function isSameButKinds(a: Json, b: Json): boolean {
  const { [KINDS]: _, ...restOfA } = a;
  const { [KINDS]: __, ...restOfB } = b;
  return equal(restOfA, restOfB);
}

function withKindsOf(known: Json, other: Json): Json {
  const [own, more] = [known[KINDS], other[KINDS]];
  if (!Array.isArray(more)) return known;
  const kinds: unknown[] = Array.isArray(own) ? [...own] : [];
  for (const kind of more) if (!kinds.some((each) => equal(each, kind))) kinds.push(kind);
  return { ...known, [KINDS]: kinds };
}

function reachable(from: unknown, definitions: Spec2['definitions']): Set<string> {
  const found = new Set<string>();
  const visit = (value: unknown): void => {
    if (Array.isArray(value)) value.forEach(visit);
    if (typeof value !== 'object' || value === null) return;
    const { $ref } = value as { $ref?: unknown };
    if (typeof $ref === 'string' && $ref.startsWith(DEFINITION)) {
      const name = $ref.slice(DEFINITION.length);
      if (!found.has(name)) {
        found.add(name);
        visit(definitions[name]);
      }
    }
    if (!Array.isArray(value)) Object.values(value).forEach(visit);
  };
  visit(from);
  return found;
}

function withRenames(value: unknown, renames: ReadonlyMap<string, string>): unknown {
  if (renames.size === 0 || typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map((each) => withRenames(each, renames));
  return Object.fromEntries(
    Object.entries(value).map(([key, member]) => {
      const name = key === '$ref' && typeof member === 'string' ? member.slice(DEFINITION.length) : '';
      const renamed = renames.get(name);
      return [key, renamed === undefined ? withRenames(member, renames) : `${DEFINITION}${renamed}`];
    }),
  );
}
