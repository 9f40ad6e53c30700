import { expect, test } from 'vitest';
import type { Rules } from './rules.ts';
import { NO_RULES } from './rules.ts';
import { serviceTable } from './service-table.ts';
import type { Table } from './table.ts';

const rules = (
  chains: Record<string, string[]>,
  elements: Record<string, string> = {},
  sets: Record<string, string> = {},
): Rules => ({
  chains: new Map(Object.entries(chains).map(([name, lines]) => [name, { hook: '', rules: lines }])),
  sets: new Map(Object.entries(sets).map(([name, body]) => [name, { kind: 'set', body }])),
  elements: Object.entries(elements).map(([key, verdict]) => ({ of: 'm', key, verdict })),
});
const own = (text: string) => text.replaceAll(' ip kube-proxy', '').trimEnd().split('\n');

function tableWith(parts: Record<string, Rules>): Table {
  const table = serviceTable('IPv4');
  table.replacement(NO_RULES, new Map(Object.entries(parts)));
  return table;
}

test('only what differs is written', () => {
  const table = tableWith({ a: rules({ x: ['one'], y: ['two'] }, { k: 'goto x', l: 'goto y' }) });
  expect(
    own(table.change(new Map([['a', rules({ x: ['one'], y: ['three'] }, { k: 'goto y', l: 'goto y' })]]), 0)),
  ).toEqual([
    'add chain y',
    'flush chain y',
    'add rule y three',
    'delete element m { k }',
    'add element m { k : goto y }',
  ]);
  expect(table.change(new Map([['a', rules({ x: ['one'], y: ['three'] }, { k: 'goto y', l: 'goto y' })]]), 0)).toBe('');
});

test('a chain that is not needed is emptied, and deleted later', () => {
  const table = tableWith({ a: rules({ x: ['one'] }, { k: 'goto x' }) });
  expect(own(table.change(new Map([['a', undefined]]), 5_000))).toEqual(['flush chain x', 'delete element m { k }']);
  expect(table.isLittered).toBe(true);
  expect(table.sweep(6_000)).toBe('');
  expect(own(table.sweep(6_001))).toEqual(['delete chain x']);
  expect(table.isLittered).toBe(false);
});

test('a chain that is needed again is not deleted', () => {
  const table = tableWith({ a: rules({ x: ['one'] }) });
  table.change(new Map([['a', undefined]]), 0);
  expect(own(table.change(new Map([['a', rules({ x: ['one'] })]]), 1))).toEqual(['add chain x', 'add rule x one']);
  expect(table.sweep(10_000)).toBe('');
});

test('an element of two owners stays until neither claims it', () => {
  const table = tableWith({ a: rules({}, { k: 'goto x' }), b: rules({}, { k: 'goto y', only: 'drop' }) });
  expect(own(table.change(new Map([['a', undefined]]), 0))).toEqual([
    'delete element m { k }',
    'add element m { k : goto y }',
  ]);
  expect(own(table.change(new Map([['b', undefined]]), 0))).toEqual(['delete element m { k, only }']);
});

test('an element moves from one owner to another', () => {
  const table = tableWith({ a: rules({}, { k: 'goto x' }) });
  const changes = new Map([
    ['a', undefined],
    ['b', rules({}, { k: 'goto x' })],
  ]);
  expect(table.change(changes, 0)).toBe('');
});

test('an affinity set whose timeout changes is made anew, after its chains are emptied', () => {
  const table = tableWith({ a: rules({ x: ['update @s'] }, {}, { s: 'timeout 1s ;' }) });
  expect(own(table.change(new Map([['a', rules({}, {}, { s: 'timeout 2s ;' })]]), 0))).toEqual([
    'flush chain x',
    'delete set s',
    'add set s { timeout 2s ; }',
  ]);
});

test('a set that goes takes its elements along', () => {
  const table = tableWith({ a: rules({ x: ['ip saddr @m'] }, { k: '', l: '' }, { m: 'type ipv4_addr ;' }) });
  expect(own(table.change(new Map([['a', rules({ x: ['drop'] })]]), 0))).toEqual([
    'add chain x',
    'flush chain x',
    'delete set m',
    'add rule x drop',
  ]);
});

test('a replacement keeps whom the affinity sets remember', () => {
  const part = rules({ x: ['update @affinity-x'] }, {}, { 'affinity-x': 'type ipv4_addr ; timeout 60s ;' });
  const remembered = [
    { set: 'affinity-x', address: '10.0.0.1', expires: 7 },
    { set: 'affinity-gone', address: '10.0.0.1', expires: 7 },
  ];
  const text = serviceTable('IPv4').replacement(NO_RULES, new Map([['a', part]]), remembered);
  expect(own(text)).toEqual([
    'add table',
    'delete table',
    'add table { comment "rules for kube-proxy" ; }',
    'add set affinity-x { type ipv4_addr ; timeout 60s ; }',
    'add chain x',
    'add rule x update @affinity-x',
    'add element affinity-x { 10.0.0.1 timeout 60s expires 7s }',
  ]);
});
