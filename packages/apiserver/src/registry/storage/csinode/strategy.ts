import type { CSINode } from '@keelson/api/generated/types/storage/v1';
import type { Strategy } from '../../strategy.ts';
import { validateCSINode, validateCSINodeUpdate } from './validation.ts';

export const strategy: Strategy<CSINode> = {
  returnDeletedObject: true,
  allowUnconditionalUpdate: false,
  validate: (_ctx, obj) => validateCSINode(obj),
  updateChecks: ['new metadata', 'kind'],
  validateUpdate: (_ctx, obj, old) => validateCSINodeUpdate(obj, old),
};
