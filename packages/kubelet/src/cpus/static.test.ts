import type { Container } from '@keelson/api/generated/types/core/v1';
import { describe, expect, it } from 'vitest';
import { container, podOf } from '../testing/pods.ts';
import { idsIn, nodesOf } from '../topology/hints.ts';
import { DUAL, SINGLE } from '../topology/testing.ts';
import { CpuAssignments } from './assignments.ts';
import { formatCpuState, parseCpuState } from './checkpoint.ts';
import { formatCpus, parseCpus } from './set.ts';
import { StaticCpus, type StaticOptions } from './static.ts';

const asking = (name: string, cpu: string, more: Partial<Container> = {}) => {
  const amounts = { cpu, memory: '1Mi' };
  return container(name, { resources: { requests: amounts, limits: amounts }, ...more });
};
const podWith = (uid: string, ...containers: Container[]) => podOf({ containers }, { uid });
const ANYWHERE = { nodes: undefined };
const OPTIONS: StaticOptions = { wholeCores: false, strict: false, distribute: false, byCache: false };
const cpusOf = (machine = SINGLE, reserved = '0,4', options: Partial<StaticOptions> = {}) => {
  const all = { ...OPTIONS, ...options };
  const kept = parseCpus(reserved);
  return new StaticCpus(machine, kept, all, new CpuAssignments(StaticCpus.shared(machine, kept, all)));
};
const shared = ({ assignments }: StaticCpus) => formatCpus(assignments.shared);
const own = ({ assignments }: StaticCpus, uid: string, name: string) =>
  formatCpus(assignments.of(uid, name) ?? new Set());

describe('CPUs of containers', () => {
  it.each([
    ['whole ones of a guaranteed pod', asking('a', '2'), 2],
    ['parts of one', asking('a', '1500m'), 0],
    ['a pod that is not guaranteed', container('a', { resources: { requests: { cpu: '2' } } }), 0],
  ])('%s', (_, each, want) => expect(cpusOf().wanted(podWith('u', each), each)).toBe(want));

  it('are not those of containers of a pod that asks as a whole', () => {
    const amounts = { cpu: '2', memory: '1Mi' };
    const pod = podOf({ containers: [asking('a', '1')], resources: { requests: amounts, limits: amounts } });
    expect(cpusOf().wants(pod, pod.spec.containers![0]!)).toBe(false);
  });

  it('are nobody else’s until the container is no more', () => {
    const cpus = cpusOf();
    const a = asking('a', '2');
    const [first, second] = [podWith('u1', a), podWith('u2', asking('a', '3'))];
    expect(cpus.allocate(first, a, ANYWHERE)).toBe(true);
    expect(cpus.allocate(first, a, ANYWHERE)).toBe(false);
    cpus.allocate(second, second.spec.containers![0]!, ANYWHERE);
    expect([own(cpus, 'u1', 'a'), own(cpus, 'u2', 'a'), shared(cpus)]).toEqual(['1,5', '2-3,6', '0,4,7']);
    const message = 'not enough cpus available to satisfy request: requested=2, available=1';
    expect(() => cpus.allocate(podWith('u3', a), a, ANYWHERE)).toThrow(message);
    expect(cpus.release((uid) => uid === 'u2')).toBe(true);
    expect([own(cpus, 'u1', 'a'), shared(cpus)]).toEqual(['', '0-1,4-5,7']);
  });

  it('go from init containers to others, those of sidecars do not', () => {
    const cpus = cpusOf();
    const initContainers = [asking('i', '4'), asking('s', '1', { restartPolicy: 'Always' })];
    const pod = podOf({ initContainers, containers: [asking('a', '2'), asking('b', '1')] }, { uid: 'u' });
    for (const each of [...initContainers, ...pod.spec.containers!]) cpus.allocate(pod, each, ANYWHERE);
    const found = ['i', 's', 'a', 'b'].map((name) => own(cpus, 'u', name));
    expect(found).toEqual(['1-2,5-6', '1', '2,6', '5']);
    expect(shared(cpus)).toBe('0,3-4,7');
    cpus.release((_, name) => name !== 'i');
    expect(shared(cpus)).toBe('0,3-4,7');
  });

  it('come from the nodes that they are to be on, as far as there are any', () => {
    const cpus = cpusOf(DUAL, '0');
    const a = asking('a', '7');
    cpus.allocate(podWith('u', a), a, { nodes: nodesOf([1]) });
    expect(own(cpus, 'u', 'a')).toBe('1,3,5-7,9,11');
  });

  it.each([
    [
      1,
      [
        ['0', true],
        ['1', true],
        ['0,1', false],
      ],
    ],
    [
      6,
      [
        ['1', true],
        ['0,1', false],
      ],
    ],
    [7, [['0,1', true]]],
    [12, []],
  ])('%d can come from', (count, want) => {
    const cpus = cpusOf(DUAL, '0');
    const a = asking('a', String(count));
    const hints = cpus.hints(podWith('u', a), a).get('cpu')!;
    expect(hints.map(({ nodes, preferred }) => [idsIn(nodes!).join(), preferred])).toEqual(want);
  });

  it('come as whole cores, where nothing else will do', () => {
    const cpus = cpusOf(SINGLE, '0', { wholeCores: true });
    const try_ = (cpu: string) => () => cpus.allocate(podWith('u', asking('a', cpu)), asking('a', cpu), ANYWHERE);
    expect(try_('3')).toThrow('SMT Alignment Error: requested 3 cpus not multiple cpus per core = 2');
    expect(try_('8')).toThrow(
      'SMT Alignment Error: not enough free physical CPUs: available physical CPUs = 6, requested CPUs = 8, CPUs per core = 2',
    );
    expect(try_('6')()).toBe(true);
  });

  it('leave out what is reserved, where nobody may run there', () =>
    expect(shared(cpusOf(SINGLE, '0,4', { strict: true }))).toBe('1-3,5-7'));
});

