import { duplicate, type ErrorList, Path, required } from '@keelson/api/field';

/** What has conditions, each with a type of its own. */
export interface Conditioned {
  status: { conditions?: { type?: string }[] };
}

/** Compare pkg/apis/flowcontrol/validation: ValidateFlowSchemaStatus, ValidatePriorityLevelConfigurationStatus. */
export function validateConditions({ status }: Conditioned): ErrorList {
  const seen = new Set<string>();
  return (status.conditions ?? []).flatMap(({ type = '' }, i) => {
    const at = Path.of('status', 'conditions').index(i).child('type');
    const errors = seen.has(type) ? [duplicate(at, type)] : [];
    seen.add(type);
    return type === '' ? [...errors, required(at)] : errors;
  });
}
