/**
 * The OpenAPI documents as JSON text: one of version 3 for each group and version, and one of version 2 with everything.
 * Rendering is spread over turns of the event loop, since the large ones take tens of milliseconds.
 */
import type { ServedGroup } from '../discovery/runtime-config.ts';
import { type CustomKind, customDefinitions, customNames, customResources } from './custom.ts';
import { goJson } from './encoding.ts';
import { BUILTIN, CUSTOM } from './flavors.ts';
import { addSpec, type Members, type Spec2 } from './merge.ts';
import type { OpenApiData } from './notation.ts';
import { groupPath, type Operation, type Paths, PLAIN, rootPaths, versionRootPath } from './operations.ts';
import { addResourcePaths } from './resource-paths.ts';
import {
  allGroupVersions,
  type GroupVersion,
  groupVersionsForCustom,
  type Json,
  type OpenApiVersion,
  Schemas,
} from './schemas.ts';
import { SharedParameters, writePath2, writePath3 } from './write.ts';

/** What the documents tell of this server. */
export interface OpenApiWorld {
  readonly served: readonly ServedGroup[];
  /** The kinds of custom resources by `group/version`. */
  readonly custom: ReadonlyMap<string, readonly CustomKind[]>;
}

const INFO = { title: 'Kubernetes', version: '1.36' };
const CUSTOM_INFO = { title: 'Kubernetes CRD Swagger', version: 'v0.1.0' };
const BEARER = { description: 'Bearer Token authentication', name: 'authorization', in: 'header' };
/** Every document of a built-in group has this one among the groups and versions of its option kinds. */
const CORE: GroupVersion = { group: '', version: 'v1' };

/** The names of the version 3 documents: `api/v1`, `apis/apps`, `version`. */
export function documentNames({ served, custom }: OpenApiWorld): string[] {
  const groups = served.flatMap((g) => [
    ...(g.name === '' ? [] : [`apis/${g.name}`]),
    ...g.versions.map((v) => (g.name === '' ? `api/${v.version}` : `apis/${g.name}/${v.version}`)),
  ]);
  return [...Object.keys(rootPaths()), ...groups, ...[...custom.keys()].map((gv) => `apis/${gv}`)].sort();
}

/** What a document is made of. */
interface Part {
  readonly paths: Paths;
  readonly custom: readonly CustomKind[];
  /** Undefined for documents of no version. */
  readonly groupVersion?: GroupVersion;
}

/** Undefined for a name that is not among {@link documentNames}. */
export async function renderDocument3(
  name: string,
  world: OpenApiWorld,
  data: OpenApiData,
): Promise<string | undefined> {
  const schemas = new Schemas(data);
  const part = partOf(name, world, data, schemas);
  if (!part) return undefined;
  const { paths, custom, groupVersion } = part;
  const isCustom = custom.length > 0;
  const groupVersions = isCustom ? groupVersionsForCustom() : optionGroupVersions(groupVersion);
  const definitions = definitionsOf(3, part, schemas, groupVersions);
  const pathsText = await objectText(sorted(paths), ([path, o]) => [path, writePath3(o)]);
  const schemasText = await objectText(definitions, ([name, define]) => [name, define()]);
  const security = `"securitySchemes":${goJson({ BearerToken: { type: 'apiKey', ...BEARER } })}`;
  const members = [...(definitions.length > 0 ? [`"schemas":${schemasText}`] : []), ...(isCustom ? [] : [security])];
  const info = goJson(isCustom ? CUSTOM_INFO : INFO);
  return `{"openapi":"3.0.0","info":${info},"paths":${pathsText},"components":{${members.join(',')}}}`;
}

/**
 * Everything that is served, as OpenAPI 2.
 * @param remote what other servers say of theirs, those that come first before the others
 */
export async function renderDocument2(
  world: OpenApiWorld,
  data: OpenApiData,
  remote: readonly Spec2[] = [],
): Promise<string> {
  const schemas = new Schemas(data);
  const paths: Paths = new Map();
  const custom: CustomKind[] = [];
  for (const name of documentNames(world)) {
    const part = partOf(name, world, data, schemas);
    for (const [path, operations] of part?.paths ?? []) paths.set(path, operations);
    custom.push(...(part?.custom ?? []));
  }
  const sharing = new SharedParameters();
  const pathMembers: Members = new Map(sorted(paths).map(([path, o]) => [path, () => writePath2(o, sharing)]));
  const definitions: Members = new Map(definitionsOf(2, { paths, custom }, schemas, allGroupVersions()));
  for (const spec of remote) addSpec(pathMembers, definitions, spec);
  const pathsText = await membersText(pathMembers);
  const definitionsText = await membersText(definitions);
  const parameters = Object.assign({}, ...remote.map((spec) => spec.parameters), sharing.all());
  return (
    `{"swagger":"2.0","info":${goJson(INFO)},"paths":${pathsText},"definitions":${definitionsText},` +
    `"parameters":${goJson(parameters)},"securityDefinitions":${goJson({ BearerToken: { type: 'apiKey', ...BEARER } })},` +
    `"security":[{"BearerToken":[]}]}`
  );
}

