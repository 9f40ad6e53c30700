import { expect, test } from 'vitest';
import { allKinds, structType, typeOfKind } from './schema.ts';

test('every kind resolves, and every field of every type reachable from it', () => {
  const seen = new Set<unknown>();
  const visit = (
    type: ReturnType<typeof structType> | ReturnType<typeof structType>['fields'][number]['type'],
  ): void => {
    if (seen.has(type)) return;
    seen.add(type);
    if (type.kind === 'struct') for (const f of type.fields) visit(f.type);
    if (type.kind === 'list') visit(type.element);
    if (type.kind === 'map') visit(type.value);
    if (type.kind === 'schemaOr') visit(type.schema);
  };
  for (const kind of allKinds()) {
    const [group, version, name] = kind.split('/') as [string, string, string];
    visit(typeOfKind(group, version, name)!);
  }
  expect(seen.size).toBeGreaterThan(1000);
});

test('inline structs are flattened for JSON and kept for protobuf', () => {
  const volume = structType('io.k8s.api.core.v1.Volume');
  expect(volume.byJson.get('hostPath')?.go).toBe('HostPath');
  expect(volume.byProto.get(2)).toMatchObject({ inline: true, go: 'VolumeSource' });
});

test('merge keys, list types and defaults are there', () => {
  const container = typeOfKind('', 'v1', 'Pod')!.byJson.get('spec')!.type;
  if (container.kind !== 'struct') throw new Error('spec is a struct');
  expect(container.byJson.get('containers')).toMatchObject({
    patchMergeKey: 'name',
    listType: 'map',
    listMapKeys: ['name'],
  });
  const port = structType('io.k8s.api.core.v1.ContainerPort').byJson.get('protocol');
  expect(port?.default).toBe('TCP');
});
