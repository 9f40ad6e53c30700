import { Path } from '@keelson/api/field';
import type { Volume } from '@keelson/api/generated/types/core/v1';
import { expect, it } from 'vitest';
import type { PodValidationOptions } from './options.ts';
import { validateVolumes } from './volumes.ts';

it('of several sources each is told of in its turn, with the names that are made of it', () => {
  const volume = {
    name: 'v'.repeat(60),
    emptyDir: {},
    iscsi: {
      targetPortal: '10.0.0.1:3260',
      iqn: 'iqn.2001-04.com.example:x',
      lun: 0,
      initiatorName: 'iqn.2001-04.com.example:y',
    },
    glusterfs: { endpoints: 'e', path: 'p' },
  } satisfies Volume;
  const { errors } = validateVolumes([volume], undefined, {} as PodValidationOptions, Path.of('volumes'));
  expect(errors.map(({ field }) => field)).toEqual(['volumes[0].iscsi', 'volumes[0].name', 'volumes[0].glusterfs']);
});
