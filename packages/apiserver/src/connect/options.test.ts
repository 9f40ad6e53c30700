import { describe, expect, it, test } from 'vitest';
import {
  attachOptions,
  checkLogOptions,
  execOptions,
  logOptions,
  logParams,
  portForwardOptions,
  portForwardParams,
  streamParams,
} from './options.ts';

const query = (text: string) => new URLSearchParams(text);

test.each([
  ['', ''],
  ['follow', 'follow=true'],
  ['follow=false&previous=0&timestamps=FALSE', ''],
  ['tailLines=3&limitBytes=9&sinceSeconds=1', 'limitBytes=9&sinceSeconds=1&tailLines=3'],
  ['sinceTime=2020-01-01T00:00:00.5%2B01:00', 'sinceTime=2019-12-31T23%3A00%3A00Z'],
  ['sinceTime=', 'sinceTime=0001-01-01T00%3A00%3A00Z'],
])('a log with %s is asked of the kubelet as %s', (asked, params) => {
  expect(logParams(logOptions(query(asked)))).toBe(params);
});

test.each([
  ['tailLines=x', 'strconv.ParseInt: parsing "x": invalid syntax'],
  ['limitBytes=', 'strconv.ParseInt: parsing "": invalid syntax'],
  ['sinceSeconds=9223372036854775808', 'strconv.ParseInt: parsing "9223372036854775808": value out of range'],
  ['sinceTime=x', 'parsing time "x" as "2006-01-02T15:04:05Z07:00": cannot parse "x" as "2006"'],
])('?%s can not be read', (asked, message) => {
  expect(() => logOptions(query(asked))).toThrow(message);
});

test.each([
  ['tailLines=-1', 'tailLines: Invalid value: -1: must be greater than or equal to 0'],
  ['limitBytes=0', 'limitBytes: Invalid value: 0: must be greater than 0'],
  ['sinceSeconds=0', 'sinceSeconds: Invalid value: 0: must be greater than 0'],
  ['sinceSeconds=1&sinceTime=', '[]: Forbidden: at most one of `sinceTime` or `sinceSeconds` may be specified'],
  ['stream=All', 'stream: Forbidden: may not be specified'],
])('?%s is invalid', (asked, message) => {
  expect(() => checkLogOptions('p', logOptions(query(asked)))).toThrow(`PodLogOptions "p" is invalid: ${message}`);
});

it.each([
  ['stream=All&tailLines=3', []],
  ['stream=Stderr', []],
  ['stream=Stdin', ['stream: Unsupported value: "Stdin": supported values: "Stdout", "Stderr", "All"']],
  ['stream=Stdout&tailLines=3', ['[]: Forbidden: `tailLines` and specific `stream` are mutually exclusive for now']],
])('%s, where outputs may be asked for', (text, messages) => {
  const check = () => checkLogOptions('p', logOptions(new URLSearchParams(text)), true);
  if (messages.length === 0) expect(check).not.toThrow();
  else expect(check).toThrow(messages[0]!);
});

describe('streams', () => {
  it('have other names at the kubelet', () => {
    const exec = execOptions(query('command=sh&command=-c&command=a b&stdin=true&stdout=&stderr=0&tty=1&container=c'));
    expect(exec).toMatchObject({ container: 'c', command: ['sh', '-c', 'a b'], stdin: true, stdout: true, tty: true });
    expect(streamParams(exec)).toBe('command=sh&command=-c&command=a+b&input=1&output=1&tty=1');
    expect(streamParams(attachOptions(query('stderr=1')))).toBe('error=1');
  });
});

describe('ports', () => {
  it('come one by one or in a list', () => {
    expect(portForwardParams(portForwardOptions(query('ports=80,90&ports=100')))).toBe('port=80%2C90%2C100');
    expect(portForwardParams(portForwardOptions(query('')))).toBe('');
  });
  it.each([
    ['x', 'cannot convert to []int32: strconv.ParseUint: parsing "x": invalid syntax'],
    ['65536', 'cannot convert to []int32: strconv.ParseUint: parsing "65536": value out of range'],
  ])('are no %s', (ports, message) => {
    expect(() => portForwardOptions(query(`ports=${ports}`))).toThrow(message);
  });
});
