import { ManualClock } from '@keelson/api/clock';
import { expect, it, vi } from 'vitest';
import type { WatchBatch } from '../store.ts';
import type { Connection } from './connection.ts';
import type { WatchRequest, WatchResponse } from './messages.ts';
import { WatchStream } from './watch-stream.ts';

/** A stream whose other end is the test. */
class FakeStream {
  readonly requests: WatchRequest[] = [];
  readonly tell: (response: WatchResponse) => void;
  readonly end: () => void;

  constructor(tell: (response: WatchResponse) => void, end: () => void) {
    this.tell = tell;
    this.end = end;
  }

  write(request: WatchRequest): void {
    this.requests.push(request);
  }

  cancel(): void {}

  answer(watch_id: number, revision: number, rest: Partial<WatchResponse> = {}): void {
    const header = { revision };
    const nothing = { created: false, canceled: false, compact_revision: 0, cancel_reason: '', fragment: false };
    this.tell({ header, watch_id, ...nothing, events: [], ...rest });
  }

  /** What was asked for, in short: `create 1 from 5`, `cancel 1`, `progress`. */
  get asked(): string[] {
    return this.requests.splice(0).map((request) => {
      if ('create_request' in request) {
        return `create ${request.create_request.watch_id} from ${request.create_request.start_revision}`;
      }
      return 'cancel_request' in request ? `cancel ${request.cancel_request.watch_id}` : 'progress';
    });
  }
}

const setUp = (afterTurn = (work: () => void) => work()) => {
  const clock = new ManualClock(1_800_000_000_000);
  const streams: FakeStream[] = [];
  const connection = {
    endpoint: 'http://etcd',
    failOver: () => undefined,
    stream: (_method: unknown, tell: (response: WatchResponse) => void, end: () => void) => {
      streams.push(new FakeStream(tell, end));
      return streams.at(-1);
    },
  } as unknown as Connection;
  const toEvent = ({ kv }: WatchResponse['events'][number]) => ({
    type: 'delete' as const,
    key: String(kv.key),
    modRevision: kv.mod_revision as number,
  });
  const watches = new WatchStream(connection, clock, toEvent, afterTurn);
  const watch = (fromRevision: number) => {
    const told: string[] = [];
    const errors: Error[] = [];
    const onBatch = ({ events, revision }: WatchBatch) =>
      told.push(`${events.map((event) => (event.type === 'delete' ? event.modRevision : '')).join('+')}@${revision}`);
    const onError = (error: Error) => errors.push(error);
    const { close, confirmed } = watches.watch(Buffer.from('a'), Buffer.from('b'), {
      prefix: 'a',
      fromRevision,
      onBatch,
      onError,
    });
    return { told, errors, close, confirmed };
  };
  return { clock, streams, watches, watch };
};

const events = (...revisions: number[]) =>
  revisions.map((mod_revision) => ({ type: 1 as const, kv: { key: Buffer.from('a'), mod_revision } })) as never;

it('puts the pieces of an answer together', () => {
  const { streams, watch } = setUp();
  const { told } = watch(5);
  const [stream] = streams;
  stream!.answer(1, 9, { created: true });
  stream!.answer(1, 9, { events: events(5, 6), fragment: true });
  stream!.answer(1, 9, { events: events(7), fragment: true });
  expect(told).toEqual([]);
  stream!.answer(1, 9, { events: events(8) });
  expect(told).toEqual(['5+6+7+8@8']);
});

it('tells of what came in a turn after it, and not at all when the stream broke meanwhile', () => {
  const later: (() => void)[] = [];
  const { clock, streams, watch } = setUp((work) => later.push(work));
  const { told } = watch(5);
  const endTurn = () => {
    for (const work of later.splice(0)) work();
  };
  streams[0]!.answer(1, 6, { events: events(5) });
  streams[0]!.answer(1, 6, { events: events(6) });
  expect(told).toEqual([]);
  endTurn();
  expect(told).toEqual(['5@5', '6@6']);
  streams[0]!.answer(1, 7, { events: events(7) });
  streams[0]!.end();
  endTurn();
  clock.advance(50);
  streams[1]!.answer(1, 7, { events: events(7) });
  endTurn();
  expect(told).toEqual(['5@5', '6@6', '7@7']);
});

