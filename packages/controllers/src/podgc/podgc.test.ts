import type { Node, Pod } from '@keelson/api/generated/types/core/v1';
import { describe, expect, it } from 'vitest';
import { onMissingNodes, stuckOutOfService, terminatedBeyond, unscheduledTerminating } from './decide.ts';

let age = 0;
const pod = (name: string, phase: string, node?: string, more: { leaving?: boolean; reason?: string } = {}): Pod => ({
  metadata: {
    name,
    creationTimestamp: `2026-01-01T00:00:${String(age++ % 60).padStart(2, '0')}Z`,
    ...(more.leaving ? { deletionTimestamp: '2026-01-01T00:10:00Z' } : {}),
  },
  spec: { containers: [], ...(node ? { nodeName: node } : {}) },
  status: { phase, ...(more.reason ? { reason: more.reason } : {}) },
});
const names = (pods: readonly Pod[]) => pods.map(({ metadata }) => metadata.name);
const node = (ready: string, taint?: string): Node => ({
  metadata: {},
  spec: taint ? { taints: [{ key: taint, effect: 'NoExecute' }] } : {},
  status: { conditions: [{ type: 'Ready', status: ready }] } as Node['status'],
});

describe('pods that nobody else deletes', () => {
  it('terminated: beyond the threshold, evicted ones first, then the oldest', () => {
    const pods = [
      pod('old', 'Succeeded'),
      pod('run', 'Running'),
      pod('new', 'Failed'),
      pod('evicted', 'Failed', 'n', { reason: 'Evicted' }),
    ];
    expect(names(terminatedBeyond(pods, 1))).toEqual(['evicted', 'old']);
    expect(names(terminatedBeyond(pods, 3))).toEqual([]);
    expect(names(terminatedBeyond(pods, 0))).toEqual([]);
  });

  it('leaving, on a node out of service', () => {
    const out = 'node.kubernetes.io/out-of-service';
    const nodes: Record<string, Node> = { out: node('Unknown', out), back: node('True', out), down: node('Unknown') };
    const pods = ['out', 'back', 'down', 'gone'].flatMap((on) => [
      pod(`${on}-leaves`, 'Running', on, { leaving: true }),
      pod(`${on}-stays`, 'Running', on),
    ]);
    expect(names(stuckOutOfService(pods, (name) => nodes[name]))).toEqual(['out-leaves']);
  });

  it('leaving, without a node; and those of nodes that are missing', () => {
    const pods = [
      pod('a', 'Pending', undefined, { leaving: true }),
      pod('b', 'Pending'),
      pod('c', 'Running', 'gone'),
      pod('d', 'Running', 'here'),
    ];
    expect(names(unscheduledTerminating(pods))).toEqual(['a']);
    expect([...onMissingNodes(pods, (name) => name === 'here')].map(([on, bound]) => [on, names(bound)])).toEqual([
      ['gone', ['c']],
    ]);
  });
});
