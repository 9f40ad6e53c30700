/** The objects that a binding gives a policy as `params` (plugin/policy/generic/policy_dispatcher.go: CollectParams). */
import type { ParamKind, ParamRef } from '@keelson/api/generated/types/admissionregistration/v1';
import { type KubeObject, parseApiVersion } from '@keelson/api/object';
import { selectorOfObject } from '@keelson/api/selectors/labels';
import { fromStorage } from '../../registry/conversion.ts';
import { keyOf, type ServedResource } from '../../registry/resource.ts';
import type { Resources } from '../../resources.ts';

/** Objects of one kind, in the version that was asked for. */
export interface ParamSource {
  readonly namespaced: boolean;
  get(namespace: string, name: string): Promise<KubeObject | undefined>;
  /** @param namespace '' for cluster-scoped kinds */
  list(namespace: string): Promise<readonly KubeObject[]>;
}

/** Undefined for a kind that is not served, now. */
export type ParamsOf = (group: string, version: string, kind: string) => ParamSource | undefined;

export function paramsOf(resources: Resources): ParamsOf {
  return (group, version, kind) => {
    for (const served of resources.all()) {
      const { definition } = served;
      if (served.version !== version || definition.group !== group || definition.kind !== kind) continue;
      if (served.verbs.has('list')) return sourceOf(resources, served);
    }
    return undefined;
  };
}

function sourceOf(resources: Resources, served: ServedResource): ParamSource {
  const { cacher, codec, definition } = resources.store(served.definition);
  const read = (cached: Parameters<typeof codec.object>[0]): KubeObject => fromStorage(served, codec.object(cached));
  return {
    namespaced: definition.namespaced,
    async get(namespace, name) {
      await cacher.ready();
      const cached = cacher.get(keyOf(definition, namespace, name));
      return cached && read(cached);
    },
    async list(namespace) {
      await cacher.ready();
      return cacher.list(namespace).map(read);
    },
  };
}

/** The policy, or its binding, does not make sense as things are now. */
export class ConfigurationError extends Error {
  override readonly name = 'ConfigurationError';
}

/** Where parameters of a policy come from; undefined: it has none. @throws ConfigurationError for a kind that is not served */
export function paramSourceOf(kind: ParamKind | undefined, find: ParamsOf): ParamSource | undefined {
  if (!kind) return undefined;
  const { group, version } = parseApiVersion(kind.apiVersion ?? '');
  const source = find(group, version, kind.kind ?? '');
  if (!source) {
    const what = `${group}/${version}, Kind=${kind.kind}`;
    throw new ConfigurationError(`failed to find resource referenced by paramKind: '${what}'`);
  }
  return source;
}

/**
 * @param namespace of the request
 * @returns what the policy is evaluated with, once for each: undefined where it uses no parameters
 * @throws ConfigurationError
 */
export async function collectParams(
  source: ParamSource | undefined,
  reference: ParamRef | undefined,
  namespace: string,
): Promise<readonly (KubeObject | undefined)[]> {
  if (!source || !reference) return [undefined];
  const found = await find(source, reference, namespace);
  if (found.length === 0 && reference.parameterNotFoundAction === 'Deny')
    throw new ConfigurationError('no params found for policy binding with `Deny` parameterNotFoundAction');
  return found;
}

async function find(source: ParamSource, reference: ParamRef, requested: string): Promise<readonly KubeObject[]> {
  const { name = '', selector } = reference;
  const namespace = namespaceFor(source, reference, requested);
  if (name !== '') {
    if (selector) throw new ConfigurationError('paramRef.name and paramRef.selector are mutually exclusive');
    const found = await source.get(namespace, name);
    return found ? [found] : [];
  }
  if (!selector) throw new ConfigurationError('one of name or selector must be provided');
  const wanted = selectorOfObject(selector);
  return (await source.list(namespace)).filter(({ metadata }) => wanted.matches(metadata.labels ?? {}));
}

function namespaceFor({ namespaced }: ParamSource, { namespace = '' }: ParamRef, requested: string): string {
  if (!namespaced && namespace !== '')
    throw new ConfigurationError('paramRef.namespace must not be provided for a cluster-scoped `paramKind`');
  if (!namespaced) return '';
  const found = namespace || requested;
  if (found === '')
    throw new ConfigurationError(
      'cannot use namespaced paramRef in policy binding that matches cluster-scoped resources',
    );
  return found;
}
