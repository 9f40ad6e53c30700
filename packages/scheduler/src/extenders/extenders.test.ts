import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { silentLogger } from '@keelson/component/logs/logger';
import { describe, expect, it } from 'vitest';
import type { ExtenderConfiguration } from '../config/types.ts';
import { Verdicts } from '../cycle/verdicts.ts';
import { PodInfo } from '../pods/pod-info.ts';
import { TestCluster } from '../testing/cluster.ts';
import { makeNode, makePod } from '../testing/objects.ts';
import { type Ask, Extenders } from './extenders.ts';
import { askOverHttp } from './http.ts';

const configuration = (more: Partial<ExtenderConfiguration> = {}): ExtenderConfiguration => ({
  urlPrefix: 'http://extender',
  filterVerb: 'filter',
  preemptVerb: '',
  prioritizeVerb: 'prioritize',
  bindVerb: 'bind',
  weight: 2,
  enableHTTPS: false,
  httpTimeoutMs: 1000,
  nodeCacheCapable: true,
  managedResources: [],
  ignorable: false,
  ...more,
});
const cluster = new TestCluster([makeNode('a'), makeNode('b'), makeNode('c')]);
const nodes = [...cluster.snapshot.nodes];
const pod = new PodInfo(makePod('p', { requests: { 'example.com/gpu': '1' } }));
const failing: Ask = async () => {
  throw new Error('no answer');
};
const extenders = (ask: Ask, more: Partial<ExtenderConfiguration> = {}) =>
  new Extenders([{ configuration: configuration(more), ask }], silentLogger);
const names = (found: readonly { name: string }[]) => found.map(({ name }) => name);

describe('extenders', () => {
  it('filter by names, and say why', async () => {
    const verdicts = new Verdicts();
    const ask: Ask = async (verb, body) => {
      expect([verb, body]).toEqual(['filter', { Pod: pod.pod, Nodes: null, NodeNames: ['a', 'b', 'c'] }]);
      return { NodeNames: ['b'], FailedNodes: { a: 'busy' }, FailedAndUnresolvableNodes: { c: 'never' } };
    };
    expect(names(await extenders(ask).filter(pod, nodes, verdicts))).toEqual(['b']);
    expect([verdicts.get('a'), verdicts.get('c')]).toMatchObject([
      { code: 'Unschedulable', reasons: ['busy'] },
      { code: 'UnschedulableAndUnresolvable', reasons: ['never'] },
    ]);
  });

  it('filter by whole nodes', async () => {
    const ask: Ask = async (_, body) => ({
      Nodes: { items: (body as { Nodes: { items: unknown[] } }).Nodes.items.slice(1) },
    });
    expect(names(await extenders(ask, { nodeCacheCapable: false }).filter(pod, nodes, new Verdicts()))).toEqual([
      'b',
      'c',
    ]);
  });

  it('are asked only about what they manage', async () => {
    const managing = (name: string) => ({ managedResources: [{ name, ignoredByScheduler: false }] });
    expect(await extenders(failing, managing('other.com/x')).filter(pod, nodes, new Verdicts())).toBe(nodes);
    await expect(extenders(failing, managing('example.com/gpu')).filter(pod, nodes, new Verdicts())).rejects.toThrow(
      'no answer',
    );
  });

  it('may be left out where they are ignorable', async () => {
    expect(await extenders(failing, { ignorable: true }).filter(pod, nodes, new Verdicts())).toBe(nodes);
    expect(await extenders(failing, { ignorable: true }).bind(pod, 'a')).toBe(false);
    await expect(extenders(failing).bind(pod, 'a')).rejects.toThrow('no answer');
    await expect(extenders(async () => ({ Error: 'full' })).filter(pod, nodes, new Verdicts())).rejects.toThrow('full');
    await expect(extenders(async () => ({ NodeNames: ['x'] })).filter(pod, nodes, new Verdicts())).rejects.toThrow(
      'extender "http://extender" claims a filtered node "x" which is not found in the input node list',
    );
  });

  it('add to scores by their weight', async () => {
    const total = new Float64Array([100, 100, 100]);
    await extenders(async () => [
      { Host: 'b', Score: 10 },
      { Host: 'x', Score: 1 },
    ]).prioritize(pod, nodes, total);
    expect([...total]).toEqual([100, 300, 100]);
    const without: Ask[] = [failing, async () => null, async () => [{ Host: 'a', Score: 'much' }]];
    for (const ask of without) await extenders(ask).prioritize(pod, nodes, total);
    expect([...total]).toEqual([100, 300, 100]);
  });

  it('are reached over HTTP', async () => {
    const server = createServer((request, response) => {
      if (request.url !== '/base/bind') response.statusCode = 500;
      request.resume().on('end', () => response.end('{}'));
    }).listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const urlPrefix = `http://127.0.0.1:${(server.address() as AddressInfo).port}/base`;
    const ask = askOverHttp(configuration({ urlPrefix }));
    expect(await extenders(ask).bind(pod, 'a')).toBe(true);
    await expect(ask('filter', {})).rejects.toThrow(`failed filter with extender at URL ${urlPrefix}/filter, code 500`);
    server.closeAllConnections();
    server.close();
  });
});

