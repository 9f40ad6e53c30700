/**
 * The paths of a resource: what is said of them follows from its names and verbs (apiserver/pkg/endpoints/installer.go,
 * kube-openapi/pkg/builder).
 */
import type { ApiResource } from '../discovery/documents.ts';
import type { Flavor } from './flavors.ts';
import type { OpenApiData } from './notation.ts';
import {
  capitalize,
  groupTag,
  type Method,
  type Operation,
  type Parameter,
  type Paths,
  PLAIN,
  type Response,
} from './operations.ts';
import type { GroupVersion } from './schemas.ts';

const STATUS = 'io.k8s.apimachinery.pkg.apis.meta.v1.Status';
const DELETE_OPTIONS = 'io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions';
const PATCH = 'io.k8s.apimachinery.pkg.apis.meta.v1.Patch';
const WATCH_EVENT = 'io.k8s.apimachinery.pkg.apis.meta.v1.WatchEvent';

const ANY = ['*/*'];

const WRITE_PARAMETERS = ['dryRun', 'fieldManager', 'fieldValidation'];
const DELETE_PARAMETERS = [
  'dryRun',
  'gracePeriodSeconds',
  'ignoreStoreReadErrorWithClusterBreakingPotential',
  'orphanDependents',
  'propagationPolicy',
];
const SELECT_PARAMETERS = [
  'continue',
  'fieldSelector',
  'labelSelector',
  'limit',
  'resourceVersion',
  'resourceVersionMatch',
  'sendInitialEvents',
  'shardSelector',
  'timeoutSeconds',
];
const LIST_PARAMETERS = ['allowWatchBookmarks', ...SELECT_PARAMETERS, 'watch'];

const CONNECT_METHODS: Readonly<Record<string, readonly Method[]>> = {
  attach: ['get', 'post'],
  exec: ['get', 'post'],
  portforward: ['get', 'post'],
  proxy: ['get', 'put', 'post', 'delete', 'options', 'head', 'patch'],
};

/** `a Pod`, `an Ingress`; plurals such as Endpoints have no article. */
function withArticle(kind: string): string {
  if (/[^s]s$/.test(kind)) return kind;
  return `${/^[AEIOUaeiou]/.test(kind) ? 'an' : 'a'} ${kind}`;
}

export interface Place extends GroupVersion {
  readonly data: Pick<OpenApiData, 'parameters' | 'returnedOnDelete'>;
  readonly flavor: Flavor;
  /** The name of a kind's schema. */
  readonly nameOf: (group: string, version: string, kind: string) => string | undefined;
  readonly text: (number: number) => string;
}

/** Adds the paths of all resources of one version. @param resources as discovery lists them */
export function addResourcePaths(paths: Paths, place: Place, resources: readonly ApiResource[]): void {
  for (const resource of resources) {
    const [parentName, subresource] = resource.name.split('/') as [string, string?];
    const parent = resources.find((r) => r.name === parentName) ?? resource;
    new ResourcePaths(paths, place, resource, parent, subresource).add();
  }
}

class ResourcePaths {
  readonly #paths: Paths;
  readonly #place: Place;
  readonly #resource: ApiResource;
  readonly #parent: ApiResource;
  readonly #subresource: string | undefined;
  readonly #gvk: readonly [string, string, string];
  readonly #object: string;
  readonly #idPrefix: string;

  constructor(paths: Paths, place: Place, resource: ApiResource, parent: ApiResource, subresource: string | undefined) {
    this.#paths = paths;
    this.#place = place;
    this.#resource = resource;
    this.#parent = parent;
    this.#subresource = subresource;
    const body = [resource.group ?? place.group, resource.version ?? place.version, resource.kind] as const;
    this.#object = place.nameOf(...body) ?? PLAIN;
    this.#gvk = place.flavor.namesSubresourceKinds ? body : [place.group, place.version, parent.kind];
    this.#idPrefix = capitalize(groupTag(place.group)) + capitalize(place.version);
  }

