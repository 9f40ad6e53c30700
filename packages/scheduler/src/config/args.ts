/** Arguments of plugins, with defaults for what they do not say. */
import type { NodeAffinity, TopologySpreadConstraint } from '@keelson/api/generated/types/core/v1';
import { ConfigFileError, ConfigObject } from '@keelson/component/configfile';
import { defaultArgs } from './defaults.ts';
import type {
  DefaultPreemptionArgs,
  DynamicResourcesArgs,
  InterPodAffinityArgs,
  NodeAffinityArgs,
  NodeResourcesBalancedAllocationArgs,
  NodeResourcesFitArgs,
  PodTopologySpreadArgs,
  ResourceWeight,
  VolumeBindingArgs,
} from './types.ts';

const GROUP = 'kubescheduler.config.k8s.io';

/** What plugins out of tree are given is theirs to read. @throws ConfigFileError */
export function readArgs(plugin: string, args: unknown): unknown {
  const read = readers[plugin];
  if (!read) return args;
  const object = new ConfigObject(args ?? {}, `pluginConfig of ${plugin}`);
  const kind = `${plugin}Args`;
  const found = object.string('kind', kind);
  const apiVersion = object.string('apiVersion', `${GROUP}/v1`);
  if (found !== kind || apiVersion !== `${GROUP}/v1`) {
    throw new ConfigFileError(
      `decoding args for plugin ${plugin}: expected ${kind} of ${GROUP}/v1, got ${found} of ${apiVersion}`,
    );
  }
  const decoded = read(object);
  object.expectNothingElse();
  return decoded;
}

const readers: Readonly<Record<string, (args: ConfigObject) => unknown>> = {
  NodeResourcesFit(args): NodeResourcesFitArgs {
    const defaults = defaultArgs.NodeResourcesFit as NodeResourcesFitArgs;
    const given = args.raw('scoringStrategy') !== undefined;
    const strategy = args.object('scoringStrategy');
    const shape = strategy.raw('requestedToCapacityRatio');
    const scoringStrategy = {
      type: strategy.string('type', given ? '' : 'LeastAllocated') as 'LeastAllocated',
      resources: readResources(strategy, defaults.scoringStrategy.resources),
      ...(shape ? { requestedToCapacityRatio: readShape(strategy.object('requestedToCapacityRatio')) } : {}),
    };
    strategy.expectNothingElse();
    return {
      ignoredResources: args.strings('ignoredResources'),
      ignoredResourceGroups: args.strings('ignoredResourceGroups'),
      scoringStrategy,
    };
  },
  NodeResourcesBalancedAllocation(args): NodeResourcesBalancedAllocationArgs {
    const defaults = defaultArgs.NodeResourcesBalancedAllocation as NodeResourcesBalancedAllocationArgs;
    return { resources: readResources(args, defaults.resources) };
  },
  NodeAffinity(args): NodeAffinityArgs {
    const added = args.raw('addedAffinity') as NodeAffinity | undefined;
    return added ? { addedAffinity: added } : {};
  },
  InterPodAffinity: (args): InterPodAffinityArgs => ({
    hardPodAffinityWeight: args.integer('hardPodAffinityWeight', 1),
    ignorePreferredTermsOfExistingPods: args.boolean('ignorePreferredTermsOfExistingPods'),
  }),
  PodTopologySpread: (args): PodTopologySpreadArgs => ({
    defaultConstraints: args.objects('defaultConstraints').map(readConstraint),
    defaultingType: (args.string('defaultingType') || 'System') as 'System',
  }),
  DefaultPreemption: (args): DefaultPreemptionArgs => ({
    minCandidateNodesPercentage: args.integer('minCandidateNodesPercentage', 10),
    minCandidateNodesAbsolute: args.integer('minCandidateNodesAbsolute', 100),
  }),
  VolumeBinding: (args): VolumeBindingArgs => ({ bindTimeoutSeconds: args.integer('bindTimeoutSeconds', 600) }),
  DynamicResources: (args): DynamicResourcesArgs => ({
    filterTimeoutMs: args.duration('filterTimeout', 10_000),
    bindingTimeoutMs: args.duration('bindingTimeout', 600_000),
  }),
};

function readConstraint(constraint: ConfigObject): TopologySpreadConstraint {
  const labelSelector = constraint.raw('labelSelector') as TopologySpreadConstraint['labelSelector'];
  const read = {
    maxSkew: constraint.integer('maxSkew'),
    topologyKey: constraint.string('topologyKey'),
    whenUnsatisfiable: constraint.string('whenUnsatisfiable'),
    ...(labelSelector ? { labelSelector } : {}),
  };
  constraint.expectNothingElse();
  return read;
}

function readResources(from: ConfigObject, defaults: readonly ResourceWeight[]): readonly ResourceWeight[] {
  const resources = from.objects('resources').map((resource) => {
    const read = { name: resource.string('name'), weight: resource.integer('weight') || 1 };
    resource.expectNothingElse();
    return read;
  });
  return resources.length === 0 ? defaults : resources;
}

function readShape(ratio: ConfigObject) {
  const shape = ratio.objects('shape').map((point) => {
    const read = { utilization: point.integer('utilization'), score: point.integer('score') };
    point.expectNothingElse();
    return read;
  });
  ratio.expectNothingElse();
  return { shape };
}
