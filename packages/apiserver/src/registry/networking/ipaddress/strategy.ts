import { Path } from '@keelson/api/field';
import type { IPAddress } from '@keelson/api/generated/types/networking/v1';
import type { Strategy } from '../../strategy.ts';
import { validateIP } from '../../validation/ip.ts';
import { validateIPAddress, validateIPAddressUpdate } from './validation.ts';

export const strategy: Strategy<IPAddress> = {
  // The name is the address.
  validateName: (name) => validateIP(Path.root, name).map((error) => error.detail),
  generateName: (prefix) => prefix,
  validate: (_ctx, obj) => validateIPAddress(obj),
  updateChecks: ['new metadata', 'kind'],
  validateUpdate: (_ctx, obj, old) => validateIPAddressUpdate(obj, old),
};
