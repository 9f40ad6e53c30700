import type { Container, Pod } from '@keelson/api/generated/types/core/v1';
import { manualWorld } from '@keelson/client/testing/world';
import { MetricsRegistry } from '@keelson/component/metrics/registry';
import { describe, expect, it } from 'vitest';
import { container, podOf } from '../testing/pods.ts';
import { combinations, countOf, type Hint, type Hints, hintsFor, idsIn, NO_HINTS, nodesOf } from './hints.ts';
import { AdmissionError, ANYWHERE, type Provider, TopologyManager, type TopologyOptions } from './manager.ts';
import { countingAdmissions, exclusiveMetrics } from './metrics.ts';
import { affinityOf, type TopologyPolicy } from './policy.ts';
import { numaOf } from './testing.ts';

const hint = (nodes: readonly number[] | undefined, preferred = true): Hint => ({
  nodes: nodes && nodesOf(nodes),
  preferred,
});
const of = (...lists: (Hint[] | undefined)[]): Hints => new Map(lists.map((list, index) => [`r${index}`, list]));

describe('affinityOf', () => {
  const any = of([hint([0]), hint([1]), hint([0, 1], false)]);
  it.each<[string, TopologyPolicy, Hints[], number[] | undefined, boolean]>([
    ['asks nobody without a policy', 'none', [of([])], undefined, true],
    ['is anywhere where nobody cares', 'restricted', [NO_HINTS, of(undefined)], [0, 1], true],
    ['is the first of several', 'best-effort', [any], [0], true],
    ['is what all prefer', 'restricted', [any, of([hint([1])])], [1], true],
    ['takes those who do not care along', 'restricted', [of([hint([1])]), of(undefined)], [1], true],
    ['admits what nobody prefers', 'best-effort', [of([hint([0])], [hint([1])])], [0, 1], true],
    ['refuses what not all prefer', 'restricted', [of([hint([0])], [hint([1])])], [0, 1], false],
    ['refuses what there is not', 'restricted', [of([])], [0, 1], false],
    ['is narrow', 'best-effort', [of([hint([0, 1], false), hint([1], false)])], [1], true],
    ['takes as many nodes as who needs most', 'best-effort', [of([hint([0])], [hint([0, 1], false)])], [0], true],
    ['is one node where it has to be', 'single-numa-node', [any], [0], true],
    ['refuses several nodes', 'single-numa-node', [of([hint([0, 1])])], undefined, false],
    ['is anywhere where nobody cares, of one node too', 'single-numa-node', [NO_HINTS], undefined, true],
  ])('%s', (_, policy, provided, nodes, admitted) => {
    const found = affinityOf(provided, numaOf(2), { policy, preferClosest: false });
    expect([found.nodes === undefined ? undefined : idsIn(found.nodes), found.admitted]).toEqual([nodes, admitted]);
  });

  it('prefers nodes that are near to each other, if that is asked for', () => {
    const hints = [of([hint([0, 3]), hint([2, 3])])];
    const near = (preferClosest: boolean) =>
      idsIn(affinityOf(hints, numaOf(4), { policy: 'best-effort', preferClosest }).nodes!);
    expect([near(false), near(true)]).toEqual([
      [0, 3],
      [2, 3],
    ]);
  });

  it('does not try all combinations of hints: of four lists of 255 that would be 4 billion', () => {
    const all = combinations([0, 1, 2, 3, 4, 5, 6, 7]).map((nodes) => ({ nodes, preferred: countOf(nodes) === 4 }));
    const provided = [new Map(['a', 'b', 'c', 'd'].map((name) => [name, all]))];
    expect(idsIn(affinityOf(provided, numaOf(8), { policy: 'restricted', preferClosest: true }).nodes!)).toHaveLength(
      4,
    );
  });
});

it('finds where so many could come from', () => {
  const on = [4, 2, 0];
  const sum = (from: readonly number[]) => (nodes: bigint) => idsIn(nodes).reduce((total, id) => total + from[id]!, 0);
  const hints = hintsFor({ nodes: [0, 1], count: 3, all: sum([4, 4]), free: sum(on) });
  expect(hints).toEqual([hint([0]), hint([0, 1], false)]);
  expect(hintsFor({ nodes: [0, 1], count: 6, all: sum([4, 4]), free: sum(on) })).toEqual([hint([0, 1])]);
  expect(hintsFor({ nodes: [0, 1], count: 7, all: sum([4, 4]), free: sum(on) })).toEqual([]);
});

