import type { RoleBinding } from '@keelson/api/generated/types/rbac/v1';
import type { KindRegistration } from '../../strategy.ts';
import { table } from './columns.ts';
import { strategy } from './strategy.ts';

export const registration: KindRegistration<RoleBinding> = { strategy, table };
