import type { Event } from '@keelson/api/generated/types/core/v1';
import { describe, expect, it } from 'vitest';
import { cellsAt } from '../../columns.ts';
import { makeEventsRegistration } from '../../events/event/index.ts';
import { testContext, texts } from '../../testing.ts';
import { makeEventRegistration } from './index.ts';

const core = makeEventRegistration(3600);
const strict = makeEventsRegistration(3600);
const ctx = testContext();
const event = (rest: Partial<Event> = {}): Event => ({
  metadata: { name: 'a', namespace: 'default' },
  involvedObject: {},
  source: {},
  reportingComponent: '',
  reportingInstance: '',
  ...rest,
});
const newStyle = event({
  eventTime: '2026-01-01T00:00:00.000000Z',
  reportingComponent: 'a.b/c',
  reportingInstance: 'i',
  action: 'act',
  reason: 'why',
  type: 'Normal',
});

describe('Event', () => {
  it.each<[Partial<Event>, string[]]>([
    [{}, []],
    [
      { involvedObject: { namespace: 'x' } },
      ['involvedObject.namespace: Invalid value: "x": does not match event.namespace'],
    ],
    [
      { eventTime: '2026-01-01T00:00:00.000000Z', involvedObject: { namespace: 'elsewhere' } },
      [
        'reportingComponent: Required value',
        'reportingComponent: Invalid value: "": name part must be non-empty',
        `reportingComponent: Invalid value: "": name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')`,
        'reportingInstance: Required value',
        'action: Required value',
        'reason: Required value',
      ],
    ],
  ])('core/v1 %#', (rest, expected) => expect(texts(core.strategy.validate?.(ctx, event(rest)))).toEqual(expected));

  it('is checked strictly through events.k8s.io', () => {
    expect(texts(strict.strategy.validate?.(ctx, newStyle))).toEqual([]);
    expect(texts(strict.strategy.validate?.(ctx, event({ count: 1, series: { count: 1 } })))).toEqual([
      'series.count: Invalid value: "": should be at least 2',
      'series.lastObservedTime: Required value',
      'eventTime: Required value',
      'type: Invalid value: "": has invalid value: ',
      'count: Invalid value: "": needs to be unset',
    ]);
  });

  it('may only grow its series through events.k8s.io', () => {
    const old = { ...newStyle, metadata: { ...newStyle.metadata, resourceVersion: '1' } };
    const series = { count: 2, lastObservedTime: '2026-01-01T00:00:00.000000Z' };
    expect(texts(strict.strategy.validateUpdate?.(ctx, { ...old, series }, old))).toEqual([]);
    const changed = { ...old, reason: 'else', involvedObject: { name: 'x', namespace: 'default' } };
    expect(texts(strict.strategy.validateUpdate?.(ctx, changed, old))).toEqual([
      'involvedObject: Invalid value: {"Kind":"","Namespace":"default","Name":"x","UID":"","APIVersion":"","ResourceVersion":"","FieldPath":""}: field is immutable',
      'reason: Invalid value: "else": field is immutable',
      'reason: Invalid value: "else": field is immutable',
    ]);
  });

  it('is judged as core has it before its metadata is', () => {
    const wrong = { ...newStyle, reportingComponent: '/x', metadata: { ...newStyle.metadata, labels: { a: 'b c' } } };
    const found = texts(strict.strategy.validate?.(ctx, wrong)).map((text) => text.split(':')[0]);
    expect(found).toEqual(['reportingController', 'metadata.labels']);
  });

  it('keeps everything on the way to events.k8s.io and back', () => {
    const conversion = strict.conversions!.v1!;
    const stored = { ...newStyle, message: 'm', kind: 'Event', apiVersion: 'v1' };
    const read = conversion.fromStorage!(structuredClone(stored));
    expect(read).toMatchObject({
      apiVersion: 'events.k8s.io/v1',
      note: 'm',
      reportingController: 'a.b/c',
      regarding: {},
    });
    expect(conversion.toStorage(read)).toEqual(stored);
  });

  it('shows series, singletons and unknown times', () => {
    const times = { creationTimestamp: '2026-01-02T03:00:00Z' };
    const old = event({ metadata: { ...times, name: 'a' }, lastTimestamp: '2026-01-02T03:04:00Z', message: ' m\n' });
    const shown = (e: Event) => cellsAt(core.table!.row(e).cells, ctx.now);
    expect(shown(old)).toEqual(['5s', '', '', '', '', '', 'm', '<unknown>', 1, 'a']);
    const series = { count: 7, lastObservedTime: '2026-01-02T03:04:04.500000Z' };
    const about = { kind: 'Pod', name: 'p', fieldPath: 'x' };
    expect(shown({ ...newStyle, series, involvedObject: about })).toEqual([
      '0s',
      'Normal',
      'why',
      'pod/p',
      'x',
      'a.b/c, i',
      '',
      '27h',
      7,
      'a',
    ]);
  });
});
