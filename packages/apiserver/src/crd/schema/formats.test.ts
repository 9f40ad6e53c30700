import { describe, expect, test } from 'vitest';
import { isOfFormat, supportedFormat } from './formats.ts';

const CASES: Record<string, { good: string[]; bad: string[] }> = {
  bsonobjectid: { good: ['507f1f77bcf86cd799439011'], bad: ['507f1f77bcf86cd79943901', 'x07f1f77bcf86cd799439011'] },
  uri: { good: ['http://a/b?c#d', '/path', 'mailto:a@b'], bad: ['', 'a/b', 'http://a b', ':x'] },
  email: {
    good: ['a@b', 'A B <a@b.c>', '"q q"@b', 'a@[127.0.0.1]', 'a@b (who)', 'g: a@b;', '"A, B" <a@b>'],
    bad: [
      '',
      'a',
      'a@',
      '@b',
      'a@b c@d',
      'a..b@c',
      '.a@b',
      'a@b.',
      '<a@b',
      '""@b',
      'a@[nope]',
      'a@b, c@d',
      'g:;',
      'A <>',
    ],
  },
  hostname: {
    good: ['a', 'a.bc', '1.example.com', 'bücher.example', 'a-b.com'],
    bad: ['', 'a_b', '-a.com', 'a-.com', 'a.b.', 'a.1', `${'a'.repeat(64)}.com`],
  },
  ipv4: { good: ['1.2.3.4', '01.2.3.4', '::ffff:1.2.3.4'], bad: ['1.2.3', '1.2.3.256', '::1'] },
  ipv6: { good: ['::1', 'fe80::1', '::ffff:1.2.3.4'], bad: ['1.2.3.4', '::g', 'fe80::1%eth0', '::ffff:01.2.3.4'] },
  cidr: { good: ['10.0.0.0/8', '::/0', '10.0.0.1/8'], bad: ['10.0.0.0', '10.0.0.0/33'] },
  mac: {
    good: ['00:00:5e:00:53:01', '00-00-5e-00-53-01', '0000.5e00.5301', '00005E005301', '02:00:5e:10:00:00:00:01'],
    bad: ['00:00:5e:00:53', '00:00-5e:00:53:01', '0000.5e00.530', ''],
  },
  uuid: {
    good: ['0e8b1c1c-0000-4000-8000-000000000000', '0E8B1C1C000040008000000000000000'],
    bad: ['0e8b1c1c', 'g'.repeat(32)],
  },
  uuid3: { good: ['0e8b1c1c-0000-3000-8000-000000000000'], bad: ['0e8b1c1c-0000-4000-8000-000000000000'] },
  uuid4: { good: ['0e8b1c1c-0000-4000-8000-000000000000'], bad: ['0e8b1c1c-0000-4000-c000-000000000000'] },
  uuid5: { good: ['0e8b1c1c-0000-5000-b000-000000000000'], bad: ['0e8b1c1c-0000-4000-8000-000000000000'] },
  isbn: { good: ['0321751043', '978-0321751041'], bad: ['0321751044', ''] },
  isbn10: { good: ['0-321-75104-3', '080442957X'], bad: ['978-0321751041'] },
  isbn13: { good: ['978-0321751041'], bad: ['978-0321751042', '0321751043'] },
  creditcard: { good: ['4111-1111-1111-1111', '378282246310005'], bad: ['4111-1111-1111-1112', '1234'] },
  ssn: { good: ['111-22-3333', '111 22 3333'], bad: ['111223333', '11-222-3333'] },
  hexcolor: { good: ['#fff', 'FFFFFF'], bad: ['#ffff', 'ggg'] },
  rgbcolor: { good: ['rgb(0,10, 255)'], bad: ['rgb(0,10,256)', 'rgb(0,10)'] },
  byte: { good: ['YQ==', 'YWJj'], bad: ['', 'YQ', 'Y_==', 'YQ=='.repeat(2)] },
  password: { good: ['', 'anything'], bad: [] },
  date: { good: ['2024-02-29', '0000-01-01'], bad: ['2023-02-29', '2024-13-01', '2024-1-1', '2024-01-01T00:00:00Z'] },
  duration: {
    good: ['1h30m', '0', '-1.5s', '3 weeks', '5 d', '1 Hr', 'x 2 days y'],
    bad: ['', 'x', '5 parsecs', '1', '0'.repeat(200_000)],
  },
  'date-time': {
    good: ['2024-01-01T00:00:00Z', '2024-01-01t23:59:59.5+99:99'],
    bad: ['2024-01-01', '2024-01-01T24:00:00Z', '2024-01-01T00:00:00', '2024-01-32T00:00:00Z'],
  },
  'k8s-short-name': { good: ['a-b', '1'], bad: ['A', 'a.b', 'a'.repeat(64), ''] },
  'k8s-long-name': { good: ['a.b', 'a'.repeat(64)], bad: ['A.b', '.a', 'a'.repeat(254)] },
};

describe.each(Object.entries(CASES))('%s', (format, { good, bad }) => {
  test.each(good)('knows %s', (text) => expect(isOfFormat(format, text)).toBe(true));
  test.each(bad)('refuses %s', (text) => expect(isOfFormat(format, text)).toBe(false));
});

test.each([
  [['string'], 'date', 'date'],
  [['string'], 'int32', ''],
  [['integer'], 'int32', 'int32'],
  [['integer'], 'uint32', ''],
  [['number'], 'double', 'double'],
  [['object'], 'date', ''],
  [['integer', 'string'], 'date', 'date'],
  [[], 'made-up', ''],
])('%j with format %s is held to %s', (types, format, held) => expect(supportedFormat(types, format)).toBe(held));
