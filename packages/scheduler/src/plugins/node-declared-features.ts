import { isDeepStrictEqual } from 'node:util';
import type { Node, Pod } from '@keelson/api/generated/types/core/v1';
import { Action, clusterEvent } from '../framework/events.ts';
import { type Plugin, type PluginContext, SKIP } from '../framework/plugin.ts';
import { unresolvable } from '../framework/status.ts';

const name = 'NodeDeclaredFeatures';
const lacking = unresolvable(name, "node(s) didn't match Pod's required features");

/** What a pod can ask of a node that not every kubelet can do (component-helpers/nodedeclaredfeatures). */
const features: Readonly<Record<string, (spec: Pod['spec']) => boolean>> = {
  RestartAllContainersOnContainerExits: ({ containers, initContainers }) =>
    [...(containers ?? []), ...(initContainers ?? [])].some(({ restartPolicyRules }) =>
      restartPolicyRules?.some(({ action }) => action === 'RestartAllContainers'),
    ),
  UserNamespacesHostNetworkSupport: ({ hostNetwork, hostUsers }) => hostNetwork === true && hostUsers === false,
};

/** Nodes whose kubelets can do what the pod needs. */
export function nodeDeclaredFeatures(
  _args: unknown,
  { isEnabled }: Pick<PluginContext, 'isEnabled'>,
): Plugin<readonly string[]> {
  const isAsked = isEnabled(name);
  return {
    name,
    sign: ({ pod }) => ({ features: neededBy(pod) }),
    preFilter({ pod }) {
      const needed = isAsked ? neededBy(pod) : [];
      return needed.length === 0 ? SKIP : { state: needed };
    },
    filter(_, { node }, needed) {
      const { declaredFeatures } = node!.status;
      for (const feature of needed) if (!declaredFeatures?.includes(feature)) return lacking;
      return undefined;
    },
    events: () => [
      {
        event: clusterEvent('Node', Action.add | Action.nodeDeclaredFeature),
        helps: (_, old, now) => !old || !isDeepStrictEqual(declaredBy(old as Node), declaredBy(now as Node)),
      },
      {
        event: clusterEvent('Pod', Action.update),
        helps: ({ pod }, old, now) =>
          pod.metadata.uid === now!.metadata.uid && !isDeepStrictEqual(neededBy(old as Pod), neededBy(now as Pod)),
      },
    ],
  };
}

function neededBy({ spec }: Pod): string[] {
  return Object.keys(features).filter((feature) => features[feature]!(spec));
}

function declaredBy({ status }: Node): readonly string[] {
  return status.declaredFeatures ?? [];
}
