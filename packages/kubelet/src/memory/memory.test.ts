import type { Container, Pod } from '@keelson/api/generated/types/core/v1';
import { describe, expect, it } from 'vitest';
import { container, podOf } from '../testing/pods.ts';
import { idsIn, nodesOf } from '../topology/hints.ts';
import { numaOf } from '../topology/testing.ts';
import { formatMemoryState, parseMemoryState } from './checkpoint.ts';
import { parseReservedMemory } from './options.ts';
import { MemoryState } from './state.ts';
import { StaticMemory } from './static.ts';
import { validateMemory } from './validate.ts';

const GI = 2 ** 30;
const asking = (name: string, memory: string, more: Partial<Container> = {}) => {
  const amounts = { cpu: '1', memory };
  return container(name, { resources: { requests: amounts, limits: amounts }, ...more });
};
const podWith = (uid: string, containers: Container[], initContainers: Container[] = []) =>
  podOf({ containers, initContainers }, { uid });
/** Of each node 3 GiB can be had. */
const unused = (count = 2) =>
  StaticMemory.unused(numaOf(count, 4 * GI), new Map(numaOf(count).map(({ id }) => [id, new Map([['memory', GI]])])));
const HOW = { preferred: false, early: false };
const give = (memory: StaticMemory, pod: Pod, nodes?: number[]) => {
  for (const each of [...(pod.spec.initContainers ?? []), ...pod.spec.containers!]) {
    memory.allocate(pod, each, { ...HOW, nodes: nodes && nodesOf(nodes) });
  }
};
const free = ({ state }: StaticMemory) =>
  [...state.nodes.values()].map(({ tables }) => tables.get('memory')!.free / GI);

describe('memory of containers', () => {
  it.each([
    ['guaranteed', asking('a', '1Gi'), [['memory', GI]]],
    ['burstable', container('a', { resources: { requests: { memory: '1Gi' } } }), []],
  ])('is asked for by %s pods', (_, each, want) =>
    expect([...new StaticMemory(unused()).wanted(podWith('u', [each]), each)]).toEqual(want),
  );

  it.each<[string, number[][], [number[], boolean][]]>([
    [
      '2Gi',
      [],
      [
        [[0], true],
        [[1], true],
        [[0, 1], false],
      ],
    ],
    ['4Gi', [], [[[0, 1], true]]],
    ['2Gi', [[0]], [[[1], true]]],
    ['1Gi', [[0, 1]], [[[0, 1], false]]],
    ['7Gi', [], []],
  ])('%s can come from, beside %j', (amount, held, want) => {
    const memory = new StaticMemory(unused());
    for (const [index, nodes] of held.entries()) give(memory, podWith(`o${index}`, [asking('a', '2Gi')]), nodes);
    const a = asking('a', amount);
    const hints = memory.hints(podWith('u', [a]), a).get('memory') ?? [];
    expect(hints.map(({ nodes, preferred }) => [idsIn(nodes!), preferred])).toEqual(want);
  });

  it('is of the nodes that it is to be of, and of more where it has to be', () => {
    const memory = new StaticMemory(unused());
    give(memory, podWith('u1', [asking('a', '1Gi')]), [1]);
    expect([memory.nodesOf('u1', 'a'), free(memory)]).toEqual([[1], [3, 2]]);
    const other = new StaticMemory(unused());
    give(other, podWith('u1', [asking('a', '4Gi')]), [1]);
    expect([other.nodesOf('u1', 'a'), free(other)]).toEqual([
      [0, 1],
      [0, 2],
    ]);
    expect(other.release(() => false)).toBe(true);
    expect(free(other)).toEqual([3, 3]);
    expect(formatMemoryState('Static', other.state)).toBe(formatMemoryState('Static', unused()));
  });

  it('goes from init containers to those that come after them', () => {
    const memory = new StaticMemory(unused(1));
    const sidecar = asking('s', '512Mi', { restartPolicy: 'Always' });
    const pod = podWith('u', [asking('a', '1Gi')], [asking('i', '2Gi'), sidecar]);
    give(memory, pod);
    expect(free(memory)).toEqual([1]);
    memory.begins(pod, 'i');
    expect(free(memory)).toEqual([1]);
    memory.begins(pod, 'a');
    expect([memory.nodesOf('u', 'i'), memory.nodesOf('u', 's'), free(memory)]).toEqual([[], [0], [1.5]]);
  });

  it.each<[string, (memory: StaticMemory) => void, string, Partial<typeof HOW> & { nodes?: number[] }, string]>([
    [
      'too much',
      () => {},
      '7Gi',
      {},
      'failed to get the default NUMA affinity, no NUMA nodes with enough memory is available',
    ],
    [
      'too much of a node',
      () => {},
      '7Gi',
      { nodes: [0] },
      'failed to find NUMA nodes to extend the current topology hint',
    ],
    [
      'a group with a node that gives alone',
      (memory) => give(memory, podWith('o', [asking('a', '1Gi')]), [0]),
      '2Gi',
      { nodes: [0, 1] },
      'preferred hint violates NUMA node allocation',
    ],
    [
      'more nodes than are preferred',
      (memory) => give(memory, podWith('o', [asking('a', '1Gi')]), [0, 1]),
      '2Gi',
      { preferred: true },
      'failed to find the default preferred hint',
    ],
  ])('is refused: %s', (_, before, amount, { nodes, ...how }, message) => {
    const memory = new StaticMemory(unused());
    before(memory);
    const a = asking('a', amount);
    const all = { ...HOW, ...how, nodes: nodes && nodesOf(nodes) };
    expect(() => memory.allocate(podWith('u', [a]), a, all)).toThrow(`[memorymanager] ${message}`);
  });

  it('is asked for by a pod as a whole', () => {
    const pod = podWith('u', [asking('a', '2Gi'), asking('b', '2Gi')], [asking('i', '3Gi')]);
    const memory = new StaticMemory(unused());
    expect(
      memory
        .podHints(pod)
        .get('memory')!
        .map(({ nodes }) => idsIn(nodes!)),
    ).toEqual([[0, 1]]);
  });
});

