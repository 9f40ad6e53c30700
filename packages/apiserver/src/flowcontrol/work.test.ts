import { describe, expect, it } from 'vitest';
import { parseRequestInfo } from '../requestinfo.ts';
import { DroppedRequests } from './dropped.ts';
import { WatchTracker } from './watches.ts';
import { WorkEstimator } from './work.ts';

const info = (url: string, method = 'GET') => parseRequestInfo(method, url);

describe('seats of reads', () => {
  // 10,000 objects of 2 kB.
  const estimator = new WorkEstimator(
    ({ resource }) => (resource === 'pods' ? { count: 10_000, bytes: 20_000_000 } : undefined),
    new WatchTracker(),
  );
  it.each([
    ['/api/v1/namespaces/a/pods/p', 1],
    ['/api/v1/pods', 10],
    ['/api/v1/pods?limit=10', 1],
    ['/api/v1/pods?limit=300', 6],
    ['/api/v1/pods?limit=300&continue=x', 6],
    ['/api/v1/pods?resourceVersion=5&resourceVersionMatch=Exact', 100],
    ['/api/v1/pods?resourceVersion=5&resourceVersionMatch=Exact&limit=300', 6],
    ['/api/v1/pods?resourceVersion=5&resourceVersionMatch=Exact&limit=300&labelSelector=a', 100],
    ['/api/v1/pods?resourceVersion=5&limit=1000', 20],
    ['/api/v1/pods?resourceVersion=0&limit=1000', 10],
    ['/api/v1/pods?fieldSelector=metadata.name%3Dp', 1],
    ['/api/v1/pods?limit=many', 100],
    ['/api/v1/pods?watch=1', 10],
    ['/api/v1/pods?watch=1&resourceVersion=7', 1],
    ['/api/v1/pods?watch=1&resourceVersion=7&sendInitialEvents=true', 10],
    ['/api/v1/unicorns', 1],
    ['/version', 1],
  ])('%s: %i', (url, seats) => {
    expect(estimator.estimate(info(url), 0)).toEqual({ seats, finalSeats: 0, lingerMs: 0 });
  });
  it('no more than the level allows to one request', () => {
    expect(estimator.estimate(info('/api/v1/pods'), 4).seats).toBe(4);
  });
});

describe('seats of writes', () => {
  const tracker = new WatchTracker();
  const estimator = new WorkEstimator(() => undefined, tracker);
  const ends = [
    ...Array.from({ length: 25 }, () => tracker.register(info('/api/v1/pods?watch=1'))),
    ...Array.from({ length: 200 }, () => tracker.register(info('/api/v1/namespaces/a/configmaps?watch=1'))),
    ...Array.from({ length: 99 }, () => tracker.register(info('/api/v1/pods?watch=1&fieldSelector=spec.nodeName%3Dn'))),
    tracker.register(info('/api/v1/namespaces/a/configmaps?watch=1&fieldSelector=metadata.name%3Dx')),
  ];
  it.each([
    ['POST', '/api/v1/namespaces/a/pods', { seats: 1, finalSeats: 3, lingerMs: 5 }],
    ['POST', '/api/v1/namespaces/a/configmaps', { seats: 1, finalSeats: 10, lingerMs: 10 }],
    ['PUT', '/api/v1/namespaces/a/configmaps/x', { seats: 1, finalSeats: 10, lingerMs: 10.5 }],
    ['PUT', '/api/v1/namespaces/b/configmaps/x', { seats: 1, finalSeats: 0, lingerMs: 0 }],
    ['GET', '/api/v1/namespaces/a/configmaps/x', { seats: 1, finalSeats: 0, lingerMs: 0 }],
  ])('%s %s %j', (method, url, expected) => {
    expect(estimator.estimate(info(url, method), 0)).toEqual(expected);
  });
  it('watches that have ended do not count', () => {
    for (const end of ends) end();
    expect(estimator.estimate(info('/api/v1/namespaces/a/pods', 'POST'), 0).finalSeats).toBe(0);
  });
});

it('Retry-After is doubled while many are refused, and falls again', () => {
  const dropped = new DroppedRequests();
  const refuse = (second: number, count: number): number => {
    for (let i = 0; i < count; i++) dropped.record(second * 1000 + i);
    return dropped.retryAfter;
  };
  expect(refuse(100, 50)).toBe(1);
  expect(refuse(101, 50)).toBe(2);
  expect(refuse(102, 50)).toBe(2);
  expect(refuse(103, 50)).toBe(4);
  for (let second = 104; second < 400; second++) refuse(second, 200);
  expect(dropped.retryAfter).toBe(32);
  for (let second = 1000; second < 1040; second++) refuse(second, 1);
  expect(dropped.retryAfter).toBeLessThan(32);
});