describe('extenders that have a say in preemption', () => {
  const on = (name: string, node: string) => makePod(name, { spec: { nodeName: node } });
  const there = [on('a1', 'a'), on('a2', 'a'), on('b1', 'b')];
  const { snapshot } = new TestCluster([makeNode('a'), makeNode('b')], there);
  const of = (...uids: (string | undefined)[]) => there.filter(({ metadata }) => uids.includes(metadata.uid));
  const uid = (i: number) => there[i]!.metadata.uid!;
  const candidate = (node: string, violations: number, ...pods: (typeof there)[number][]) => ({
    node,
    victims: { pods: pods.map((each) => new PodInfo(each)), violations },
  });
  const candidates = [candidate('a', 1, there[0]!, there[1]!), candidate('b', 0, there[2]!)];
  const shown = (left: Awaited<ReturnType<Extenders['preempt']>>) =>
    left.map(({ node, victims: { pods, violations } }) => [node, violations, ...names(pods)]);

  it('are told who would leave, and say who may', async () => {
    const asked: object[] = [];
    const ask: Ask = async (verb, body) => {
      asked.push({ verb, body });
      return { NodeNameToMetaVictims: { a: { Pods: [{ UID: uid(1) }], NumPDBViolations: 0 } } };
    };
    const some = extenders(ask, { preemptVerb: 'preempt' });
    expect(some.hasSayInPreemption(pod)).toBe(true);
    expect(shown(await some.preempt(pod, candidates, snapshot))).toEqual([['a', 0, 'a2']]);
    const victims = (...uids: string[]) => uids.map((UID) => ({ UID }));
    expect(asked).toEqual([
      {
        verb: 'preempt',
        body: {
          Pod: pod.pod,
          NodeNameToVictims: null,
          NodeNameToMetaVictims: {
            a: { Pods: victims(uid(0), uid(1)), NumPDBViolations: 1 },
            b: { Pods: victims(uid(2)), NumPDBViolations: 0 },
          },
        },
      },
    ]);
    await extenders(ask, { preemptVerb: 'preempt', nodeCacheCapable: false }).preempt(pod, candidates, snapshot);
    expect(asked[1]).toMatchObject({
      body: { NodeNameToVictims: { b: { Pods: of(uid(2)) } }, NodeNameToMetaVictims: null },
    });
  });

  it.each<[string, object, string]>([
    ['a node without victims', { b: { Pods: [] } }, 'expected at least one victim pod on node "b"'],
    ['a node that is not there', { z: { Pods: [{ UID: 'u' }] } }, 'nodeinfo not found for node name "z"'],
    [
      'a pod that is not there',
      { b: { Pods: [{ UID: 'u' }] } },
      'extender: http://extender claims to preempt pod (UID: u) on node: b, but the pod is not found on that node',
    ],
  ])('that answer with %s fail, or are left out', async (_, NodeNameToMetaVictims, message) => {
    const ask: Ask = async () => ({ NodeNameToMetaVictims });
    const strict = extenders(ask, { preemptVerb: 'preempt' });
    await expect(strict.preempt(pod, candidates, snapshot)).rejects.toThrow(new Error(message));
  });

  it('that fail are left out where they may be, and not asked about pods that are not theirs', async () => {
    const lax = extenders(failing, { preemptVerb: 'preempt', ignorable: true });
    expect(await lax.preempt(pod, candidates, snapshot)).toBe(candidates);
    const other = [{ name: 'example.com/other', ignoredByScheduler: false }];
    expect(extenders(failing, { preemptVerb: 'preempt', managedResources: other }).hasSayInPreemption(pod)).toBe(false);
    expect(extenders(failing).hasSayInPreemption(pod)).toBe(false);
  });
});
