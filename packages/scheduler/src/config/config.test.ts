import { manualWorld } from '@keelson/client/testing/world';
import { describe, expect, it } from 'vitest';
import { Explainer } from '../explain.ts';
import { Profile } from '../framework/profile.ts';
import { registry } from '../plugins/registry.ts';
import { TestCluster } from '../testing/cluster.ts';
import { defaultConfiguration } from './defaults.ts';
import { parseConfiguration } from './read.ts';

const head = 'apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\n';
const parse = (text: string) => parseConfiguration(Buffer.from(head + text));
const profileOf = (text: string) => {
  const configuration = parse(text);
  return new Profile(configuration.profiles[0]!, registry, new TestCluster().context);
};
const names = (plugins: readonly { name: string }[]) => plugins.map(({ name }) => name);

describe('KubeSchedulerConfiguration', () => {
  it('says nothing: everything by default', () => {
    expect(parse('')).toEqual(defaultConfiguration());
    expect(parse('profiles: [{}]')).toEqual(defaultConfiguration());
  });

  it('the default profile asks plugins in order, with their weights', () => {
    const profile = profileOf('');
    expect(names(profile.plugins.filter).slice(0, 6)).toEqual([
      'NodeUnschedulable',
      'NodeName',
      'TaintToleration',
      'NodeAffinity',
      'NodePorts',
      'NodeResourcesFit',
    ]);
    expect(Object.fromEntries(profile.weights)).toMatchObject({
      TaintToleration: 3,
      NodeAffinity: 2,
      NodeResourcesFit: 1,
      PodTopologySpread: 2,
      InterPodAffinity: 2,
      NodeResourcesBalancedAllocation: 1,
      ImageLocality: 1,
    });
  });

  it('places take away and add', () => {
    const profile = profileOf(`
profiles:
- plugins:
    multiPoint: {disabled: [{name: NodeName}]}
    preScore: {disabled: [{name: '*'}]}
    score:
      disabled: [{name: '*'}]
      enabled: [{name: NodeResourcesFit, weight: 7}]
    filter:
      enabled: [{name: NodePorts}]
    postFilter: {disabled: [{name: DefaultPreemption}]}
`);
    expect(names(profile.plugins.score)).toEqual(['NodeResourcesFit']);
    expect(profile.weights.get('NodeResourcesFit')).toBe(7);
    expect(names(profile.plugins.filter)[0]).toBe('NodePorts');
    expect(names(profile.plugins.filter)).not.toContain('NodeName');
    expect(names(profile.plugins.postFilter)).not.toContain('DefaultPreemption');
  });

  it('arguments of plugins, with defaults for the rest', () => {
    const { args } = parse(`
profiles:
- pluginConfig:
  - name: NodeResourcesFit
    args: {scoringStrategy: {type: MostAllocated, resources: [{name: cpu}]}}
  - name: InterPodAffinity
    args: {apiVersion: kubescheduler.config.k8s.io/v1, kind: InterPodAffinityArgs, hardPodAffinityWeight: 50}
`).profiles[0]!;
    expect(args.get('NodeResourcesFit')).toMatchObject({
      scoringStrategy: { type: 'MostAllocated', resources: [{ name: 'cpu', weight: 1 }] },
    });
    expect(args.get('InterPodAffinity')).toEqual({
      hardPodAffinityWeight: 50,
      ignorePreferredTermsOfExistingPods: false,
    });
    expect(args.get('VolumeBinding')).toEqual({ bindTimeoutSeconds: 600 });
  });

  it.each([
    ['parallelism: 0', 'parallelism: Invalid value: 0: should be an integer value greater than zero'],
    ['percentageOfNodesToScore: 101', 'percentageOfNodesToScore: Invalid value: 101: not in valid range [0-100]'],
    [
      'podInitialBackoffSeconds: 20',
      'podMaxBackoffSeconds: Invalid value: 10: must be greater than or equal to PodInitialBackoffSeconds',
    ],
    [
      'profiles: [{schedulerName: a}, {schedulerName: a}]',
      'profiles[1].schedulerName: Duplicate value: "profiles[0].schedulerName"',
    ],
    ['profiles: [{schedulerName: a}, {}]', 'profiles[1].schedulerName: Required value'],
    [
      'leaderElection: {resourceLock: endpoints}',
      'leaderElection.resourceLock: Invalid value: "endpoints": resourceLock value must be "leases"',
    ],
    [
      'extenders: [{prioritizeVerb: p}]',
      'extenders[0].weight: Invalid value: 0: must have a positive weight applied to it',
    ],
    ['nonsense: 1', 'unknown field "nonsense"'],
    ['parallelism: 1\nparallelism: 2', 'strict decoding error: line 4: key "parallelism" already set in map'],
    [
      'profiles: [{pluginConfig: [{name: NodeResourcesFit, args: {scoringStrategy: {type: Other}}}]}]',
      'Unsupported value: "Other"',
    ],
    [
      'profiles: [{pluginConfig: [{name: PodTopologySpread, args: {defaultConstraints: [{maxSkew: 1, topologyKey: zone, whenUnsatisfiable: DoNotSchedule}]}}]}]',
      'when .defaultConstraints are not empty',
    ],
    [
      'profiles: [{pluginConfig: [{name: InterPodAffinity, args: {kind: Other}}]}]',
      'decoding args for plugin InterPodAffinity',
    ],
  ])('%s', (text, message) => {
    expect(() => parse(text)).toThrow(message);
  });

  it.each([
    ['filter: {enabled: [{name: Unknown}]}', 'FilterPlugin "Unknown" does not exist'],
    ['filter: {enabled: [{name: ImageLocality}]}', 'plugin "ImageLocality" does not extend FilterPlugin plugin'],
    [
      'bind: {disabled: [{name: "*"}]}',
      'at least one bind plugin is needed for profile with scheduler name "default-scheduler"',
    ],
    [
      'queueSort: {disabled: [{name: "*"}]}',
      'only one queue sort plugin required for profile with scheduler name "default-scheduler", but got 0',
    ],
  ])('profiles that cannot be: %s', (plugins, message) => {
    expect(() => profileOf(`profiles: [{plugins: {${plugins}}}]`)).toThrow(message);
  });

  it('several profiles are one scheduler', () => {
    const configuration = parse(
      'profiles: [{schedulerName: a}, {schedulerName: b, plugins: {score: {disabled: [{name: "*"}]}}}]',
    );
    const explainer = new Explainer(configuration, manualWorld());
    expect(explainer.collections).toContain('persistentvolumeclaims');
  });
});
