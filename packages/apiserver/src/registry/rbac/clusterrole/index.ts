import type { ClusterRole } from '@keelson/api/generated/types/rbac/v1';
import type { KindRegistration } from '../../strategy.ts';
import { strategy } from './strategy.ts';

export const registration: KindRegistration<ClusterRole> = { strategy };