it('goes on after the last whole answer when the stream breaks', () => {
  const { clock, streams, watch } = setUp();
  const { told } = watch(5);
  const other = watch(3);
  expect(streams[0]!.asked).toEqual(['create 1 from 5', 'create 2 from 2']);
  streams[0]!.answer(1, 9, { events: events(5, 6) });
  streams[0]!.answer(1, 9, { events: events(7), fragment: true });
  streams[0]!.end();
  streams[0]!.end();
  other.close();
  streams[0]!.answer(1, 9, { events: events(8) });
  clock.advance(50);
  expect(streams.length).toBe(2);
  expect(streams[1]!.asked).toEqual(['create 1 from 7']);
  streams[1]!.answer(1, 9, { events: events(6, 7, 8) });
  expect(told).toEqual(['5+6@6', '7+8@8']);
});

it('asks for progress until it is told, and resumes from there', () => {
  const { clock, streams, watches, watch } = setUp();
  const { told } = watch(5);
  streams[0]!.answer(1, 9, { created: true });
  watches.requestProgress(9);
  clock.advance(250);
  expect(streams[0]!.asked).toEqual(['create 1 from 5', 'progress', 'progress', 'progress']);
  streams[0]!.answer(-1, 9);
  expect(told).toEqual(['@9']);
  clock.advance(1000);
  expect(streams[0]!.asked).toEqual([]);
  streams[0]!.end();
  clock.advance(50);
  expect(streams[1]!.asked).toEqual(['create 1 from 10']);
});

it('goes elsewhere when a member says nothing at all, but not when it only has nothing to say of progress', () => {
  const { clock, streams, watches, watch } = setUp();
  const { told } = watch(5);
  streams[0]!.answer(1, 9, { created: true });
  clock.advance(60_000);
  watches.requestProgress(9);
  clock.advance(4900);
  streams[0]!.answer(1, 9, { events: events(5) });
  clock.advance(5000);
  expect(streams.length).toBe(1);
  clock.advance(300);
  expect(streams.length).toBe(2);
  expect(streams[1]!.asked).toEqual(['create 1 from 6', 'progress', 'progress']);
  streams[1]!.answer(1, 9, { created: true });
  streams[1]!.answer(-1, 10);
  expect(told).toEqual(['5@5', '@10']);
});

it('asks on where the answer is to an earlier request', () => {
  const { clock, streams, watches, watch } = setUp();
  const { told } = watch(5);
  streams[0]!.answer(1, 9, { created: true });
  watches.requestProgress(9);
  watches.requestProgress(11);
  streams[0]!.answer(-1, 9);
  streams[0]!.answer(-1, 10);
  expect(told).toEqual(['@9', '@10']);
  expect(streams[0]!.asked).toEqual(['create 1 from 5', 'progress', 'progress']);
  clock.advance(100);
  expect(streams[0]!.asked).toEqual(['progress']);
  streams[0]!.answer(-1, 12);
  clock.advance(1000);
  expect(told).toEqual(['@9', '@10', '@12']);
  expect(streams[0]!.asked).toEqual([]);
});

it('starts at the revision itself where the one before it is compacted', () => {
  const { streams, watch } = setUp();
  watch(3);
  const { told, errors } = watch(10);
  streams[0]!.answer(2, 12, { canceled: true, compact_revision: 10 });
  expect(streams[0]!.asked).toEqual(['create 1 from 3', 'create 2 from 9', 'cancel 2', 'create 3 from 10']);
  streams[0]!.answer(3, 12, { events: events(10, 11) });
  expect(told).toEqual(['10+11@11']);
  expect(errors).toEqual([]);
});

it('starts one revision early where others stand elsewhere, and says nothing of what it was not asked for', () => {
  const { streams, watch } = setUp();
  watch(12);
  watch(12);
  const { told } = watch(10);
  expect(streams[0]!.asked).toEqual(['create 1 from 12', 'create 2 from 12', 'create 3 from 9']);
  streams[0]!.answer(3, 9, { events: events(9) });
  expect(told).toEqual([]);
  streams[0]!.answer(3, 10, { events: events(9, 10) });
  expect(told).toEqual(['10@10']);
  expect(watch(1).told).toEqual([]);
  expect(streams[0]!.asked).toEqual(['create 4 from 1']);
});

it('asks for no progress to where all are', () => {
  const { streams, watches, watch } = setUp();
  watch(10);
  watches.requestProgress(9);
  expect(streams[0]!.asked).toEqual(['create 1 from 10']);
  watches.requestProgress(10);
  streams[0]!.answer(1, 9, { created: true });
  expect(streams[0]!.asked).toEqual(['progress', 'progress']);
});

