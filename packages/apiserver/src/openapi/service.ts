/**
 * /openapi/v2 and /openapi/v3. A document is rendered when it is first asked for and then kept compressed. Its hash is
 * made of what it follows from, so that the index of version 3 costs nothing (kube-openapi/pkg/handler, handler3).
 */
import { createHash } from 'node:crypto';
import { stringify } from '@keelson/api/codec/stringify';
import type { Pieces } from '@keelson/api/pieces';
import type { ServedGroup } from '../discovery/runtime-config.ts';
import { headerOf, type PathAnswer, type PathRequest } from '../http/answer.ts';
import { acceptsGzip, gunzip, gunzipStream, gzipAll } from '../http/compression.ts';
import { contentAnswer } from '../http/content.ts';
import type { ResponseHeaders } from '../http/exchange.ts';
import { parseAccept } from '../http/negotiate.ts';
import { slices } from '../pieces.ts';
import { toVersion3 } from './convert.ts';
import type { CustomKind } from './custom.ts';
import { loadOpenApiData, openApiDataDigest } from './data.ts';
import { document2, document3, documentNames, type OpenApiWorld } from './documents.ts';
import { toJson } from './json.ts';
import type { Spec2 } from './merge.ts';
import type { OpenApiData } from './notation.ts';
import { toProtobuf } from './protobuf.ts';
import { type OpenApiVersion, withoutEnums } from './schemas.ts';

const V2 = '/openapi/v2';
const V3 = '/openapi/v3';
const COMPRESSED_VARY = 'Accept-Encoding, Accept';

type Format = 'json' | 'protobuf';

interface Rendered {
  readonly hash: string;
  readonly modified: Date;
  readonly size: number;
  readonly gzipped: Buffer;
}

/** The subtypes of `application/` that are understood, best first, and what the answer calls them. */
const SUBTYPES: Readonly<
  Record<OpenApiVersion, readonly (readonly [subtype: string, format: Format, answer: string])[]>
> = {
  2: subtypes('com.github.proto-openapi.spec.v2'),
  3: subtypes('com.github.proto-openapi.spec.v3'),
};

function subtypes(schema: string): [string, Format, string][] {
  const protobuf = `${schema}.v1.0+protobuf`;
  return [
    ['json', 'json', 'application/json'],
    [protobuf, 'protobuf', `application/${protobuf}`],
    [`${schema}@v1.0+protobuf`, 'protobuf', `application/${protobuf}`],
  ];
}

export interface OpenApiOptions {
  /** What is served now. */
  readonly served: () => readonly ServedGroup[];
  readonly now: () => Date;
  /** Whether the values that fields may have are told. */
  readonly showsEnums: boolean;
}

/** What is known of the server behind an APIService. */
export interface RemoteDocuments {
  /** Its documents of version 3, by name: where they are. */
  readonly index: ReadonlyMap<string, string>;
  /** It has no documents of version 3: one is made of what it says in version 2. */
  readonly isOld: boolean;
  /** What it says of the APIService's version in version 2; undefined: nothing. */
  readonly spec2: Spec2 | undefined;
  /** Of that. */
  readonly etag: string;
  /** The priority that the APIService claims for its group. */
  readonly priority: number;
}

export class OpenApiService {
  readonly #options: OpenApiOptions;
  /** By the names of their APIServices. */
  readonly #remote = new Map<string, RemoteDocuments>();
  readonly #custom = new Map<string, readonly CustomKind[]>();
  /** By name and format; each at most once, and replaced when its hash has changed. */
  readonly #rendered = new Map<string, Promise<Rendered>>();
  #digest: string | undefined;
  /** Held while something is being rendered. */
  #data: Promise<OpenApiData> | undefined;
  #renderings = 0;

  constructor(options: OpenApiOptions) {
    this.#options = options;
  }

  /** The kinds of custom resources that are served as this group and version; [] when there are none any more. */
  setCustomKinds(group: string, version: string, kinds: readonly CustomKind[]): void {
    if (kinds.length > 0) this.#custom.set(`${group}/${version}`, kinds);
    else this.#custom.delete(`${group}/${version}`);
    // One by one as they come: who asks for the first hash would have to wait for all.
    for (const kind of kinds) digestOf(kind);
  }

  /** What the server behind an APIService has; undefined: nothing any more. */
  setRemote(apiService: string, documents: RemoteDocuments | undefined): void {
    if (documents) this.#remote.set(apiService, documents);
    else this.#remote.delete(apiService);
  }

