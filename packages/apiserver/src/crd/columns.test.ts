import { expect, it } from 'vitest';
import { cellsAt } from '../registry/columns.ts';
import { customTable } from './columns.ts';

const now = new Date('2026-01-02T00:00:00Z');
const object = {
  metadata: { name: 'a', creationTimestamp: '2026-01-01T00:00:00Z' },
  spec: {
    s: 'text',
    n: 3,
    f: 1.5,
    b: false,
    d: '2025-12-31T00:00:00Z',
    l: [{ x: 1 }],
    o: { k: 'v' },
    none: null,
    large: 1e20,
  },
};

it.each<[type: string, path: string, cell: unknown]>([
  ['string', '.spec.s', 'text'],
  ['string', '.spec.n', '3'],
  ['string', '.spec.o', '{"k":"v"}'],
  ['string', '.spec.l', '[{"x":1}]'],
  ['string', '.spec.missing', null],
  ['string', '.spec.none', '<no value>'],
  ['string', '.spec.large', '1e+20'],
  ['integer', '.spec.none', null],
  ['integer', '.spec.n', 3],
  ['integer', '.spec.f', 1],
  ['integer', '.spec.s', null],
  ['number', '.spec.f', 1.5],
  ['boolean', '.spec.b', false],
  ['boolean', '.spec.s', null],
  ['date', '.spec.d', '2d'],
  ['date', '.spec.s', '<invalid>'],
  ['integer', '.spec.l[4].x', null],
])('%s of %s', (type, jsonPath, cell) => {
  const { columns, row } = customTable([{ name: 'C', type, jsonPath }]);
  expect(columns.map(({ name }) => name)).toEqual(['Name', 'C']);
  expect(columns[1]!.description).toBe(`Custom resource definition column (in JSONPath format): ${jsonPath}`);
  expect(cellsAt(row(object).cells, now)).toEqual(['a', cell]);
});

it.each([[undefined], [[]], [[{ name: 'C', type: 'string', jsonPath: '.spec[' }]]])('%j: name and age', (columns) => {
  const table = customTable(columns);
  expect(table.columns.map(({ name, type }) => [name, type])).toEqual([
    ['Name', 'string'],
    ['Age', 'date'],
  ]);
  expect(cellsAt(table.row(object).cells, now)).toEqual(['a', '24h']);
});
