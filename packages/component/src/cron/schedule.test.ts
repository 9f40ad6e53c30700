import { expect, test } from 'vitest';
import { type FieldSchedule, parseSchedule } from './schedule.ts';

function fields(text: string): FieldSchedule {
  return parseSchedule(text) as FieldSchedule;
}
const numbers = (text: string) => [...fields(`${text} * * * *`).minute.values];

test.each([
  ['5', [5]],
  ['1-3', [1, 2, 3]],
  ['50/5', [50, 55]],
  ['0-10/5', [0, 5, 10]],
  ['3,1', [3, 1]],
  ['1,,2', [1, 2]],
  [',', []],
])('minutes %s', (text, values) => expect(numbers(text)).toEqual(values));

test('months and weekdays have names', () => {
  const { month, dayOfWeek } = fields('0 0 1 Jan-mar SUN');
  expect([...month.values]).toEqual([1, 2, 3]);
  expect([...dayOfWeek.values]).toEqual([0]);
});

test('a star is a star until it has steps', () => {
  expect(fields('* * * * ?').dayOfWeek.star).toBe(true);
  expect(fields('*/1 * * * *').minute.star).toBe(true);
  expect(fields('*/2 * * * *').minute.star).toBe(false);
});

test('descriptors', () => {
  expect(fields('@weekly')).toEqual(fields('0 0 * * 0'));
  expect(parseSchedule('@every 1m30.5s')).toEqual({ everyMilliseconds: 90_000 });
  expect(parseSchedule('@every 1ms')).toEqual({ everyMilliseconds: 1000 });
});

test('a time zone', () => {
  expect(fields('TZ=Europe/Zurich 0 0 * * *').timeZone).toBe('Europe/Zurich');
  expect(fields('CRON_TZ=UTC   @daily').timeZone).toBe('UTC');
});

test.each([
  ['', 'empty spec string'],
  ['* * * *', 'expected exactly 5 fields, found 4: [* * * *]'],
  ['60 * * * *', 'end of range (60) above maximum (59): 60'],
  ['* * 0 * *', 'beginning of range (0) below minimum (1): 0'],
  ['5-1 * * * *', 'beginning of range (5) beyond end of range (1): 5-1'],
  ['*/0 * * * *', 'step of range should be a positive number: */0'],
  ['1-2-3 * * * *', 'too many hyphens: 1-2-3'],
  ['1/2/3 * * * *', 'too many slashes: 1/2/3'],
  ['x * * * *', 'failed to parse int from x: strconv.Atoi: parsing "x": invalid syntax'],
  ['*/-5 * * * *', 'negative number (-5) not allowed: -5'],
  ['-5 * * * *', 'failed to parse int from : strconv.Atoi: parsing "": invalid syntax'],
  ['@never', 'unrecognized descriptor: @never'],
  ['@every 5', 'failed to parse duration @every 5: time: missing unit in duration "5"'],
  ['TZ=Mars * * * * *', 'provided bad location Mars: unknown time zone Mars'],
  ['TZ=0', 'invalid schedule format: runtime error: slice bounds out of range [:-1]'],
])('%o: %s', (text, message) => expect(() => parseSchedule(text)).toThrow(new Error(message)));
