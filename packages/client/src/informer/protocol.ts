/**
 * How a copy of a collection is made and kept up to date, without I/O: states, and what leads from one to the next.
 * Whoever drives it does what the state says (list, watch, pause), tells what came of it, and applies the changes that
 * `step` hands out.
 *
 *                      ┌───────────── refused as invalid (for good), or failed (this once) ─────────────┐
 *     start ──▶ streaming ── bookmark: initial events end ──▶ watching ◀── listed ────────────────── listing ◀── start
 *                 ▲  │                                         │ ▲  │                                 ▲   │   (no streaming)
 *                 │  │ no answer, ended                 ended: ┘ │  │ 410, or the server is           │   │ failed
 *                 │  ▼                        again, from where │  │ behind the revision              │   ▼
 *               pausing ────────────────────── it had come to ──┘  └──▶ pausing ──▶ streaming or listing, pausing
 *
 * The behaviour is client-go's (tools/cache/reflector.go), but for one thing: a watch that fails for any other reason than
 * its revision is taken up where it stopped, not begun with a list.
 */
import { StatusError } from '@keelson/api/errors';
import type { TypedObject } from '@keelson/api/object';
import { isExpired, isRevisionTooLarge } from '../rest/errors.ts';
import type { WatchEvent } from '../rest/resource.ts';
import { storeKey } from './store.ts';

/** What is to be done now. */
export type Phase<T> =
  /** LIST, at this revision or a newer one. `0`: whatever the server has at hand; empty: the newest. */
  | { readonly phase: 'listing'; readonly resourceVersion: string }
  /** WATCH that begins with everything there is. `arrived` is filled in place. */
  | { readonly phase: 'streaming'; readonly resourceVersion: string; readonly arrived: Map<string, T> }
  /** WATCH from this revision. */
  | { readonly phase: 'watching'; readonly resourceVersion: string }
  /** Wait, longer each time; then go on. */
  | { readonly phase: 'pausing'; readonly next: Phase<T> };

export type State<T> = Phase<T> & {
  /** Whether the server can stream the initial state. */
  readonly streams: boolean;
  /** The last revision seen; empty before the first. */
  readonly last: string;
};

export type Input<T> =
  | { readonly type: 'listed'; readonly items: readonly T[]; readonly resourceVersion: string }
  | { readonly type: 'event'; readonly event: WatchEvent<T> }
  /** The server ended the watch. `brief`: at once, without an event. */
  | { readonly type: 'ended'; readonly brief: boolean }
  | { readonly type: 'failed'; readonly error: unknown }
  /** The pause is over. */
  | { readonly type: 'resumed' };

/** What is to be done to the copy. */
export type Change<T> =
  | { readonly type: 'replace'; readonly items: readonly T[] }
  | { readonly type: 'put'; readonly object: T }
  | { readonly type: 'remove'; readonly object: T };

export interface Step<T> {
  readonly state: State<T>;
  readonly change?: Change<T>;
}

/** The annotation of the bookmark behind the initial events (meta/v1 InitialEventsAnnotationKey). */
const INITIAL_EVENTS_END = 'k8s.io/initial-events-end';

/** @param streams whether to try a streaming list first */
export function start<T>(streams: boolean): State<T> {
  return { ...fromScratch<T>(streams, ''), streams, last: '' };
}

/** @throws Error for an input that the state does not await: the driver is wrong */
export function step<T extends TypedObject>(state: State<T>, input: Input<T>): Step<T> {
  switch (state.phase) {
    case 'listing':
      if (input.type === 'listed')
        return { state: watching(state, input.resourceVersion), change: replace(input.items) };
      if (input.type === 'failed') return { state: listingFailed(state, input.error) };
      break;
    case 'streaming':
      if (input.type === 'event') return arrives(state, state.arrived, input.event);
      if (input.type === 'ended') return { state: pause(state, fromScratch(state.streams, state.last)) };
      if (input.type === 'failed') return { state: streamingFailed(state, input.error) };
      break;
    case 'watching':
      if (input.type === 'event') return changes(state, input.event);
      if (input.type === 'ended') return { state: input.brief ? pause(state, watching(state, state.last)) : state };
      if (input.type === 'failed') return { state: watchFailed(state, input.error) };
      break;
    case 'pausing':
      if (input.type === 'resumed') return { state: go(state, state.next) };
  }
  throw new Error(`${input.type} while ${state.phase}`);
}

function listingFailed<T>(state: State<T>, error: unknown): State<T> {
  const lost = isExpired(error) || isRevisionTooLarge(error);
  if (lost && state.phase === 'listing' && state.resourceVersion !== '') {
    return go(state, { phase: 'listing', resourceVersion: '' });
  }
  return pause(state, fromScratch(state.streams, lost ? '' : state.last));
}

function streamingFailed<T>(state: State<T>, error: unknown): State<T> {
  if (isExpired(error) || isRevisionTooLarge(error)) return pause(state, fromScratch(state.streams, ''));
  if (!(error instanceof StatusError) || error.code === 429)
    return pause(state, fromScratch(state.streams, state.last));
  const streams = state.streams && error.code !== 400 && error.code !== 422;
  return { ...go(state, listing(state.last)), streams };
}

function watchFailed<T>(state: State<T>, error: unknown): State<T> {
  if (isExpired(error)) return pause(state, fromScratch(state.streams, state.last));
  if (isRevisionTooLarge(error)) return pause(state, fromScratch(state.streams, ''));
  return pause(state, watching(state, state.last));
}

function arrives<T extends TypedObject>(state: State<T>, arrived: Map<string, T>, event: WatchEvent<T>): Step<T> {
  const { type, object } = event;
  if (type === 'DELETED') arrived.delete(storeKey(object));
  else if (type !== 'BOOKMARK') arrived.set(storeKey(object), object);
  else if (object.metadata.annotations?.[INITIAL_EVENTS_END] === 'true') {
    const { resourceVersion = '' } = object.metadata;
    return { state: watching(state, resourceVersion), change: replace([...arrived.values()]) };
  }
  return { state };
}

function changes<T extends TypedObject>(state: State<T>, { type, object }: WatchEvent<T>): Step<T> {
  const next = watching(state, object.metadata.resourceVersion || state.last);
  if (type === 'BOOKMARK') return { state: next };
  return { state: next, change: { type: type === 'DELETED' ? 'remove' : 'put', object } };
}

function replace<T>(items: readonly T[]): Change<T> {
  return { type: 'replace', items };
}

function listing<T>(last: string): Phase<T> {
  return { phase: 'listing', resourceVersion: last === '' ? '0' : last };
}

/** @param last what the new copy must not be older than */
function fromScratch<T>(streams: boolean, last: string): Phase<T> {
  return streams ? { phase: 'streaming', resourceVersion: last, arrived: new Map() } : listing(last);
}

function watching<T>(state: State<T>, resourceVersion: string): State<T> {
  return { phase: 'watching', resourceVersion, last: resourceVersion, streams: state.streams };
}

function pause<T>(state: State<T>, next: Phase<T>): State<T> {
  return { phase: 'pausing', next, streams: state.streams, last: state.last };
}

function go<T>({ streams, last }: State<T>, next: Phase<T>): State<T> {
  return { ...next, streams, last };
}
