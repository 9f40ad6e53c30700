import type { ValidatingAdmissionPolicyBinding } from '@keelson/api/generated/types/admissionregistration/v1';
import type { KindRegistration } from '../../strategy.ts';
import { bindingTable } from '../columns.ts';
import { strategy } from './strategy.ts';

export const registration: KindRegistration<ValidatingAdmissionPolicyBinding> = { strategy, table: bindingTable };
