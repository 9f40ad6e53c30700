import { expect, test } from 'vitest';
import { isTimeZone } from './timezone.ts';

// As kube-apiserver 1.36 answered.
test.each(['UTC', 'Europe/Zurich', 'US/Pacific', 'GMT+0', 'CST6CDT', 'ROC', 'Cuba', 'Factory', 'Local', ''])(
  '%o is a time zone',
  (name) => expect(isTimeZone(name)).toBe(true),
);

test.each(['asia/calcutta', 'utc', 'us/pacific', 'ACT', 'PST', 'SystemV/AST4', 'Etc/Unknown', '+0100', 'Mars/Olympus'])(
  '%o is none',
  (name) => expect(isTimeZone(name)).toBe(false),
);