function optionGroupVersions(groupVersion: GroupVersion | undefined): GroupVersion[] {
  return groupVersion && groupVersion.group !== '' ? [CORE, groupVersion] : [CORE];
}

function partOf(name: string, world: OpenApiWorld, data: OpenApiData, schemas: Schemas): Part | undefined {
  const root = rootPaths()[name];
  if (root) return { paths: new Map([root]), custom: [] };
  const [prefix, ...rest] = name.split('/');
  const [groupName = '', version] = prefix === 'api' ? ['', ...rest] : rest;
  if (prefix !== 'api' && prefix !== 'apis') return undefined;
  const custom = world.custom.get(`${groupName}/${version}`);
  if (custom && version !== undefined) return customPart({ group: groupName, version }, custom, data, schemas);
  const group = world.served.find((g) => g.name === groupName);
  if (!group) return undefined;
  if (version === undefined) return { paths: new Map([groupPath(groupName)]), custom: [] };
  const found = group.versions.find((v) => v.version === version);
  if (!found) return undefined;
  const groupVersion = { group: groupName, version };
  const paths: Paths = new Map([versionRootPath(groupVersion)]);
  const place = {
    ...groupVersion,
    data,
    flavor: BUILTIN,
    nameOf: schemas.nameOf.bind(schemas),
    text: schemas.text.bind(schemas),
  };
  addResourcePaths(paths, place, found.resources);
  return { paths, custom: [], groupVersion };
}

function customPart(
  groupVersion: GroupVersion,
  custom: readonly CustomKind[],
  data: OpenApiData,
  schemas: Schemas,
): Part {
  const names = customNames(custom);
  const nameOf = (group: string, version: string, kind: string) =>
    group === groupVersion.group ? names.get(kind) : schemas.nameOf(group, version, kind);
  const paths: Paths = new Map();
  const place = { ...groupVersion, data, flavor: CUSTOM, nameOf, text: schemas.text.bind(schemas) };
  addResourcePaths(paths, place, customResources(custom));
  return { paths, custom, groupVersion };
}

/** All definitions that a document needs, by name; each is made when it is written. */
function definitionsOf(
  version: OpenApiVersion,
  { paths, custom }: Part,
  schemas: Schemas,
  groupVersions: readonly GroupVersion[],
): [name: string, define: () => Json][] {
  const own = new Map<string, () => Json>();
  for (const kind of custom) {
    for (const [name, define] of customDefinitions(version, kind, schemas)) own.set(name, define);
  }
  const meta = custom.length > 0 ? [...META_OF_CUSTOM] : [];
  const builtin = schemas.closure([...schemaNames(paths), ...meta]);
  const all: [string, () => Json][] = [
    ...own,
    ...builtin.map((name): [string, () => Json] => [name, () => schemas.definition(version, name, groupVersions)]),
  ];
  return all.sort(([a], [b]) => (a < b ? -1 : 1));
}

const META_OF_CUSTOM = ['ObjectMeta', 'ListMeta'].map((kind) => `io.k8s.apimachinery.pkg.apis.meta.v1.${kind}`);

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

function membersText(members: Members): Promise<string> {
  const inOrder = [...members].sort(([a], [b]) => (a < b ? -1 : 1));
  return objectText(inOrder, ([name, make]) => [name, make() as Json]);
}

/** Members, and characters of them, that are made in one turn of the event loop. */
const BATCH = 50;
const BATCH_LENGTH = 256 * 1024;

/** The text of a JSON object, its members made one by one, other work being let in between. */
async function objectText<T>(items: readonly T[], member: (item: T) => [key: string, value: Json]): Promise<string> {
  const parts: string[] = [];
  let made = 0;
  let length = 0;
  for (const item of items) {
    if (made >= BATCH || length >= BATCH_LENGTH) {
      await new Promise(setImmediate);
      made = 0;
      length = 0;
    }
    const [key, value] = member(item);
    const text = `${JSON.stringify(key)}:${goJson(value)}`;
    parts.push(text);
    made++;
    length += text.length;
  }
  return `{${parts.join(',')}}`;
}
