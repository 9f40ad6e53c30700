import { expect, test } from 'vitest';
import { acceptsGzip, namesGzip } from './compression.ts';

test.each([
  ['gzip', true, true],
  ['deflate, gzip', true, true],
  ['GZIP', true, false],
  ['gzip;q=0.5', true, false],
  ['gzip;q=0', false, false],
  ['x-gzip', false, false],
  ['*', false, false],
  ['', false, false],
])('%s: documents %s, resources %s', (header, documents, resources) => {
  const headers = { 'accept-encoding': header };
  expect([acceptsGzip(headers), namesGzip(headers)]).toEqual([documents, resources]);
});
