/** Objects whose spec may not be changed (k8s.io/apiserver/pkg/apis/flowcontrol/bootstrap). */
import type { FlowSchema, PriorityLevelConfiguration } from '@keelson/api/generated/types/flowcontrol/v1';
import { bootstrapFlowSchemas, bootstrapPriorityLevels } from '../../bootstrap/flowcontrol.ts';

const MANDATORY = ['exempt', 'catch-all'];

export function mandatoryFlowSchema(name: string): FlowSchema | undefined {
  return MANDATORY.includes(name) ? bootstrapFlowSchemas.find((s) => s.metadata.name === name) : undefined;
}

export function mandatoryPriorityLevel(name: string): PriorityLevelConfiguration | undefined {
  return MANDATORY.includes(name) ? bootstrapPriorityLevels.find((l) => l.metadata.name === name) : undefined;
}
