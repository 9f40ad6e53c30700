/** LimitRanger: what containers, pods and claims ask for stays within the namespace's limits (plugin/pkg/admission/limitranger). */
import type {
  Container,
  LimitRange,
  LimitRangeItem,
  PersistentVolumeClaim,
  Pod,
  ResourceRequirements,
} from '@keelson/api/generated/types/core/v1';
import { Quantity } from '@keelson/api/quantity';
import { parseResources, type ResourceList, withMissing } from '@keelson/api/resources/list';
import { containerTotals, type ResourceKind } from '@keelson/api/resources/pod';
import { aggregate } from '../aggregate.ts';
import { type AdmissionAttributes, type AdmissionPlugin, type AdmissionWorld, objectOf, refuse } from './plugin.ts';

const ANNOTATION = 'kubernetes.io/limit-ranger';
/** Beyond it amounts are compared in whole units. */
const MAX_MILLI = 9223372036854775n;

type Amounts = ReadonlyMap<string, Quantity>;

export function limitRanger({ objects }: AdmissionWorld): AdmissionPlugin {
  async function rangesFor({ namespace, oldObject }: AdmissionAttributes): Promise<readonly LimitRange[]> {
    return oldObject?.metadata?.deletionTimestamp ? [] : objects.list('limitranges', namespace);
  }

  return {
    name: 'LimitRanger',
    handles(operation, resource, subresource) {
      if (resource === 'pods' && subresource === 'resize') return operation === 'UPDATE';
      if (subresource !== '') return false;
      if (resource === 'pods') return operation === 'CREATE';
      return resource === 'persistentvolumeclaims' && (operation === 'CREATE' || operation === 'UPDATE');
    },
    async mutate(a) {
      if (a.resource.resource !== 'pods') return;
      for (const range of await rangesFor(a)) setDefaults(objectOf<Pod>(a), range);
    },
    async validate(a) {
      for (const { spec } of await rangesFor(a)) {
        const problems = (spec?.limits ?? []).flatMap((limit) =>
          a.resource.resource === 'pods'
            ? problemsOfPod(objectOf<Pod>(a), limit)
            : problemsOfClaim(objectOf<PersistentVolumeClaim>(a), limit),
        );
        const failure = aggregate(problems.map((p) => new Error(p)));
        if (failure) throw refuse(a, failure);
      }
    },
  };
}

function setDefaults(pod: Pod, { spec }: LimitRange): void {
  const limits: ResourceList = {};
  const requests: ResourceList = {};
  for (const limit of (spec?.limits ?? []).filter(({ type }) => type === 'Container')) {
    Object.assign(limits, limit.default);
    Object.assign(requests, limit.defaultRequest);
  }
  const set = [
    ...(pod.spec.containers ?? []).flatMap((c) => setDefaultsOf(c, 'container', limits, requests)),
    ...(pod.spec.initContainers ?? []).flatMap((c) => setDefaultsOf(c, 'init container', limits, requests)),
  ];
  if (set.length > 0)
    pod.metadata.annotations = {
      ...pod.metadata.annotations,
      [ANNOTATION]: `LimitRanger plugin set: ${set.join('; ')}`,
    };
}

/** @returns what was set: `cpu, memory request for container c` */
function setDefaultsOf(container: Container, what: string, limits: ResourceList, requests: ResourceList): string[] {
  const resources: ResourceRequirements = { ...container.resources };
  const set = (
    [
      ['requests', 'request', requests],
      ['limits', 'limit', limits],
    ] as const
  ).flatMap(([kind, word, defaults]) => {
    const missing = Object.keys(defaults).filter((name) => resources[kind]?.[name] === undefined);
    if (missing.length === 0) return [];
    resources[kind] = withMissing(resources[kind], defaults);
    return [`${missing.sort().join(', ')} ${word} for ${what} ${container.name}`];
  });
  container.resources = resources;
  return set;
}

