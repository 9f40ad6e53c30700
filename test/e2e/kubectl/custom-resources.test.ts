import { expect, test } from 'vitest';
import { onEveryStorage } from '../../support/suite.ts';

onEveryStorage('kubectl: custom resources', [], (subject) => {
  test('a custom resource definition and its objects', async () => {
    const ns = await subject.namespace();
    const crd = {
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      metadata: { name: 'boats.harbour.example' },
      spec: {
        group: 'harbour.example',
        scope: 'Namespaced',
        names: { kind: 'Boat', plural: 'boats', singular: 'boat', shortNames: ['bo'] },
        versions: [
          {
            name: 'v1',
            served: true,
            storage: true,
            additionalPrinterColumns: [{ name: 'Length', type: 'integer', jsonPath: '.spec.length' }],
            schema: {
              openAPIV3Schema: {
                type: 'object',
                description: 'A boat in the harbour.',
                properties: { spec: { type: 'object', properties: { length: { type: 'integer', minimum: 1 } } } },
              },
            },
          },
        ],
      },
    };
    const k = subject.kubectl;
    await k.with({ stdin: JSON.stringify(crd) })`apply -f -`;
    await k`wait crd/boats.harbour.example --for=condition=Established --timeout=10s`;
    const boat = (length: number) =>
      JSON.stringify({ apiVersion: 'harbour.example/v1', kind: 'Boat', metadata: { name: 'kee' }, spec: { length } });
    expect(await k.with({ stdin: boat(9) })`apply -n ${ns} -f -`).toBe('boat.harbour.example/kee created\n');
    expect(await k`get bo -n ${ns} --no-headers`).toMatch(/^kee +9\n$/);
    expect((await k.result({ stdin: boat(0) })`apply -n ${ns} -f -`).stderr).toContain(
      'should be greater than or equal to 1',
    );
    expect(await k`explain boat`).toContain('A boat in the harbour.');
    await k`delete crd boats.harbour.example`;
    expect((await k.result({})`get boats -n ${ns}`).code).toBe(1);
  });
});