it.each([
  ['confirmed', (stream: FakeStream) => stream.answer(1, 9, { created: true })],
  ['ended', (stream: FakeStream) => stream.answer(1, 9, { canceled: true, cancel_reason: 'permission denied' })],
  ['closed', (_: FakeStream, close: () => void) => close()],
])('says when a watch is %s', async (_, happen) => {
  const { streams, watch } = setUp();
  const { confirmed, close } = watch(10);
  const isConfirmed = vi.fn();
  confirmed!.then(isConfirmed);
  await Promise.resolve();
  expect(isConfirmed).not.toHaveBeenCalled();
  happen(streams[0]!, close);
  await confirmed;
});

it('asks for progress once for all who want it in one turn, and for all who are confirmed in it', () => {
  const later: (() => void)[] = [];
  const { streams, watches, watch } = setUp((work) => later.push(work));
  const endTurn = () => {
    for (const work of later.splice(0)) work();
  };
  const all = [watch(10), watch(10), watch(10)];
  const [stream] = streams;
  expect(stream!.asked).toHaveLength(3);
  watches.requestProgress(10);
  watches.requestProgress(12);
  expect(stream!.asked).toEqual([]);
  endTurn();
  expect(stream!.asked).toEqual(['progress']);
  for (const id of [1, 2, 3]) stream!.answer(id, 9, { created: true });
  endTurn();
  expect(stream!.asked).toEqual([]);
  endTurn();
  expect(stream!.asked).toEqual(['progress']);
  stream!.answer(-1, 12);
  endTurn();
  expect(all.map(({ told }) => told)).toEqual([['@12'], ['@12'], ['@12']]);
});

it('does not take progress from before a watch existed for its own', () => {
  const { streams, watches, watch } = setUp();
  const first = watch(10);
  streams[0]!.answer(1, 10, { created: true });
  watches.requestProgress(10);
  // The answer to that is on its way while the second watch, which has events to catch up with, is asked for.
  const second = watch(3);
  watches.requestProgress(10);
  streams[0]!.answer(2, 10, { created: true });
  streams[0]!.answer(-1, 10);
  expect(first.told).toEqual(['@10']);
  expect(second.told).toEqual([]);
  streams[0]!.answer(2, 9, { events: events(4, 8) });
  expect(second.told).toEqual(['4+8@8']);
  streams[0]!.answer(-1, 10);
  expect(second.told).toEqual(['4+8@8', '@10']);
});

it('takes the answer to what was asked after the watch, however many requests were under way at its confirmation', () => {
  const { streams, watches, watch } = setUp();
  const { told } = watch(10);
  for (let i = 0; i < 20; i++) watches.requestProgress(10);
  streams[0]!.answer(1, 10, { created: true });
  streams[0]!.answer(-1, 10);
  expect(told).toEqual(['@10']);
});

it('takes no answer that has overtaken the confirmation', () => {
  const { streams, watches, watch } = setUp();
  const { told } = watch(10);
  watches.requestProgress(10);
  streams[0]!.answer(-1, 10);
  expect(told).toEqual([]);
  streams[0]!.answer(1, 10, { created: true });
  expect(streams[0]!.asked).toEqual(['create 1 from 10', 'progress', 'progress']);
  streams[0]!.answer(-1, 10);
  expect(told).toEqual(['@10']);
});

it('takes progress to a revision that is newer than the watch', () => {
  const { streams, watches, watch } = setUp();
  watch(10);
  streams[0]!.answer(1, 9, { created: true });
  watches.requestProgress(9);
  const { told } = watch(3);
  watches.requestProgress(9);
  streams[0]!.answer(2, 9, { created: true });
  streams[0]!.answer(-1, 12);
  expect(told).toEqual(['@12']);
});

it('reports why etcd ended a watch, and leaves the others alone', () => {
  const { streams, watch } = setUp();
  const compacted = watch(3);
  const denied = watch(4);
  const fine = watch(5);
  streams[0]!.answer(1, 9, { canceled: true, compact_revision: 7 });
  streams[0]!.answer(2, 9, { canceled: true, cancel_reason: 'permission denied' });
  streams[0]!.answer(3, 9, { events: events(9) });
  expect(compacted.errors).toMatchObject([{ name: 'CompactedError', compactedRevision: 7 }]);
  expect(denied.errors).toMatchObject([
    { name: 'StoreUnavailableError', message: 'etcd at http://etcd ended the watch: permission denied' },
  ]);
  expect(fine.told).toEqual(['9@9']);
});
