/** PodNodeSelector: nodes that the pods of a namespace are for (plugin/pkg/admission/podnodeselector). */
import { internalError, StatusError } from '@keelson/api/errors';
import { invalid, Path } from '@keelson/api/field';
import type { Namespace, Pod } from '@keelson/api/generated/types/core/v1';
import { isQualifiedName, isValidLabelValue } from '@keelson/api/validation/names';
import { ConfigObject } from '@keelson/component/configfile';
import { type AdmissionAttributes, type AdmissionPlugin, type AdmissionWorld, objectOf, on, refuse } from './plugin.ts';

const ANNOTATION = 'scheduler.alpha.kubernetes.io/node-selector';
const CLUSTER_DEFAULT = 'clusterDefaultNodeSelector';

type Labels = Readonly<Record<string, string>>;

/** By namespace the labels that its pods may select, and the cluster's default: `key=value,…` */
export type NodeSelectors = ReadonlyMap<string, string>;

/** @param given undefined where nothing is configured. @throws ConfigFileError */
export function nodeSelectors(given: unknown): NodeSelectors {
  const selectors = new ConfigObject(given ?? {}).object('podNodeSelectorPluginConfig');
  return new Map(selectors.names().map((name) => [name, selectors.string(name)]));
}

export function podNodeSelector({ objects }: AdmissionWorld, selectors: NodeSelectors): AdmissionPlugin {
  async function ofNamespace({ namespace }: AdmissionAttributes): Promise<Labels> {
    const found: Namespace | undefined =
      (await objects.get('namespaces', '', namespace)) ?? (await objects.getLive('namespaces', '', namespace));
    if (!found) throw internalError(`namespace ${namespace} does not exist`);
    return parse(found.metadata.annotations?.[ANNOTATION] ?? selectors.get(CLUSTER_DEFAULT) ?? '');
  }

  /** @returns what the pod selects with what its namespace adds */
  async function selected(a: AdmissionAttributes): Promise<Labels> {
    const added = await ofNamespace(a);
    const own: Labels = objectOf<Pod>(a).spec.nodeSelector ?? {};
    if (Object.entries(own).some(([key, value]) => (added[key] ?? value) !== value))
      throw refuse(a, 'pod node label selector conflicts with its namespace node label selector');
    return { ...added, ...own };
  }

  function refuseOthers(a: AdmissionAttributes, labels: Labels): void {
    const allowed = parse(selectors.get(a.namespace) ?? '');
    if (Object.keys(allowed).length === 0) return;
    if (Object.entries(labels).some(([key, value]) => allowed[key] !== value))
      throw refuse(a, 'pod node label selector labels conflict with its namespace whitelist');
  }

  return {
    name: 'PodNodeSelector',
    handles: on('pods', ['CREATE']),
    async mutate(a) {
      const labels = await selected(a);
      if (Object.keys(labels).length > 0) objectOf<Pod>(a).spec.nodeSelector = { ...labels };
      refuseOthers(a, labels);
    },
    async validate(a) {
      await selected(a);
      refuseOthers(a, objectOf<Pod>(a).spec.nodeSelector ?? {});
    },
  };
}

/** @throws StatusError for what is no list of `key=value` */
function parse(selector: string): Labels {
  if (selector === '') return {};
  return Object.fromEntries(
    selector.split(',').map((requirement) => {
      const parts = requirement.split('=');
      if (parts.length !== 2) throw new StatusError(500, '', `invalid selector: [${parts.join(' ')}]`);
      const [key, value] = parts.map((part) => part.trim()) as [string, string];
      const problem = problemOf(key, value);
      if (problem) throw new StatusError(500, '', problem);
      return [key, value];
    }),
  );
}

function problemOf(key: string, value: string): string | undefined {
  const ofKey = isQualifiedName(key);
  if (ofKey.length > 0) return invalid(Path.of('<nil>'), key, ofKey.join('; ')).toString();
  const ofValue = isValidLabelValue(value);
  return ofValue.length > 0 ? invalid(Path.root.key(key), value, ofValue.join('; ')).toString() : undefined;
}
