import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { silent } from '@keelson/client';
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
  new Extenders([{ configuration: configuration(more), ask }], silent);
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
    await extenders(failing).prioritize(pod, nodes, total);
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
