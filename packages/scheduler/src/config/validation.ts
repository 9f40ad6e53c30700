/** What a configuration may say (pkg/scheduler/apis/config/validation). */
import * as field from '@keelson/api/field';
import { isExtendedResource } from '@keelson/api/resources/names';
import { compileNodeSelector, compilePreferences } from '@keelson/api/resources/node-selector';
import { isQualifiedName } from '@keelson/api/validation/names';
import { ConfigFileError } from '@keelson/component/configfile';
import type {
  DefaultPreemptionArgs,
  ExtenderConfiguration,
  InterPodAffinityArgs,
  NodeAffinityArgs,
  NodeResourcesBalancedAllocationArgs,
  NodeResourcesFitArgs,
  PodTopologySpreadArgs,
  ProfileConfiguration,
  SchedulerConfiguration,
  ShapePoint,
  VolumeBindingArgs,
} from './types.ts';

/** @throws ConfigFileError with everything that is wrong */
export function validateConfiguration(configuration: SchedulerConfiguration): void {
  const errors = [...problemsOf(configuration)].map(String);
  if (errors.length === 1) throw new ConfigFileError(errors[0]!);
  if (errors.length > 1) throw new ConfigFileError(`[${errors.join(', ')}]`);
}

function* problemsOf(configuration: SchedulerConfiguration): Iterable<field.FieldError> {
  const at = (name: string) => field.Path.of(name);
  const { parallelism, percentageOfNodesToScore, profiles, extenders, leaderElection } = configuration;
  const { podInitialBackoffSeconds: initial, podMaxBackoffSeconds: max } = configuration;
  if (leaderElection.leaderElect && leaderElection.resourceLock !== 'leases') {
    const path = at('leaderElection').child('resourceLock');
    yield field.invalid(path, leaderElection.resourceLock, 'resourceLock value must be "leases"');
  }
  if (parallelism <= 0) {
    yield field.invalid(at('parallelism'), parallelism, 'should be an integer value greater than zero');
  }
  for (const [i, profile] of profiles.entries()) {
    const path = at('profiles').index(i);
    yield* profileProblems(profile, path);
    const same = profiles.findIndex(({ schedulerName }) => schedulerName === profile.schedulerName);
    if (same < i)
      yield field.duplicate(path.child('schedulerName'), at('profiles').index(same).child('schedulerName').toString());
    if (JSON.stringify(profile.plugins.queueSort) !== JSON.stringify(profiles[0]!.plugins.queueSort)) {
      yield field.invalid(
        path.child('plugins').child('queueSort'),
        profile.plugins.queueSort,
        'must be the same for all profiles',
      );
    }
  }
  yield* percentageProblems(percentageOfNodesToScore, at('percentageOfNodesToScore'));
  if (initial <= 0) yield field.invalid(at('podInitialBackoffSeconds'), initial, 'must be greater than 0');
  if (max < initial) {
    yield field.invalid(at('podMaxBackoffSeconds'), max, 'must be greater than or equal to PodInitialBackoffSeconds');
  }
  yield* extenderProblems(extenders, at('extenders'));
}

function* percentageProblems(percentage: number | undefined, path: field.Path): Iterable<field.FieldError> {
  if (percentage === undefined || (percentage >= 0 && percentage <= 100)) return;
  yield field.invalid(path, percentage, 'not in valid range [0-100]');
}

function* profileProblems(profile: ProfileConfiguration, path: field.Path): Iterable<field.FieldError> {
  if (profile.schedulerName === '') yield field.required(path.child('schedulerName'));
  yield* percentageProblems(profile.percentageOfNodesToScore, path.child('percentageOfNodesToScore'));
  const sorts = profile.plugins.queueSort.enabled.length;
  if (sorts > 1) {
    const at = path.child('plugins').child('queueSort').child('Enabled');
    yield field.invalid(at, sorts, 'only one queue sort plugin can be enabled');
  }
  for (const [name, args] of profile.args) {
    const check = checks[name];
    if (check) yield* check(args, path.child('pluginConfig').key(name).child('args'));
  }
}

/** What was read for a plugin is of the type that its check wants. */
function checking<A>(check: (args: A, path: field.Path) => Iterable<field.FieldError>) {
  return (args: unknown, path: field.Path) => check(args as A, path);
}