function problemsOfPod({ spec }: Pod, limit: LimitRangeItem): string[] {
  if (limit.type === 'Container')
    return [...(spec.containers ?? []), ...(spec.initContainers ?? [])].flatMap((container) =>
      problemsOf(limit, amounts(container.resources?.requests), amounts(container.resources?.limits)),
    );
  if (limit.type !== 'Pod') return [];
  const totals = (kind: ResourceKind) => {
    const found = containerTotals(spec, kind);
    for (const name of ['cpu', 'memory']) {
      const whole = spec.resources?.[kind]?.[name];
      if (whole !== undefined) found.set(name, Quantity.parse(whole));
    }
    return found;
  };
  return problemsOf(limit, totals('requests'), totals('limits'));
}

function amounts(list: ResourceList | undefined): Amounts {
  return new Map(parseResources(list));
}

function problemsOf(limit: LimitRangeItem, requests: Amounts, limits: Amounts): string[] {
  return [
    ...parseResources(limit.min).map(([name, least]) => tooLittle(limit, name, least, requests, limits)),
    ...parseResources(limit.max).map(([name, most]) => tooMuch(limit, name, most, requests, limits)),
    ...parseResources(limit.maxLimitRequestRatio).map(([name, ratio]) => tooFar(limit, name, ratio, requests, limits)),
  ].flatMap((problem) => problem ?? []);
}

function problemsOfClaim({ spec }: PersistentVolumeClaim, limit: LimitRangeItem): string[] {
  if (limit.type !== 'PersistentVolumeClaim') return [];
  const requests = amounts(spec?.resources?.requests);
  return [
    ...parseResources(limit.min).map(([name, least]) => tooLittle(limit, name, least, requests, new Map())),
    ...parseResources(limit.max).map(([name, most]) => {
      const what = `maximum ${name} usage per ${limit.type} is ${most}`;
      const request = requests.get(name);
      if (!request) return `${what}.  No request is specified`;
      return isMore(request, most) ? `${what}, but request is ${request}` : undefined;
    }),
  ].flatMap((problem) => problem ?? []);
}

function tooLittle(
  { type }: LimitRangeItem,
  name: string,
  least: Quantity,
  requests: Amounts,
  limits: Amounts,
): string | undefined {
  const what = `minimum ${name} usage per ${type} is ${least}`;
  const [request, limit] = [requests.get(name), limits.get(name)];
  if (!request) return `${what}.  No request is specified`;
  if (isMore(least, request)) return `${what}, but request is ${request}`;
  return limit && isMore(least, limit) ? `${what}, but limit is ${limit}` : undefined;
}

function tooMuch(
  { type }: LimitRangeItem,
  name: string,
  most: Quantity,
  requests: Amounts,
  limits: Amounts,
): string | undefined {
  const what = `maximum ${name} usage per ${type} is ${most}`;
  const [request, limit] = [requests.get(name), limits.get(name)];
  if (!limit) return `${what}.  No limit is specified`;
  if (isMore(limit, most)) return `${what}, but limit is ${limit}`;
  return request && isMore(request, most) ? `${what}, but request is ${request}` : undefined;
}

function tooFar(
  { type }: LimitRangeItem,
  name: string,
  ratio: Quantity,
  requests: Amounts,
  limits: Amounts,
): string | undefined {
  const what = `${name} max limit to request ratio per ${type} is ${ratio}`;
  const [request, limit] = [requests.get(name), limits.get(name)];
  if (!request || request.isZero()) return `${what}, but no request is specified or request is 0`;
  if (!limit || limit.isZero()) return `${what}, but no limit is specified or limit is 0`;
  const [given, wanted] = comparable(limit, request);
  const observed = Number(given) / Number(wanted);
  const allowed = ratio.value() <= MAX_MILLI ? Number(ratio.milliValue()) / 1000 : Number(ratio.value());
  return observed > allowed ? `${what}, but provided ratio is ${observed.toFixed(6)}` : undefined;
}

function isMore(a: Quantity, b: Quantity): boolean {
  const [left, right] = comparable(a, b);
  return left > right;
}

/** In thousandths, if both are small enough for it. */
function comparable(a: Quantity, b: Quantity): [bigint, bigint] {
  if (a.value() <= MAX_MILLI && b.value() <= MAX_MILLI) return [a.milliValue(), b.milliValue()];
  return [a.value(), b.value()];
}
