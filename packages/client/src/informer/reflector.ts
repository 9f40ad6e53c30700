/** Drives the protocol: makes the requests that its state asks for, and hands changes on. */
import type { TypedObject } from '@keelson/api/object';
import { Backoff } from '../backoff.ts';
import type { ResourceClient, Selecting } from '../rest/resource.ts';
import { sleep, type World } from '../world.ts';
import { type Change, type Input, type State, start, step } from './protocol.ts';

export interface ReflectorOptions<T> extends Selecting {
  readonly resource: ResourceClient<T & object>;
  readonly world: World;
  /** Whether to try a streaming list first. */
  readonly streaming: boolean;
  /** Takes a change; the next one comes when it is done. */
  readonly apply: (change: Change<T>) => void | Promise<void>;
}

/** As client-go: the server ends a watch after five to ten minutes. */
const WATCH_SECONDS = 300;
const BRIEF_MS = 1000;
const PAGE = 500;
const BACKOFF = { firstMs: 800, maxMs: 30_000, resetMs: 120_000 };

/** Runs until the signal is aborted; never throws. */
export async function reflect<T extends TypedObject>(options: ReflectorOptions<T>, signal: AbortSignal): Promise<void> {
  const backoff = new Backoff(BACKOFF, options.world);
  let state = start<T>(options.streaming);
  const tell = (input: Input<T>): void | Promise<void> => {
    const next = step(state, input);
    state = next.state;
    return next.change && options.apply(next.change);
  };
  while (!signal.aborted) {
    try {
      if (state.phase === 'listing') await tell(await list(options, state.resourceVersion, signal));
      else if (state.phase === 'pausing') {
        await sleep(options.world.clock, backoff.next(), signal);
        await tell({ type: 'resumed' });
      } else await tell(await watch(options, state, tell, signal));
    } catch (error) {
      if (signal.aborted) return;
      const { resource } = options.resource.definition;
      options.world.log.warn({ resource, phase: state.phase, error }, 'Could not list or watch');
      await tell({ type: 'failed', error });
    }
  }
}

async function list<T extends TypedObject>(
  { resource, namespace, labelSelector, fieldSelector }: ReflectorOptions<T>,
  resourceVersion: string,
  signal: AbortSignal,
): Promise<Input<T>> {
  const selecting = { namespace, labelSelector, fieldSelector, signal };
  // A server answers from its cache, without pages, where a revision is given; the newest state comes in pages.
  if (resourceVersion !== '') {
    const { items, metadata } = await resource.list({ ...selecting, resourceVersion });
    return { type: 'listed', items, resourceVersion: metadata.resourceVersion ?? '' };
  }
  const items: T[] = [];
  let revision = '';
  for await (const page of resource.pages({ ...selecting, limit: PAGE })) {
    for (const item of page.items) items.push(item);
    revision = page.metadata.resourceVersion ?? '';
  }
  return { type: 'listed', items, resourceVersion: revision };
}

async function watch<T extends TypedObject>(
  { resource, namespace, labelSelector, fieldSelector, world }: ReflectorOptions<T>,
  { phase, resourceVersion }: State<T> & { phase: 'streaming' | 'watching' },
  tell: (input: Input<T>) => void | Promise<void>,
  signal: AbortSignal,
): Promise<Input<T>> {
  const begun = world.clock.now();
  let quiet = true;
  const events = resource.watch({
    namespace,
    labelSelector,
    fieldSelector,
    signal,
    resourceVersion,
    allowWatchBookmarks: true,
    timeoutSeconds: Math.floor(WATCH_SECONDS * (1 + world.random())),
    ...(phase === 'streaming' ? { sendInitialEvents: true, resourceVersionMatch: 'NotOlderThan' } : {}),
  });
  for await (const event of events) {
    quiet = false;
    const applied = tell({ type: 'event', event });
    if (applied) await applied;
  }
  return { type: 'ended', brief: quiet && world.clock.now() - begun < BRIEF_MS };
}
