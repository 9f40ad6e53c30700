/**
 * The OpenAPI documents as JSON text: one of version 3 for each group and version, and one of version 2 with everything.
 * Rendering is spread over turns of the event loop, since the large ones take tens of milliseconds.
 */
import type { ServedGroup } from '../discovery/runtime-config.ts';
import { goJson } from './encoding.ts';
import type { OpenApiData } from './notation.ts';
import {
  addResourcePaths,
  groupPath,
  type Operation,
  type Paths,
  PLAIN,
  rootPaths,
  versionRootPath,
} from './operations.ts';
import { allGroupVersions, type GroupVersion, type Json, Schemas } from './schemas.ts';
import { SharedParameters, writePath2, writePath3 } from './write.ts';

const INFO = { title: 'Kubernetes', version: '1.36' };
const BEARER = { description: 'Bearer Token authentication', name: 'authorization', in: 'header' };
/** Every document has these groups and versions among its option kinds. */
const CORE: GroupVersion = { group: '', version: 'v1' };

/** The names of the version 3 documents of built-in groups: `api/v1`, `apis/apps`, `version`. */
export function documentNames(served: readonly ServedGroup[]): string[] {
  const groups = served.flatMap((g) => [
    ...(g.name === '' ? [] : [`apis/${g.name}`]),
    ...g.versions.map((v) => (g.name === '' ? `api/${v.version}` : `apis/${g.name}/${v.version}`)),
  ]);
  return [...Object.keys(rootPaths()), ...groups].sort();
}

/** Undefined for a name that is not among {@link documentNames}. */
export async function renderDocument3(
  name: string,
  served: readonly ServedGroup[],
  data: OpenApiData,
): Promise<string | undefined> {
  const schemas = new Schemas(data);
  const found = pathsOf(name, served, data, schemas);
  if (!found) return undefined;
  const { paths, groupVersion } = found;
  const used = schemas.closure(schemaNames(paths));
  const groupVersions = groupVersion && groupVersion.group !== '' ? [CORE, groupVersion] : [CORE];
  const pathsText = await objectText(sorted(paths), ([path, o]) => [path, writePath3(o)]);
  const schemasText = await objectText(used, (n) => [n, schemas.definition(3, n, groupVersions)]);
  const components = `${used.length > 0 ? `"schemas":${schemasText},` : ''}"securitySchemes":${goJson({ BearerToken: { type: 'apiKey', ...BEARER } })}`;
  return `{"openapi":"3.0.0","info":${goJson(INFO)},"paths":${pathsText},"components":{${components}}}`;
}

/** Everything that is served, as OpenAPI 2. */
export async function renderDocument2(served: readonly ServedGroup[], data: OpenApiData): Promise<string> {
  const schemas = new Schemas(data);
  const paths: Paths = new Map();
  for (const name of documentNames(served)) {
    for (const [path, operations] of pathsOf(name, served, data, schemas)?.paths ?? []) paths.set(path, operations);
  }
  const used = schemas.closure(schemaNames(paths));
  const groupVersions = allGroupVersions();
  const sharing = new SharedParameters();
  const pathsText = await objectText(sorted(paths), ([path, o]) => [path, writePath2(o, sharing)]);
  const definitions = await objectText(used, (n) => [n, schemas.definition(2, n, groupVersions)]);
  return (
    `{"swagger":"2.0","info":${goJson(INFO)},"paths":${pathsText},"definitions":${definitions},` +
    `"parameters":${goJson(sharing.all())},"securityDefinitions":${goJson({ BearerToken: { type: 'apiKey', ...BEARER } })},"security":[{"BearerToken":[]}]}`
  );
}

function pathsOf(
  name: string,
  served: readonly ServedGroup[],
  data: OpenApiData,
  schemas: Schemas,
): { paths: Paths; groupVersion?: GroupVersion } | undefined {
  const root = rootPaths()[name];
  if (root) return { paths: new Map([root]) };
  const [prefix, ...rest] = name.split('/');
  const [groupName = '', version] = prefix === 'api' ? ['', ...rest] : rest;
  const group = served.find((g) => g.name === groupName);
  if (!group || (prefix !== 'api' && prefix !== 'apis')) return undefined;
  if (version === undefined) return { paths: new Map([groupPath(groupName)]) };
  const found = group.versions.find((v) => v.version === version);
  if (!found) return undefined;
  const groupVersion = { group: groupName, version };
  const paths: Paths = new Map([versionRootPath(groupVersion)]);
  addResourcePaths(paths, { ...groupVersion, data, schemas }, found.resources);
  return { paths, groupVersion };
}

function schemaNames(paths: Paths): Set<string> {
  const names = new Set<string>();
  for (const operation of [...paths.values()].flat()) {
    for (const { schema } of operation.responses) if (schema !== undefined) names.add(schema);
    if (operation.body) names.add(operation.body.schema);
  }
  names.delete(PLAIN);
  return names;
}

function sorted(paths: Paths): [string, Operation[]][] {
  return [...paths].sort(([a], [b]) => (a < b ? -1 : 1));
}

const BATCH = 50;

/** The text of a JSON object, its members made one by one, other work being let in between. */
async function objectText<T>(items: readonly T[], member: (item: T) => [key: string, value: Json]): Promise<string> {
  const parts: string[] = [];
  for (const [i, item] of items.entries()) {
    if (i % BATCH === BATCH - 1) await new Promise(setImmediate);
    const [key, value] = member(item);
    parts.push(`${JSON.stringify(key)}:${goJson(value)}`);
  }
  return `{${parts.join(',')}}`;
}
