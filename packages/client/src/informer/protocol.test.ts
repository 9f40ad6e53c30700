import {
  gone,
  resourceExpired,
  StatusError,
  serviceUnavailable,
  tooManyRequests,
  unauthorized,
} from '@keelson/api/errors';
import type { TypedObject } from '@keelson/api/object';
import { describe, expect, it } from 'vitest';
import { ConnectionError } from '../rest/transport.ts';
import { type Change, type Input, type Phase, type State, start, step } from './protocol.ts';

const object = (name: string, resourceVersion: string, annotations?: Record<string, string>): TypedObject => ({
  metadata: { name, resourceVersion, ...(annotations ? { annotations } : {}) },
});
const event = (type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK', o: TypedObject): Input<TypedObject> => ({
  type: 'event',
  event: { type, object: o },
});
const listed = (resourceVersion: string, ...items: TypedObject[]) =>
  ({ type: 'listed', items, resourceVersion }) as const;
const failed = (error: unknown) => ({ type: 'failed', error }) as const;
const ended = (brief = false) => ({ type: 'ended', brief }) as const;
const resumed = { type: 'resumed' } as const;
const end = event('BOOKMARK', object('', '9', { 'k8s.io/initial-events-end': 'true' }));

const lost = new ConnectionError('broken', 'lost');
const expired = resourceExpired('too old');
const tooLarge = new StatusError(504, 'Timeout', 'Too large resource version: 9, current: 3', {
  causes: [{ reason: 'ResourceVersionTooLarge' }],
});
const unsupported = new StatusError(422, 'Invalid', 'sendInitialEvents is forbidden');

const a = object('a', '1');
const b = object('b', '2');

/** `streaming@5`, `pausing → watching@5` */
function text<T>(state: Phase<T>): string {
  return state.phase === 'pausing' ? `pausing → ${text(state.next)}` : `${state.phase}@${state.resourceVersion}`;
}

const cases: Record<
  string,
  [streams: boolean, ...steps: [Input<TypedObject>, after: string, change?: Change<TypedObject>][]]
> = {
  'a streaming list': [
    true,
    [event('ADDED', a), 'streaming@'],
    [event('ADDED', b), 'streaming@'],
    [event('MODIFIED', object('a', '3')), 'streaming@'],
    [event('DELETED', b), 'streaming@'],
    [event('BOOKMARK', object('', '4')), 'streaming@'],
    [end, 'watching@9', { type: 'replace', items: [object('a', '3')] }],
  ],
  'a list': [false, [listed('7', a, b), 'watching@7', { type: 'replace', items: [a, b] }]],
  'changes move the revision on, bookmarks too': [
    false,
    [listed('7'), 'watching@7', { type: 'replace', items: [] }],
    [event('ADDED', object('a', '8')), 'watching@8', { type: 'put', object: object('a', '8') }],
    [event('MODIFIED', object('a', '9')), 'watching@9', { type: 'put', object: object('a', '9') }],
    [event('DELETED', object('a', '10')), 'watching@10', { type: 'remove', object: object('a', '10') }],
    [event('BOOKMARK', object('', '20')), 'watching@20'],
  ],
  'a watch that ends is resumed, at once or, if it was brief, after a pause': [
    false,
    [listed('7'), 'watching@7', { type: 'replace', items: [] }],
    [ended(), 'watching@7'],
    [ended(true), 'pausing → watching@7'],
    [resumed, 'watching@7'],
  ],
  'a watch that fails is resumed after a pause': [
    false,
    [listed('7'), 'watching@7', { type: 'replace', items: [] }],
    [failed(lost), 'pausing → watching@7'],
    [resumed, 'watching@7'],
    [failed(serviceUnavailable('no')), 'pausing → watching@7'],
  ],
  '410 lists again, not older than what was seen': [
    false,
    [listed('7'), 'watching@7', { type: 'replace', items: [] }],
    [failed(expired), 'pausing → listing@7'],
    [resumed, 'listing@7'],
    [listed('8'), 'watching@8', { type: 'replace', items: [] }],
    [failed(gone('gone')), 'pausing → listing@8'],
  ],
  '410 streams again where the server can': [
    true,
    [end, 'watching@9', { type: 'replace', items: [] }],
    [failed(expired), 'pausing → streaming@9'],
  ],
  'a server that is behind, as after a restore, is taken as it is': [
    false,
    [listed('7'), 'watching@7', { type: 'replace', items: [] }],
    [failed(tooLarge), 'pausing → listing@0'],
  ],
  'a streaming list behind the revision begins anew': [
    true,
    [end, 'watching@9', { type: 'replace', items: [] }],
    [failed(expired), 'pausing → streaming@9'],
    [resumed, 'streaming@9'],
    [failed(tooLarge), 'pausing → streaming@'],
  ],
  'a list at a lost revision asks for the newest state at once, and once': [
    false,
    [failed(expired), 'listing@'],
    [failed(expired), 'pausing → listing@0'],
  ],
  'a list that fails is made again': [false, [failed(lost), 'pausing → listing@0'], [resumed, 'listing@0']],
  'streaming is given up for good where it is invalid': [
    true,
    [failed(unsupported), 'listing@0'],
    [failed(lost), 'pausing → listing@0'],
    [resumed, 'listing@0'],
    [listed('7'), 'watching@7', { type: 'replace', items: [] }],
    [failed(expired), 'pausing → listing@7'],
  ],
  'streaming that is refused otherwise gives way to a list this once': [
    true,
    [failed(unauthorized()), 'listing@0'],
    [failed(unauthorized()), 'pausing → streaming@'],
  ],
  'streaming without an answer, or cut off, begins again': [
    true,
    [event('ADDED', a), 'streaming@'],
    [failed(lost), 'pausing → streaming@'],
    [resumed, 'streaming@'],
    [failed(tooManyRequests('busy', 1)), 'pausing → streaming@'],
    [resumed, 'streaming@'],
    [ended(), 'pausing → streaming@'],
    [resumed, 'streaming@'],
    [end, 'watching@9', { type: 'replace', items: [] }],
  ],
};

describe('protocol', () => {
  for (const [name, [streams, ...steps]] of Object.entries(cases)) {
    it(name, () => {
      let state: State<TypedObject> = start<TypedObject>(streams);
      expect(text(state)).toBe(streams ? 'streaming@' : 'listing@0');
      for (const [input, after, change] of steps) {
        const next = step(state, input);
        expect([text(next.state), next.change]).toEqual([after, change]);
        state = next.state;
      }
    });
  }

  it('refuses what cannot be', () => {
    expect(() => step(start<TypedObject>(false), resumed)).toThrow('resumed while listing');
  });
});
