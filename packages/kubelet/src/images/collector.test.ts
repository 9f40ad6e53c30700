import type { EventRecorder } from '@keelson/client';
import { manualWorld } from '@keelson/client/testing/world';
import { describe, expect, it } from 'vitest';
import { nodeReference } from '../node/agent.ts';
import type { Image } from '../runtime/images.ts';
import type { PodListing } from '../runtime/runtime.ts';
import { IMAGE_COLLECTION, type ImageCollectionPolicy, ImageCollector } from './collector.ts';

const MINUTE = 60_000;
const GIB = 2 ** 30;

const image = (id: string, size = 10, more: Partial<Image> = {}): Image => ({
  id,
  tags: [`${id}:1`],
  digests: [],
  size,
  username: '',
  pinned: false,
  ...more,
});

function collectorOf(policy: Partial<ImageCollectionPolicy> = {}) {
  const world = manualWorld();
  const images = new Map<string, Image>();
  const disk = { capacityBytes: 100, availableBytes: 50 };
  const broken = new Set<string>();
  const events: string[] = [];
  const recorder: EventRecorder = {
    event: (_about, type, reason, text) => void events.push(`${type} ${reason}: ${text}`),
  };
  const removed: string[] = [];
  let running: string[] = [];
  let mounted: string[] = [];
  const collector = new ImageCollector({
    runtime: {
      images: async () => [...images.values()],
      list: async () => [{ containers: running.map((imageId) => ({ imageId })) } as unknown as PodListing],
      removeImage: async ({ image: id }) => {
        if (broken.has(id)) throw new Error(`no ${id}`);
        disk.availableBytes += images.get(id)!.size;
        images.delete(id);
        removed.push(id);
      },
    },
    world,
    recorder,
    node: nodeReference('n1'),
    policy: { ...IMAGE_COLLECTION, ...policy },
    filesystem: async () => disk,
    mounted: () => mounted,
  });
  return {
    world,
    collector,
    disk,
    broken,
    events,
    removed,
    has: (...all: Image[]) => {
      for (const each of all) images.set(each.id, each);
    },
    use: (...ids: string[]) => (running = ids),
    mount: (...references: string[]) => (mounted = references),
  };
}

describe('ImageCollector', () => {
  it('leaves images alone while there is room', async () => {
    const { collector, has, world, removed } = collectorOf();
    has(image('a'));
    await collector.detect();
    await world.pass(10 * MINUTE);
    await collector.collect();
    expect(removed).toEqual([]);
  });

  it('removes what was not used for longest, down to the low threshold', async () => {
    const { collector, has, use, disk, world, removed } = collectorOf();
    has(image('a', 4), image('b', 4), image('c', 4), image('d', 4));
    use('c', 'a');
    await collector.detect();
    await world.pass(10 * MINUTE);
    use('a');
    await collector.detect();
    await world.pass(10 * MINUTE);
    use();
    disk.availableBytes = 12;
    await collector.collect();
    // 80 % are to be in use: 8 have to be freed.
    expect(removed).toEqual(['b', 'd']);
    disk.availableBytes = 15;
    await collector.collect();
    expect(removed).toEqual(['b', 'd', 'c', 'a']);
  });

  it.each([
    ['that a container uses', image('a'), (node: ReturnType<typeof collectorOf>) => node.use('a')],
    ['that a pod mounts', image('a'), (node: ReturnType<typeof collectorOf>) => node.mount('a:1')],
    ['that the runtime has pinned', image('a', 10, { pinned: true }), () => {}],
  ])('never removes one %s', async (_what, one, given) => {
    const node = collectorOf({ maximumAgeMs: 10 * MINUTE });
    node.has(one);
    given(node);
    await node.collector.detect();
    await node.world.pass(60 * MINUTE);
    node.disk.availableBytes = 1;
    await expect(node.collector.collect()).rejects.toThrow('freed 0 bytes');
    await node.collector.removeUnused();
    expect(node.removed).toEqual([]);
  });

  it('lets a new one grow as old as the minimum', async () => {
    const { collector, has, world, removed } = collectorOf();
    has(image('a'));
    await collector.removeUnused();
    await world.pass(119_000);
    await collector.removeUnused();
    expect(removed).toEqual([]);
    await world.pass(1_000);
    await collector.removeUnused();
    expect(removed).toEqual(['a']);
  });

  it('removes what is older than the maximum, once it has run for so long', async () => {
    const { collector, has, use, world, removed } = collectorOf({ maximumAgeMs: 60 * MINUTE });
    has(image('never'), image('once'));
    use('once');
    await collector.detect();
    use();
    await world.pass(60 * MINUTE);
    await collector.collect();
    expect(removed).toEqual([]);
    await world.pass(1);
    await collector.collect();
    expect(removed).toEqual(['never', 'once']);
  });

  it('says what is wrong, from the second time on', async () => {
    const { collector, has, disk, world, events, broken } = collectorOf({ maximumAgeMs: 60 * MINUTE });
    Object.assign(disk, { capacityBytes: 10 * GIB, availableBytes: GIB });
    await collector.collectAndTell();
    const full =
      "Insufficient free disk space on the node's image filesystem (90% of 10.0 GiB used). Failed to free sufficient space by deleting unused images (freed 0 bytes). Investigate disk usage, as it could be used by active images, logs, volumes, or other data.";
    expect(events.splice(0)).toEqual([`Warning FreeDiskSpaceFailed: ${full}`]);
    await collector.collectAndTell();
    expect(events.splice(0)).toEqual([`Warning FreeDiskSpaceFailed: ${full}`, `Warning ImageGCFailed: ${full}`]);
    has(image('a'), image('b'), image('c', 5));
    await collector.detect();
    await world.pass(30 * MINUTE);
    broken.add('a').add('b');
    await collector.collectAndTell();
    expect(events.splice(0)).toEqual([
      `Warning ImageGCFailed: wanted to free ${GIB} bytes, but freed 5 bytes space with errors in image deletion: [no a, no b]`,
    ]);
    await world.pass(31 * MINUTE);
    await collector.collectAndTell();
    expect(events.splice(0)).toEqual([
      'Warning ImageGCFailed: wanted to free images older than 1h0m0s, encountered errors in image deletion: [no a, no b]',
    ]);
    broken.clear();
    disk.availableBytes = 5 * GIB;
    await collector.collectAndTell();
    disk.capacityBytes = 0;
    await collector.collectAndTell();
    expect(events).toEqual(['Warning InvalidDiskCapacity: invalid capacity 0 on image filesystem']);
  });

  it.each([
    [{ highThresholdPercent: 100 }, false],
    [{ highThresholdPercent: 100, maximumAgeMs: 1 }, true],
    [{}, true],
  ])('%j is on: %s', (policy, isOn) => expect(collectorOf(policy).collector.isOn).toBe(isOn));
});
