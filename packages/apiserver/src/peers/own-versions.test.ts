import { ManualClock } from '@keelson/api/clock';
import type { CustomResourceDefinition } from '@keelson/api/generated/types/apiextensions/v1';
import type { APIService } from '@keelson/api/generated/types/apiregistration/v1';
import { beforeEach, expect, it, vi } from 'vitest';
import { OwnVersions } from './own-versions.ts';

const clock = new ManualClock();
const onChange = vi.fn();
let own: OwnVersions;
beforeEach(() => {
  onChange.mockReset();
  own = new OwnVersions(clock, onChange);
});

const definition = (...versions: string[]) =>
  ({
    metadata: { name: 'things.example.com' },
    spec: { group: 'example.com', versions: versions.map((name) => ({ name, served: false })) },
  }) as unknown as CustomResourceDefinition;
const service = (spec: object) =>
  ({ metadata: { name: 's' }, spec: { group: 'g', version: 'v1', ...spec } }) as APIService;

it('are those of definitions, served or not, and of API services that lead elsewhere', () => {
  own.setDefinition(definition('v1', 'v2'));
  own.setService(service({}));
  expect([...own.all()]).toEqual(['example.com/v1', 'example.com/v2']);
  own.setService(service({ service: { namespace: 'n', name: 's' } }));
  expect([...own.all()]).toEqual(['example.com/v1', 'example.com/v2', 'g/v1']);
  expect(onChange).toHaveBeenCalledTimes(2);
});

it('count for five minutes after their end', () => {
  own.setDefinition(definition('v1', 'v2'));
  own.setDefinition(definition('v2'));
  expect([...own.all()].sort()).toEqual(['example.com/v1', 'example.com/v2']);
  clock.advance(200_000);
  own.deleteDefinition('things.example.com');
  onChange.mockReset();
  clock.advance(100_000);
  expect(onChange).toHaveBeenCalledOnce();
  expect([...own.all()]).toEqual(['example.com/v2']);
  clock.advance(200_000);
  expect([...own.all()]).toEqual([]);
});

it('that change nothing tell nobody', () => {
  own.setDefinition(definition('v1'));
  own.setDefinition(definition('v1'));
  own.deleteService('unknown');
  expect(onChange).toHaveBeenCalledOnce();
});