describe('TopologyManager', () => {
  const a = container('a');
  const pod = podOf({ initContainers: [container('i')], containers: [a] });

  function providing(list: Hint[], more: Partial<Provider> = {}) {
    const given: string[] = [];
    const provider: Provider = {
      wants: () => true,
      hints: () => of(list),
      podHints: () => of(list),
      allocate: async (_pod: Pod, { name }: Container, { nodes, early }) => {
        given.push(`${name} ${nodes === undefined ? 'anywhere' : idsIn(nodes)}${early ? ' early' : ''}`);
      },
      ...more,
    };
    return { given, provider };
  }
  const managerOf = (options: Partial<TopologyOptions>, ...providers: Provider[]) =>
    new TopologyManager({ ...ANYWHERE, ...options }, numaOf(2), providers, () => true);

  it('asks nobody of whom nothing is wanted', () => {
    const { provider } = providing([], { wants: () => false });
    expect(managerOf({}, provider).allocate(pod)).toBeUndefined();
  });

  it('has containers given what they want, one after the other', async () => {
    const { provider, given } = providing([hint([1])]);
    expect(await managerOf({}, provider).allocate(pod)).toBeUndefined();
    expect(await managerOf({ policy: 'restricted' }, provider).allocate(pod)).toBeUndefined();
    expect(given).toEqual(['i anywhere', 'a anywhere', 'i 1', 'a 1']);
  });

  it('asks once of a pod, where that is what is to be near', async () => {
    const asked: string[] = [];
    const { provider, given } = providing([], {
      hints: () => of([]),
      podHints: () => {
        asked.push('pod');
        return of([hint([0])]);
      },
    });
    await managerOf({ policy: 'single-numa-node', scope: 'pod' }, provider).allocate(pod);
    expect([asked, given]).toEqual([['pod'], ['i 0', 'a 0']]);
  });

  it('knows who came before all pods were known', async () => {
    const { provider, given } = providing([]);
    let ready = false;
    const manager = new TopologyManager(ANYWHERE, numaOf(1), [provider], () => ready);
    const found = manager.allocate(pod);
    ready = true;
    await found;
    await manager.allocate(podOf({ containers: [a] }));
    expect(given).toEqual(['i anywhere early', 'a anywhere early', 'a anywhere']);
  });

  it('says why in upstream’s words', async () => {
    const failing = (error: Error) => providing([], { allocate: () => Promise.reject(error) }).provider;
    expect(await managerOf({ policy: 'restricted' }, providing([]).provider).allocate(pod)).toEqual({
      reason: 'TopologyAffinityError',
      message: 'Resources cannot be allocated with Topology locality',
    });
    expect(await managerOf({}, failing(new Error('x'))).allocate(pod)).toEqual({
      reason: 'UnexpectedAdmissionError',
      message: 'Allocate failed due to x, which is unexpected',
    });
    expect(await managerOf({}, failing(new AdmissionError('Own', 'why'))).allocate(pod)).toEqual({
      reason: 'Own',
      message: 'why',
    });
  });

  it('counts who came in, and who did not', async () => {
    const registry = new MetricsRegistry();
    const { clock } = manualWorld();
    const counts = exclusiveMetrics(registry);
    const admit = (manager: TopologyManager) =>
      countingAdmissions((each) => manager.allocate(each), counts, clock)(pod);
    await admit(managerOf({ policy: 'restricted' }, providing([hint([0])]).provider));
    await admit(managerOf({ policy: 'restricted' }, providing([]).provider));
    expect(admit(managerOf({}))).toBeUndefined();
    const text = await registry.text();
    expect(text).toContain('kubelet_topology_manager_admission_requests_total 3\n');
    expect(text).toContain('kubelet_topology_manager_admission_errors_total 1\n');
    expect(text).toContain('kubelet_topology_manager_admission_duration_ms_count 3\n');
  });

  it('refuses machines with too many nodes', () =>
    expect(() => new TopologyManager({ ...ANYWHERE, policy: 'restricted' }, numaOf(9), [], () => true)).toThrow(
      'unsupported on machines with more than 8 NUMA Nodes',
    ));
});
