/** PodTolerationRestriction: tolerations that a namespace gives its pods, and those that it lets them have. */
import { notFound, StatusError } from '@keelson/api/errors';
import { Path } from '@keelson/api/field';
import type { Namespace, Pod, Toleration } from '@keelson/api/generated/types/core/v1';
import { qosClass } from '@keelson/api/resources/pod';
import { ConfigFileError, ConfigObject } from '@keelson/component/configfile';
import { validateTolerations } from '../registry/core/pod/validation/tolerations.ts';
import { type AdmissionAttributes, type AdmissionPlugin, type AdmissionWorld, objectOf, on } from './plugin.ts';
import { covers, mergeTolerations } from './tolerationsets.ts';

const DEFAULTS = 'scheduler.alpha.kubernetes.io/defaultTolerations';
const ALLOWED = 'scheduler.alpha.kubernetes.io/tolerationsWhitelist';
const MEMORY_PRESSURE: Toleration = {
  key: 'node.kubernetes.io/memory-pressure',
  operator: 'Exists',
  effect: 'NoSchedule',
};

/** Of namespaces that say nothing themselves. */
export interface TolerationConfig {
  readonly defaults: readonly Toleration[];
  readonly allowed: readonly Toleration[];
}

/** Fields that it does not know are no fault, as upstream. @param given undefined where nothing is configured. @throws ConfigFileError */
export function tolerationConfig(given: unknown): TolerationConfig {
  if (given === undefined) return { defaults: [], allowed: [] };
  const config = new ConfigObject(given);
  config.expectKind('podtolerationrestriction.admission.k8s.io', ['v1alpha1'], 'Configuration');
  const defaults = tolerationsOf(config, 'default');
  const allowed = tolerationsOf(config, 'whitelist');
  return { defaults, allowed };
}

function tolerationsOf(config: ConfigObject, field: string): Toleration[] {
  const tolerations = config.objects(field).map((item) => {
    const seconds = item.raw('tolerationSeconds') ?? undefined;
    const toleration: Toleration = {
      ...text(item, 'key'),
      ...text(item, 'operator'),
      ...text(item, 'value'),
      ...text(item, 'effect'),
      ...(seconds === undefined ? {} : { tolerationSeconds: item.integer('tolerationSeconds') }),
    };
    return toleration;
  });
  const errors = validateTolerations(tolerations, {}, Path.of('podtolerationrestriction', field));
  if (errors.length > 0) throw new ConfigFileError(`invalid config: [${errors.join(', ')}]`);
  return tolerations;
}

function text(item: ConfigObject, name: string): Record<string, string> {
  const value = item.string(name);
  return value === '' ? {} : { [name]: value };
}

export function podTolerationRestriction({ objects }: AdmissionWorld, config: TolerationConfig): AdmissionPlugin {
  async function ofNamespace(
    { namespace }: AdmissionAttributes,
    annotation: string,
  ): Promise<Toleration[] | undefined> {
    const found =
      (await objects.get('namespaces', '', namespace)) ?? (await objects.getLive('namespaces', '', namespace));
    if (!found) throw notFound({ group: '', resource: 'namespaces' }, namespace);
    return annotated(found, annotation);
  }

  async function validate(a: AdmissionAttributes): Promise<void> {
    const { tolerations = [] } = objectOf<Pod>(a).spec;
    if (tolerations.length === 0) return;
    const own = await ofNamespace(a, ALLOWED);
    const allowed = own ?? config.allowed;
    if (allowed.length === 0 || tolerations.every((t) => allowed.some((wide) => covers(wide, t)))) return;
    throw new StatusError(
      500,
      '',
      `pod tolerations (possibly merged with namespace default tolerations) conflict with its ${own ? 'namespace' : 'cluster'} whitelist`,
    );
  }

  return {
    name: 'PodTolerationRestriction',
    handles: on('pods', ['CREATE', 'UPDATE']),
    async mutate(a) {
      const pod = objectOf<Pod>(a);
      const more = a.operation === 'CREATE' ? [...((await ofNamespace(a, DEFAULTS)) ?? config.defaults)] : [];
      if (qosClass(pod) !== 'BestEffort') more.push(MEMORY_PRESSURE);
      if (more.length > 0) pod.spec.tolerations = mergeTolerations(pod.spec.tolerations ?? [], more);
      await validate(a);
    },
    validate,
  };
}

/** @throws StatusError for an annotation that is no list of tolerations */
function annotated({ metadata }: Namespace, annotation: string): Toleration[] | undefined {
  const given = metadata.annotations?.[annotation];
  if (given === undefined || given === '') return given === undefined ? undefined : [];
  try {
    const list: unknown = JSON.parse(given);
    if (Array.isArray(list) && list.every((item) => typeof item === 'object' && item !== null)) return list;
    throw new Error('not a list of tolerations');
  } catch (thrown) {
    throw new StatusError(
      500,
      '',
      `namespace ${metadata.name}, annotation ${annotation}: ${(thrown as Error).message}`,
    );
  }
}