  add(): void {
    const { namespaced } = this.#resource;
    const root =
      this.#place.group === '' ? `/api/${this.#place.version}` : `/apis/${this.#place.group}/${this.#place.version}`;
    const scope = namespaced ? '/namespaces/{namespace}' : '';
    const collection = `${scope}/${this.#parent.name}`;
    if (this.#subresource !== undefined) {
      this.#addSubresource(`${root}${collection}/{name}/${this.#subresource}`);
      return;
    }
    this.#addTo(`${root}${collection}`, this.#collectionOperations());
    this.#addTo(`${root}${collection}/{name}`, this.#itemOperations());
    if (this.#has('list') && namespaced)
      this.#addTo(`${root}/${this.#resource.name}`, [this.#list('ForAllNamespaces')]);
    if (!this.#has('watch') || !this.#place.flavor.hasWatchPaths) return;
    this.#addTo(`${root}/watch${collection}`, [this.#watchList('')]);
    if (this.#has('get')) this.#addTo(`${root}/watch${collection}/{name}`, [this.#watch()]);
    if (namespaced) this.#addTo(`${root}/watch/${this.#resource.name}`, [this.#watchList('ForAllNamespaces')]);
  }

  #has(verb: string): boolean {
    return this.#resource.verbs.includes(verb);
  }

  #addTo(path: string, operations: readonly (Operation | false)[]): void {
    const wanted = operations.filter((operation) => operation !== false);
    if (wanted.length === 0) return;
    const parameters = this.#pathParameters(path);
    const complete = wanted.map((o) => ({ ...o, parameters: sortByName([...o.parameters, ...parameters]) }));
    this.#paths.set(path, [...(this.#paths.get(path) ?? []), ...complete]);
  }

  #pathParameters(path: string): Parameter[] {
    const parameter = (name: string, description: string): Parameter => ({
      name,
      in: 'path',
      description,
      type: 'string',
    });
    return [
      ...(path.includes('{name}') ? [parameter('name', `name of the ${this.#gvk[2]}`)] : []),
      ...(path.includes('{namespace}')
        ? [parameter('namespace', 'object name and auth scope, such as for teams and projects')]
        : []),
      ...(path.includes('{path}') ? [parameter('path', 'path to the resource')] : []),
    ];
  }

  #queryParameters(owner: string, names: readonly string[]): Parameter[] {
    const { parameters } = this.#place.data;
    return names.map((name) => {
      const [type, text] = parameters[owner]?.[name] ?? parameters['']?.[name] ?? ['string', 0];
      return { name, in: 'query', description: this.#place.text(text), type };
    });
  }