const checks: Readonly<Record<string, ReturnType<typeof checking>>> = {
  DefaultPreemption: checking(defaultPreemption),
  InterPodAffinity: checking(interPodAffinity),
  NodeAffinity: checking(nodeAffinity),
  NodeResourcesBalancedAllocation: checking(balancedAllocation),
  NodeResourcesFit: checking(resourcesFit),
  PodTopologySpread: checking(topologySpread),
  VolumeBinding: checking(volumeBinding),
};

function* defaultPreemption(args: DefaultPreemptionArgs, path: field.Path): Iterable<field.FieldError> {
  const { minCandidateNodesPercentage: percentage, minCandidateNodesAbsolute: absolute } = args;
  const [percentagePath, absolutePath] = [
    path.child('minCandidateNodesPercentage'),
    path.child('minCandidateNodesAbsolute'),
  ];
  if (percentage < 0 || percentage > 100)
    yield field.invalid(percentagePath, percentage, 'not in valid range [0, 100]');
  if (absolute < 0) yield field.invalid(absolutePath, absolute, 'not in valid range [0, inf)');
  if (percentage !== 0 || absolute !== 0) return;
  yield field.invalid(percentagePath, 0, 'cannot be zero at the same time as minCandidateNodesAbsolute');
  yield field.invalid(absolutePath, 0, 'cannot be zero at the same time as minCandidateNodesPercentage');
}

function* interPodAffinity({ hardPodAffinityWeight: weight }: InterPodAffinityArgs, path: field.Path) {
  if (weight >= 0 && weight <= 100) return;
  yield field.invalid(path.child('hardPodAffinityWeight'), weight, 'not in valid range [0, 100]');
}

function* nodeAffinity({ addedAffinity }: NodeAffinityArgs, path: field.Path): Iterable<field.FieldError> {
  const {
    requiredDuringSchedulingIgnoredDuringExecution: required,
    preferredDuringSchedulingIgnoredDuringExecution: preferred,
  } = addedAffinity ?? {};
  const compiles = [
    ['requiredDuringSchedulingIgnoredDuringExecution', () => required && compileNodeSelector(required)],
    ['preferredDuringSchedulingIgnoredDuringExecution', () => preferred && compilePreferences(preferred)],
  ] as const;
  for (const [name, compile] of compiles) {
    try {
      compile();
    } catch (error) {
      yield field.invalid(path.child('addedAffinity').child(name), addedAffinity![name], (error as Error).message);
    }
  }
}

function* balancedAllocation({ resources }: NodeResourcesBalancedAllocationArgs, path: field.Path) {
  for (const [i, { name, weight }] of resources.entries()) {
    const at = path.child('resources').index(i);
    if (resources.findIndex((each) => each.name === name) < i) yield field.duplicate(at.child('name'), name);
    if (weight !== 1) yield field.invalid(at.child('weight'), weight, 'must be 1');
  }
}

const STRATEGIES = ['LeastAllocated', 'MostAllocated', 'RequestedToCapacityRatio'];

function* resourcesFit(args: NodeResourcesFitArgs, path: field.Path): Iterable<field.FieldError> {
  for (const [i, name] of args.ignoredResources.entries())
    yield* labelName(name, path.child('ignoredResources').index(i));
  for (const [i, group] of args.ignoredResourceGroups.entries()) {
    const at = path.child('ignoredResourceGroups').index(i);
    if (group.includes('/')) yield field.invalid(at, group, "resource group name can't contain '/'");
    yield* labelName(group, at);
  }
  const at = path.child('scoringStrategy');
  const { type, resources, requestedToCapacityRatio: ratio } = args.scoringStrategy;
  if (!STRATEGIES.includes(type)) yield field.notSupported(at.child('type'), type, STRATEGIES);
  for (const [i, { name, weight }] of resources.entries()) {
    if (weight > 0 && weight <= 100) continue;
    const what = `resource weight of ${name} not in valid range (0, 100]`;
    yield field.invalid(at.child('resources').index(i).child('weight'), weight, what);
  }
  const ratioPath = at.child('requestedToCapacityRatio');
  if (type !== 'RequestedToCapacityRatio') {
    if (ratio) yield field.forbidden(ratioPath, 'must be nil when type is not RequestedToCapacityRatio');
  } else if (ratio) yield* shapeProblems(ratio.shape, ratioPath.child('shape'));
  else yield field.required(ratioPath, 'must be specified when type is RequestedToCapacityRatio');
}

