/**
 * The OpenAPI documents: one of version 3 for each group and version, and one of version 2 with everything. What is large
 * in them is made when it is written.
 */

import type { Pieces } from '@keelson/api/pieces';
import type { ServedGroup } from '../discovery/runtime-config.ts';
import { type CustomKind, customDefinitions, customNames, customResources } from './custom.ts';
import { BUILTIN, CUSTOM } from './flavors.ts';
import { Lazy, type Member, membersOf } from './lazy.ts';
import { addSpec, type Members, type Spec2 } from './merge.ts';
import type { OpenApiData } from './notation.ts';
import { groupPath, type Paths, PLAIN, rootPaths, versionRootPath } from './operations.ts';
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
export function document3(name: string, world: OpenApiWorld, data: OpenApiData): Lazy | undefined {
  const schemas = new Schemas(data);
  const part = partOf(name, world, data, schemas);
  if (!part) return undefined;
  const { paths, custom, groupVersion } = part;
  const isCustom = custom.length > 0;
  const groupVersions = isCustom ? groupVersionsForCustom() : optionGroupVersions(groupVersion);
  const definitions = definitionsOf(3, part, schemas, groupVersions);
  return Lazy.of({
    openapi: '3.0.0',
    info: isCustom ? CUSTOM_INFO : INFO,
    paths: inOrder([...paths].map(([path, operations]) => [path, () => writePath3(operations)])),
    components: {
      ...(definitions.length > 0 ? { schemas: inOrder(definitions) } : {}),
      ...(isCustom ? {} : { securitySchemes: { BearerToken: { type: 'apiKey', ...BEARER } } }),
    },
  });
}

/**
 * Everything that is served, as OpenAPI 2. Its parameters are complete when its paths have been written.
 * @param remote what other servers say of theirs, those that come first before the others
 */
export function* document2(world: OpenApiWorld, data: OpenApiData, remote: readonly Spec2[] = []): Pieces<Lazy> {
  const schemas = new Schemas(data);
  const paths: Paths = new Map();
  const custom: CustomKind[] = [];
  for (const name of documentNames(world)) {
    const part = partOf(name, world, data, schemas);
    for (const [path, operations] of part?.paths ?? []) paths.set(path, operations);
    custom.push(...(part?.custom ?? []));
    yield;
  }
  const sharing = new SharedParameters();
  const pathMembers: Members = new Map([...paths].map(([path, o]) => [path, () => writePath2(o, sharing)]));
  const definitions: Members = new Map(definitionsOf(2, { paths, custom }, schemas, allGroupVersions()));
  yield;
  for (const spec of remote) {
    addSpec(pathMembers, definitions, spec);
    yield;
  }
  const parameters = () => Object.assign({}, ...remote.map((spec) => spec.parameters), sharing.all());
  return new Lazy([
    ...membersOf({
      swagger: '2.0',
      info: INFO,
      paths: inOrder([...pathMembers]),
      definitions: inOrder([...definitions]),
    }),
    ['parameters', parameters],
    ...membersOf({
      securityDefinitions: { BearerToken: { type: 'apiKey', ...BEARER } },
      security: [{ BearerToken: [] }],
    }),
  ]);
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
  return all;
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

function inOrder(members: readonly Member[]): Lazy {
  return new Lazy(members.toSorted(([a], [b]) => (a < b ? -1 : 1)));
}
