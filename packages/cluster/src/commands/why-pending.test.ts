import type { Explanation } from '@keelson/scheduler';
import { describe, expect, it } from 'vitest';
import { show } from './why-pending.ts';

const no = (plugin: string, ...reasons: string[]) => ({
  plugin,
  rejection: { plugin, code: 'Unschedulable' as const, reasons },
});

describe('keelson why-pending', () => {
  it('a row for each filter that says no', () => {
    const explanation: Explanation = {
      schedulerName: 'default-scheduler',
      isOurs: true,
      message: '0/2 nodes are available: 1 Insufficient cpu, 1 node(s) were unschedulable.',
      preemptsOn: 'a',
      nodes: [
        {
          node: 'b',
          fits: false,
          filters: [
            no('NodeUnschedulable', 'node(s) were unschedulable'),
            no('NodeResourcesFit', 'Insufficient cpu', 'Insufficient memory'),
          ],
        },
        {
          node: 'a',
          fits: false,
          filters: [{ plugin: 'NodeUnschedulable' }, no('NodeResourcesFit', 'Insufficient cpu')],
        },
      ],
    };
    expect(show('default/web', explanation)).toBe(
      [
        'default/web fits nowhere: 0/2 nodes are available: 1 Insufficient cpu, 1 node(s) were unschedulable.',
        'Others would leave node a for it.',
        '',
        'NODE  FITS  FILTER             WHY',
        'a     no    NodeResourcesFit   Insufficient cpu',
        'b     no    NodeUnschedulable  node(s) were unschedulable',
        '            NodeResourcesFit   Insufficient cpu, Insufficient memory',
        '',
      ].join('\n'),
    );
  });

  it('nodes that will do come by score', () => {
    const node = (name: string, total: number) => ({
      node: name,
      fits: true,
      filters: [],
      total,
      scores: new Map([['ImageLocality', total]]),
    });
    const explanation = { schedulerName: 's', isOurs: true, nodes: [node('a', 5), node('b', 7)] };
    expect(show('default/web', explanation)).toBe(
      [
        'default/web would fit on 2 of 2 nodes: the scheduler has not come to it yet.',
        '',
        'NODE  FITS  FILTER  WHY',
        'b     yes           score 7: ImageLocality 7',
        'a     yes           score 5: ImageLocality 5',
        '',
      ].join('\n'),
    );
  });

  it('other schedulers and gates', () => {
    const other = { schedulerName: 'other', isOurs: false, nodes: [] };
    expect(show('default/web', other)).toContain('asks for the scheduler "other"');
    const gate = {
      plugin: 'SchedulingGates',
      code: 'UnschedulableAndUnresolvable' as const,
      reasons: ['waiting for scheduling gates: [a]'],
    };
    const gated = { schedulerName: 's', isOurs: true, gate, nodes: [{ node: 'a', fits: true, filters: [] }] };
    expect(show('default/web', gated)).toContain(
      'is kept back: waiting for scheduling gates: [a].\ndefault/web would fit on 1 of 1 nodes.',
    );
  });
});
