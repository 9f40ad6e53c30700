import { ManualClock } from '@keelson/api/clock';
import { expect, it } from 'vitest';
import type { AuditEvent } from './event.ts';
import { auditSink } from './sink.ts';

const event = (name: string): AuditEvent => ({
  level: 'Metadata',
  stage: 'ResponseComplete',
  json: () => name,
  item: () => name,
  withoutBodies: () => event(name),
  legacy: () => name,
});
const settled = () => new Promise((resolve) => setImmediate(resolve));

it.each(Array.from({ length: 12 }, (_, steps) => [steps]))(
  'an event that comes %i steps behind the end of a batch waits for no other',
  async (steps) => {
    const kept: string[] = [];
    const sink = auditSink({
      backend: {
        name: 'log',
        concurrent: false,
        encode: (each) => each.item(),
        send: async (events) => void kept.push(...events),
        close: async () => {},
      },
      mode: 'batch',
      batch: { bufferSize: 10, maxSize: 1, maxWaitMs: 30_000 },
      clock: new ManualClock(),
      onLost: (_, error) => {
        throw error;
      },
    });
    await sink.process(event('first'));
    for (let i = 0; i < steps; i++) await Promise.resolve();
    await sink.process(event('second'));
    await settled();
    expect(kept).toEqual(['first', 'second']);
    await sink.close();
  },
);