function* shapeProblems(shape: readonly ShapePoint[], path: field.Path): Iterable<field.FieldError> {
  if (shape.length === 0) yield field.required(path, 'at least one point must be specified');
  const unsorted = shape.findIndex(({ utilization }, i) => i > 0 && shape[i - 1]!.utilization >= utilization);
  if (unsorted > 0) {
    const at = path.index(unsorted).child('utilization');
    yield field.invalid(at, shape[unsorted]!.utilization, 'values must be sorted in increasing order');
  }
  for (const [i, { utilization, score }] of shape.entries()) {
    const at = path.index(i);
    if (utilization < 0 || utilization > 100)
      yield field.invalid(at.child('utilization'), utilization, 'not in valid range [0, 100]');
    if (score < 0 || score > 10) yield field.invalid(at.child('score'), score, 'not in valid range [0, 10]');
  }
}

const WHEN = ['DoNotSchedule', 'ScheduleAnyway'];

function* topologySpread(args: PodTopologySpreadArgs, path: field.Path): Iterable<field.FieldError> {
  const { defaultingType: type, defaultConstraints: constraints } = args;
  const typePath = path.child('defaultingType');
  if (type !== 'System' && type !== 'List') yield field.notSupported(typePath, type, ['System', 'List']);
  else if (type === 'System' && constraints.length > 0) {
    yield field.invalid(typePath, type, 'when .defaultConstraints are not empty');
  }
  const at = path.child('defaultConstraints');
  for (const [i, { maxSkew, topologyKey, whenUnsatisfiable: when, labelSelector }] of constraints.entries()) {
    const here = at.index(i);
    if (maxSkew <= 0) yield field.invalid(here.child('maxSkew'), maxSkew, 'not in valid range (0, inf)');
    if (topologyKey === '') yield field.required(here.child('topologyKey'), 'can not be empty');
    else yield* labelName(topologyKey, here.child('topologyKey'));
    if (when === '') yield field.required(here.child('whenUnsatisfiable'), 'can not be empty');
    else if (!WHEN.includes(when)) yield field.notSupported(here.child('whenUnsatisfiable'), when, WHEN);
    if (labelSelector) {
      yield field.forbidden(
        here.child('labelSelector'),
        'constraint must not define a selector, as they deduced for each pod',
      );
    }
    const same = constraints.findIndex((each) => each.topologyKey === topologyKey && each.whenUnsatisfiable === when);
    if (same < i) yield field.duplicate(here, `{${topologyKey}, ${when}}`);
  }
}

function* volumeBinding(
  { bindTimeoutSeconds: seconds }: VolumeBindingArgs,
  path: field.Path,
): Iterable<field.FieldError> {
  if (seconds >= 0) return;
  const what = 'invalid BindTimeoutSeconds, should not be a negative value';
  yield field.invalid(path.child('bindTimeoutSeconds'), seconds, what);
}

function* labelName(name: string, path: field.Path): Iterable<field.FieldError> {
  for (const problem of isQualifiedName(name)) yield field.invalid(path, name, problem);
}

function* extenderProblems(extenders: readonly ExtenderConfiguration[], path: field.Path): Iterable<field.FieldError> {
  const managed = new Set<string>();
  for (const [i, { prioritizeVerb, weight, managedResources }] of extenders.entries()) {
    if (prioritizeVerb !== '' && weight <= 0) {
      yield field.invalid(path.index(i).child('weight'), weight, 'must have a positive weight applied to it');
    }
    for (const [k, { name }] of managedResources.entries()) {
      const at = path.index(i).child('managedResources').index(k).child('name');
      yield* labelName(name, at);
      if (isQualifiedName(name).length === 0 && !isExtendedResource(name)) {
        yield field.invalid(at, name, 'is an invalid extended resource name');
      }
      if (managed.has(name)) yield field.invalid(at, name, 'duplicate extender managed resource name');
      managed.add(name);
    }
  }
  const binders = extenders.filter(({ bindVerb }) => bindVerb !== '').length;
  if (binders > 1) {
    yield field.invalid(path, `found ${binders} extenders implementing bind`, 'only one extender can implement bind');
  }
}