describe('what is remembered', () => {
  const used = () => {
    const memory = new StaticMemory(unused());
    give(memory, podWith('u', [asking('a', '4Gi')]));
    return memory.state;
  };

  it('fits the machine', () => {
    validateMemory(unused(), unused());
    validateMemory(used(), unused());
    validateMemory(new MemoryState(new Map()), unused());
  });

  it.each<[string, MemoryState, MemoryState, string]>([
    ['another machine', unused(1), unused(), 'the expected machine state is different from the real one'],
    [
      'more memory',
      used(),
      StaticMemory.unused(numaOf(2, 5 * GI), new Map()),
      'the expected machine state is different from the real one',
    ],
    [
      'a node that is gone',
      used(),
      unused(1),
      '(pod: u, container: a) the memory assignment uses the NUMA that does not exist',
    ],
    [
      'no machine',
      new MemoryState(new Map(), [['u', new Map([['a', []]])]]),
      unused(),
      'machine state can not be empty when it has memory assignments',
    ],
  ])('is refused for %s', (_, found, machine, message) =>
    expect(() => validateMemory(found, machine)).toThrow(`[memorymanager] ${message}`),
  );
});

// Written by kubelet 1.36.
const TABLES =
  '{"hugepages-2Mi":{"total":50,"systemReserved":1,"allocatable":49,"reserved":2,"free":47},"memory":{"total":100,"systemReserved":1,"allocatable":99,"reserved":2,"free":97}}';
const NODE = `{"numberOfAssignments":1,"memoryMap":${TABLES},"cells":[0,1]}`;
const FILE = `{"policyName":"Static","machineState":{"0":${NODE},"1":${NODE}},"entries":{"u1":{"c":[{"numaAffinity":[0,1],"type":"memory","size":7},{"numaAffinity":[0],"type":"hugepages-2Mi","size":9}]}},"checksum":3202169239}`;
const EMPTY = '{"policyName":"Static","machineState":{},"checksum":3940083781}';

describe('the checkpoint of memory', () => {
  it.each([FILE, EMPTY])('is read and written as upstream does: %s', (text) =>
    expect(formatMemoryState('Static', parseMemoryState(text, 'Static'))).toBe(text),
  );

  it.each([
    [FILE.replace('"size":9', '"size":8'), 'Static', 'checkpoint is corrupted'],
    [FILE, 'None', '[memorymanager] configured policy "None" differs from state checkpoint policy "Static"'],
  ])('is refused %#', (text, policy, message) => expect(() => parseMemoryState(text, policy)).toThrow(message));
});

describe('parseReservedMemory', () => {
  it('reads amounts of nodes', () =>
    expect(parseReservedMemory('0:memory=1Gi,hugepages-2Mi=4Mi;1:memory=2Gi')).toEqual([
      { numaNode: 0, limits: { memory: '1Gi', 'hugepages-2Mi': '4Mi' } },
      { numaNode: 1, limits: { memory: '2Gi' } },
    ]));

  it.each([
    [
      'memory=1Gi',
      'the reserved memory has incorrect format, expected numaNodeID:type=quantity[,type=quantity...], got memory=1Gi',
    ],
    ['a:memory=1Gi', 'failed to convert the NUMA node ID, expected integer, got a'],
    ['0:memory', 'the reserved limit has incorrect value, expected type=quantity, got memory'],
    ['0:cpu=1', 'memory type conversion error, unknown type: "cpu"'],
  ])('%s', (text, message) => expect(() => parseReservedMemory(text)).toThrow(message));
});