  /** What is known of the server behind an APIService. */
  remote(apiService: string): RemoteDocuments | undefined {
    return this.#remote.get(apiService);
  }

  /** The APIService whose server has the document at a path; undefined where this one has it, or nobody. */
  ownerOf(path: string): string | undefined {
    if (this.#remote.size === 0 || !path.startsWith(`${V3}/`)) return undefined;
    const name = path.slice(V3.length + 1);
    if (documentNames(this.#world).includes(name)) return undefined;
    return this.#remotes().find(([, { index }]) => index.has(name))?.[0];
  }

  get #world(): OpenApiWorld {
    return { served: this.#options.served(), custom: this.#custom };
  }

  /** Of the documents of version 3 that this server has, those that it makes of others' of version 2 among them. */
  #names(): string[] {
    const names = new Set([...documentNames(this.#world), ...this.#converted().keys()]);
    return [...names];
  }

  #converted(): Map<string, Pick<RemoteDocuments, 'etag'> & { readonly spec2: Spec2 }> {
    return new Map(
      [...this.#remote].flatMap(([apiService, { isOld, spec2, etag }]) =>
        isOld && spec2 ? [[`apis/${groupOf(apiService)}/${versionOf(apiService)}`, { spec2, etag }]] : [],
      ),
    );
  }

  /** Those of groups with a higher priority come first, then they go by name (kube-aggregator/pkg/controllers/openapi). */
  #remotes(): [apiService: string, RemoteDocuments][] {
    const priorities = new Map<string, number>();
    for (const [name, { priority }] of this.#remote)
      priorities.set(groupOf(name), Math.max(priority, priorities.get(groupOf(name)) ?? 0));
    const priorityOf = (name: string) => priorities.get(groupOf(name))!;
    return [...this.#remote].sort(([a], [b]) => priorityOf(b) - priorityOf(a) || (a < b ? -1 : 1));
  }

  /** Any method will do. Undefined for paths that are not OpenAPI's. */
  async serve(request: PathRequest): Promise<PathAnswer | undefined> {
    const { path } = request;
    if (path === V2) return this.#serveDocument(2, 'v2', request);
    if (path === V3) return this.#serveIndex(request);
    if (!path.startsWith(`${V3}/`)) return undefined;
    const name = path.slice(V3.length + 1);
    if (!this.#names().includes(name)) return { status: 404, headers: {}, body: '' };
    return this.#serveDocument(3, name, request);
  }

  /** The list of the documents of version 3, each with the hash by which it may be cached for good. */
  async #serveIndex(request: PathRequest): Promise<PathAnswer> {
    const entries = this.#names().map(
      (name) => [name, { serverRelativeURL: `${V3}/${name}?hash=${this.#hash(name)}` }] as const,
    );
    const others = this.#remotes().flatMap(([, { index }]) => [...index]);
    const elsewhere = others.map(([name, serverRelativeURL]) => [name, { serverRelativeURL }] as const);
    const paths = new Map([...elsewhere.reverse(), ...entries]);
    const inOrder = [...paths].sort(([a], [b]) => (a < b ? -1 : 1));
    return contentAnswer(request, {
      headers: {},
      contentType: 'text/plain; charset=utf-8',
      isSniffed: true,
      modified: this.#options.now(),
      body: () => Buffer.from(JSON.stringify({ paths: Object.fromEntries(inOrder) })),
    });
  }

  async #serveDocument(version: OpenApiVersion, name: string, request: PathRequest): Promise<PathAnswer> {
    const vary = version === 2 ? COMPRESSED_VARY : 'Accept';
    const accept = headerOf(request.headers, 'accept');
    const format = chooseFormat(version, accept);
    if (format === 'malformed') return { status: 200, headers: {}, body: '' };
    if (!format) return { status: 406, headers: { vary }, body: '' };
    const [, kind, contentType] = format;

    const hash = this.#hash(name);
    const asked = version === 3 ? request.query.get('hash') : '';
    if (asked && asked !== hash) {
      const location = `${V3}/${name}?hash=${hash}`;
      return { status: 301, headers: { vary, etag: `"${hash}"`, 'content-type': contentType, location }, body: '' };
    }
    const cacheable: ResponseHeaders = asked
      ? { 'cache-control': 'public, immutable', expires: yearFrom(this.#options.now()) }
      : {};
    const { modified, size, gzipped } = await this.#document(version, name, kind, hash);
    const content = { headers: { vary, ...cacheable }, contentType, etag: hash, modified, body: () => gunzip(gzipped) };
    return contentAnswer(request, content, (headers) => {
      if (request.method === 'HEAD') return undefined;
      return acceptsGzip(request.headers)
        ? { status: 200, headers: { ...headers, 'content-encoding': 'gzip', vary: COMPRESSED_VARY }, body: gzipped }
        : { status: 200, headers: { ...headers, 'content-length': size }, body: gunzipStream(gzipped) };
    });
  }

  /** SHA-512 in capitals over what the document is made of. */
  #hash(name: string): string {
    this.#digest ??= openApiDataDigest();
    const about =
      name === 'v2' ? this.#partsOfWhole() : (partOf(name, this.#world) ?? this.#converted().get(name)?.etag);
    return createHash('sha512')
      .update(`${this.#digest} ${name} ${JSON.stringify(about ?? '')}`)
      .digest('hex')
      .toUpperCase();
  }

  /** The document of version 2 is made of everything; what other servers say of theirs has an etag of its own. */
  #partsOfWhole(): unknown[] {
    const { served, custom } = this.#world;
    const kinds = [...custom.values()].map((each) => each.map(digestOf));
    return [served, ...kinds, ...this.#remotes().map(([, { etag }]) => etag)];
  }

  async #document(version: OpenApiVersion, name: string, format: Format, hash: string): Promise<Rendered> {
    const key = `${name} ${format}`;
    const known = await this.#rendered.get(key);
    if (known?.hash === hash) return known;
    const rendering = this.#render(version, name, format, hash);
    this.#rendered.set(key, rendering);
    rendering.catch(() => this.#rendered.delete(key));
    return rendering;
  }

  async #render(version: OpenApiVersion, name: string, format: Format, hash: string): Promise<Rendered> {
    this.#renderings++;
    try {
      const world = this.#world;
      const remote = version === 2 ? this.#remotes().flatMap(([, { spec2 }]) => spec2 ?? []) : [];
      this.#data ??= this.#options.showsEnums ? loadOpenApiData() : loadOpenApiData().then(withoutEnums);
      const data = await this.#data;
      const converted = this.#converted().get(name)?.spec2;
      const chunks = await slices.do(render());
      const size = chunks.reduce((sum, { length }) => sum + length, 0);
      return { hash, modified: this.#options.now(), size, gzipped: await gzipAll(chunks) };

      function* render(): Pieces<Buffer[]> {
        const document =
          version === 2
            ? yield* document2(world, data, remote)
            : (document3(name, world, data) ?? (converted && toVersion3(converted)));
        if (!document) return [];
        yield;
        return yield* format === 'json' ? toJson(document) : toProtobuf(version, document);
      }
    } finally {
      if (--this.#renderings === 0) this.#data = undefined;
    }
  }
}

const digests = new WeakMap<CustomKind, string>();

/** Stands for a kind, which does not change, in hashes. */
function digestOf(kind: CustomKind): string {
  let digest = digests.get(kind);
  if (digest === undefined) {
    digest = createHash('sha512').update(stringify(kind)).digest('hex');
    digests.set(kind, digest);
  }
  return digest;
}

/** Of an APIService's name, `v1.apps`. */
function groupOf(apiService: string): string {
  return apiService.slice(apiService.indexOf('.') + 1);
}

function versionOf(apiService: string): string {
  return apiService.slice(0, apiService.indexOf('.'));
}

function partOf(name: string, { served, custom }: OpenApiWorld): unknown {
  const [prefix, ...rest] = name.split('/');
  const [group, version] = prefix === 'api' ? ['', rest[0]] : rest;
  const kinds = custom.get(`${group}/${version}`);
  if (kinds) return kinds.map(digestOf);
  return served.find((g) => g.name === group)?.versions.find((v) => v.version === version);
}

/** The first clause that names a known type; `malformed` when the header has no clause that can be read at all. */
function chooseFormat(version: OpenApiVersion, accept: string) {
  const clauses = parseAccept(accept === '' ? '*/*' : accept);
  if (clauses.length === 0 && version === 3) return 'malformed';
  for (const { type, subtype } of clauses) {
    if (type !== 'application' && type !== '*') continue;
    const found = SUBTYPES[version].find(([name]) => subtype === '*' || subtype === name);
    if (found) return found;
  }
  return undefined;
}

/** In the form in which Go prints a time of RFC 1123 in UTC. */
function yearFrom(now: Date): string {
  const then = new Date(now);
  then.setUTCFullYear(then.getUTCFullYear() + 1);
  return then.toUTCString().replace('GMT', 'UTC');
}