describe('what is remembered', () => {
  const validated =
    (state: CpuAssignments, options: Partial<StaticOptions> = {}) =>
    () =>
      new StaticCpus(SINGLE, parseCpus('0,4'), { ...OPTIONS, ...options }, state).validate();
  const state = (set: string, a = '') =>
    new CpuAssignments(parseCpus(set), a === '' ? [] : [['u', new Map([['a', parseCpus(a)]])]]);

  it.each([
    [state('0,2-7'), 'current set of available CPUs "0-7" doesn\'t match with CPUs in state "0,2-7"', {}],
    [state('1-7'), 'not all reserved cpus: "0,4" are present in defaultCpuSet: "1-7"', {}],
    [state('0-7', '1'), 'pod: u, container: a cpuset: "1" overlaps with default cpuset "0-7"', {}],
    [state('0-7'), 'some of strictly reserved cpus: "0,4" are present in defaultCpuSet: "0-7"', { strict: true }],
  ])('%# is refused where it does not fit: %s', (found, message, options) =>
    expect(validated(found, options)).toThrow(message),
  );

  it('fits', () => {
    validated(state('0,2-7', '1'))();
    validated(state('2-3,5-7', '1'), { strict: true })();
  });
});

// Written by kubelet 1.36.
const FILE =
  '{"policyName":"static","defaultCpuSet":"0,3","entries":{"u1":{"a":"5,7","c":"1-2"},"u2":{"b":"4"}},"checksum":2538171126}';
const EMPTY = '{"policyName":"static","defaultCpuSet":"","checksum":3083571066}';

describe('the checkpoint of CPUs', () => {
  it.each([FILE, EMPTY])('is read and written as upstream does: %s', (text) =>
    expect(formatCpuState('static', parseCpuState(text, 'static'))).toBe(text),
  );

  it('is known by the name that later kubelets have for it, and without a checksum', () => {
    expect(formatCpus(parseCpuState(FILE.replace('2538171126', '0'), 'static').shared)).toBe('0,3');
  });

  it.each([
    [FILE.replace('"4"', '"6"'), 'static', 'checkpoint is corrupted'],
    [FILE, 'none', 'configured policy "none" differs from state checkpoint policy "static"'],
    ['{', 'static', 'JSON'],
    [
      '{"policyName":"static","defaultCpuSet":"x","checksum":0}',
      'static',
      'could not parse default cpu set "x": strconv.Atoi: parsing "x": invalid syntax',
    ],
  ])('%s of %s is refused', (text, policy, message) => expect(() => parseCpuState(text, policy)).toThrow(message));
});