  /** `listAppsV1NamespacedDeployment`, `readCoreV1NamespacedPodStatus` */
  #id(action: string, suffix = ''): string {
    const scope = this.#resource.namespaced && suffix !== 'ForAllNamespaces' && suffix !== 'ListForAllNamespaces';
    const kind = this.#parent.kind + capitalize(this.#subresource ?? '');
    return `${action}${capitalize(`${scope ? 'Namespaced' : ''}${kind}${suffix}`)}`;
  }

  #operation(
    method: Method,
    action: string,
    rest: Partial<Operation> & Pick<Operation, 'id' | 'description'>,
  ): Operation {
    return {
      method,
      tag: `${groupTag(this.#place.group)}_${this.#place.version}`,
      parameters: this.#queryParameters('', ['pretty']),
      consumes: this.#place.flavor.bodyTypes,
      produces: this.#place.flavor.objectTypes,
      responses: this.#answers(this.#object, 200),
      action: { name: action, gvk: this.#gvk },
      ...rest,
    };
  }

  #answers(schema: string, ...codes: number[]): Response[] {
    return [...codes.map((code) => ({ code, schema })), { code: 401 }];
  }

  #list(suffix: string): Operation {
    const [group, version, kind] = this.#gvk;
    return this.#operation('get', 'list', {
      id: this.#id(`list${this.#idPrefix}`, suffix),
      description: `list ${this.#has('watch') && this.#place.flavor.tellsAll ? 'or watch ' : ''}objects of kind ${kind}`,
      parameters: this.#queryParameters('', [...LIST_PARAMETERS, 'pretty']),
      produces: [...this.#place.flavor.objectTypes, ...this.#place.flavor.streamTypes],
      responses: this.#answers(this.#place.nameOf(group, version, `${kind}List`) ?? PLAIN, 200),
    });
  }

  #watchList(scope: '' | 'ForAllNamespaces'): Operation {
    return this.#operation('get', 'watchlist', {
      id: this.#id(`watch${this.#idPrefix}`, `List${scope}`),
      description: `watch individual changes to a list of ${this.#resource.kind}. deprecated: use the 'watch' parameter with a list operation instead.`,
      parameters: this.#queryParameters('', [...LIST_PARAMETERS, 'pretty']),
      produces: [...this.#place.flavor.objectTypes, ...this.#place.flavor.streamTypes],
      responses: this.#answers(WATCH_EVENT, 200),
    });
  }

  #watch(): Operation {
    return this.#operation('get', 'watch', {
      id: this.#id(`watch${this.#idPrefix}`),
      description: `watch changes to an object of kind ${this.#resource.kind}. deprecated: use the 'watch' parameter with a list operation instead, filtered to a single item with the 'fieldSelector' parameter.`,
      parameters: this.#queryParameters('', [...LIST_PARAMETERS, 'pretty']),
      produces: [...this.#place.flavor.objectTypes, ...this.#place.flavor.streamTypes],
      responses: this.#answers(WATCH_EVENT, 200),
    });
  }

  #collectionOperations(): (Operation | false)[] {
    const { kind } = this.#resource;
    return [
      this.#has('list') && this.#list(''),
      this.#has('create') && this.#create(`create ${withArticle(kind)}`),
      this.#has('deletecollection') &&
        this.#operation('delete', 'deletecollection', {
          id: this.#id(`delete${this.#idPrefix}Collection`),
          description: `delete collection of ${kind}`,
          parameters: this.#queryParameters('', [...this.#deleteCollectionParameters(), 'pretty']),
          ...(this.#place.flavor.tellsAll ? { body: { schema: DELETE_OPTIONS, required: false } } : {}),
          responses: this.#answers(STATUS, 200),
        }),
    ];
  }

  #deleteCollectionParameters(): readonly string[] {
    if (!this.#place.flavor.tellsAll) return LIST_PARAMETERS;
    return [...new Set([...SELECT_PARAMETERS, ...DELETE_PARAMETERS])];
  }

  #itemOperations(): (Operation | false)[] {
    const { kind } = this.#resource;
    const qualified = this.#place.group === '' ? this.#resource.name : `${this.#resource.name}.${this.#place.group}`;
    const deleted = this.#place.data.returnedOnDelete.includes(qualified) ? this.#object : STATUS;
    return [
      this.#has('get') && this.#read(`read the specified ${kind}`),
      this.#has('update') && this.#replace(`replace the specified ${kind}`),
      this.#has('delete') &&
        this.#operation('delete', 'delete', {
          id: this.#id(`delete${this.#idPrefix}`),
          description: `delete ${withArticle(kind)}`,
          parameters: this.#queryParameters('', [...DELETE_PARAMETERS, 'pretty']),
          body: { schema: DELETE_OPTIONS, required: false },
          responses: this.#answers(deleted, 200, 202),
        }),
      this.#has('patch') && this.#patch(`partially update the specified ${kind}`),
    ];
  }

  #addSubresource(path: string): void {
    const name = this.#subresource ?? '';
    const { kind } = this.#parent;
    const methods = CONNECT_METHODS[name];
    if (methods) {
      this.#addTo(
        path,
        methods.map((method) => this.#connect(method, '')),
      );
      if (name === 'proxy')
        this.#addTo(
          `${path}/{path}`,
          methods.map((method) => this.#connect(method, 'WithPath')),
        );
      return;
    }
    this.#addTo(path, [
      this.#has('get') && this.#read(`read ${name} of the specified ${kind}`),
      this.#has('update') && this.#replace(`replace ${name} of the specified ${kind}`),
      this.#has('create') && this.#create(`create ${name} of ${withArticle(kind)}`),
      this.#has('patch') && this.#patch(`partially update ${name} of the specified ${kind}`),
    ]);
  }

  #connect(method: Method, suffix: string): Operation {
    const options = this.#resource.kind;
    return this.#operation(method, 'connect', {
      id: this.#id(`connect${this.#idPrefix}${capitalize(method)}`, suffix),
      description: `connect ${method.toUpperCase()} requests to ${this.#subresource} of ${this.#parent.kind}`,
      parameters: this.#queryParameters(options, Object.keys(this.#place.data.parameters[options] ?? {})),
      produces: ANY,
      responses: this.#answers(PLAIN, 200),
    });
  }

  #read(description: string): Operation {
    const id = this.#id(`read${this.#idPrefix}`);
    if (this.#subresource !== 'log') {
      const parameters = this.#queryParameters('', this.#place.flavor.readParameters);
      return this.#operation('get', 'get', { id, description, parameters });
    }
    return this.#operation('get', 'get', {
      id,
      description,
      parameters: this.#queryParameters('PodLogOptions', Object.keys(this.#place.data.parameters.PodLogOptions ?? {})),
      produces: ['text/plain', ...this.#place.flavor.objectTypes],
      responses: this.#answers(PLAIN, 200),
    });
  }

  #create(description: string): Operation {
    return this.#operation('post', 'post', {
      id: this.#id(`create${this.#idPrefix}`),
      description,
      parameters: this.#queryParameters('', [...WRITE_PARAMETERS, 'pretty']),
      body: { schema: this.#object, required: true },
      responses: this.#answers(this.#object, 200, 201, 202),
    });
  }

  #replace(description: string): Operation {
    return this.#operation('put', 'put', {
      id: this.#id(`replace${this.#idPrefix}`),
      description,
      parameters: this.#queryParameters('', [...WRITE_PARAMETERS, 'pretty']),
      body: { schema: this.#object, required: true },
      responses: this.#answers(this.#object, 200, 201),
    });
  }

  #patch(description: string): Operation {
    return this.#operation('patch', 'patch', {
      id: this.#id(`patch${this.#idPrefix}`),
      description,
      parameters: this.#queryParameters('patch', [...WRITE_PARAMETERS, 'force', 'pretty']),
      body: { schema: PATCH, required: true },
      consumes: this.#place.flavor.patchTypes,
      responses: this.#answers(this.#object, ...(this.#place.flavor.tellsAll ? [200, 201] : [200])),
    });
  }
}

function sortByName(parameters: readonly Parameter[]): Parameter[] {
  return [...parameters].sort((a, b) => compare(a.name, b.name) || compare(a.in, b.in));
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
