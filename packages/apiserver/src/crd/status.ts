/**
 * What becomes of a definition: its names are accepted where no other of the group has them, then it is established
 * (apiextensions-apiserver/pkg/controller/{status,establish,apiapproval}).
 */
import { semanticEqual } from '@keelson/api/codec/equality';
import { withCondition } from '@keelson/api/conditions';
import type {
  CustomResourceDefinition,
  CustomResourceDefinitionCondition,
  CustomResourceDefinitionNames,
  CustomResourceDefinitionStatus,
} from '@keelson/api/generated/types/apiextensions/v1';
import { aggregate } from '../aggregate.ts';
import { approvalCondition } from '../registry/apiextensions/customresourcedefinition/approval.ts';
import { caBundleProblem } from '../registry/validation/cabundle.ts';

type CRD = CustomResourceDefinition;
type Condition = CustomResourceDefinitionCondition;

/**
 * The next step of a definition's status; undefined when it is as it should be.
 * @param others all definitions, itself among them or not
 */
export function nextStatus(crd: CRD, others: Iterable<CRD>, now: Date): CustomResourceDefinitionStatus | undefined {
  const { spec, status } = crd;
  const approval = approvalCondition(crd);
  const known = approval && conditionOf(crd, approval.type);
  if (
    approval &&
    !(known?.status === approval.status && known.reason === approval.reason && known.message === approval.message)
  )
    return saying(status, approval, now);
  if (!semanticEqual(spec.names, status.acceptedNames)) {
    const named = withNames(crd, others, now);
    if (named) return named;
  }
  if (!isTrue(crd, 'NamesAccepted') || isTrue(crd, 'Established')) return undefined;
  const establishing = establishment(spec.conversion?.webhook?.clientConfig?.caBundle);
  if (conditionOf(crd, 'Established')?.reason === establishing.reason) return undefined;
  return saying(status, { type: 'Established', ...establishing }, now);
}

/** What is converted by a webhook that nobody can trust is not served. */
function establishment(caBundle: string | undefined): Pick<Condition, 'status' | 'reason' | 'message'> {
  return caBundle && caBundleProblem(caBundle) !== undefined
    ? { status: 'False', reason: 'InvalidCABundle', message: 'The conversion webhook CABundle is invalid' }
    : { status: 'True', reason: 'InitialNamesAccepted', message: 'the initial names have been accepted' };
}

export function isTrue(crd: CRD, type: string): boolean {
  return conditionOf(crd, type)?.status === 'True';
}

function conditionOf({ status }: CRD, type: string): Condition | undefined {
  return status.conditions?.find((condition) => condition.type === type);
}

/** The status with a condition in it. */
export function saying(
  status: CustomResourceDefinitionStatus,
  condition: Omit<Condition, 'lastTransitionTime'>,
  now: Date,
): CustomResourceDefinitionStatus {
  return { ...status, conditions: withCondition(status.conditions ?? [], condition, now) };
}

/** Undefined where that changes nothing. */
function withNames(crd: CRD, others: Iterable<CRD>, now: Date): CustomResourceDefinitionStatus | undefined {
  const { names, conflict } = acceptNames(crd, others);
  const naming = conflict
    ? { type: 'NamesAccepted', status: 'False', ...conflict }
    : { type: 'NamesAccepted', status: 'True', reason: 'NoConflicts', message: 'no conflicts found' };
  const known = conditionOf(crd, 'NamesAccepted');
  const isSame = known?.status === naming.status && known.reason === naming.reason && known.message === naming.message;
  if (isSame && semanticEqual(names, crd.status.acceptedNames)) return undefined;
  const named = saying({ ...crd.status, acceptedNames: names }, naming, now);
  if (isTrue(crd, 'Established')) return named;
  if (conflict && conditionOf(crd, 'Established')) return named;
  const established = conflict
    ? { reason: 'NotAccepted', message: 'not all names are accepted' }
    : { reason: 'Installing', message: 'the initial names have been accepted' };
  return saying(named, { type: 'Established', status: 'False', ...established }, now);
}

interface Conflict {
  readonly reason: string;
  readonly message: string;
}

/** As many of the names as are free; of several conflicts the last is told. */
function acceptNames(
  { spec, status }: CRD,
  others: Iterable<CRD>,
): { names: CustomResourceDefinitionNames; conflict: Conflict | undefined } {
  const { resources, kinds } = namesInUse(spec.group, others);
  const wanted = spec.names;
  const accepted = status.acceptedNames;
  const names = { ...accepted };
  let conflict: Conflict | undefined;
  const take = <F extends 'plural' | 'singular' | 'kind' | 'listKind'>(name: F, inUse: Set<string>, reason: string) => {
    if ((wanted[name] ?? '') !== (accepted[name] ?? '') && inUse.has(wanted[name] ?? ''))
      conflict = { reason, message: `"${wanted[name]}" is already in use` };
    else names[name] = wanted[name];
  };
  take('plural', resources, 'PluralConflict');
  take('singular', resources, 'SingularConflict');
  const own = new Set(accepted.shortNames);
  const taken = (wanted.shortNames ?? []).filter((name) => !own.has(name) && resources.has(name));
  const problem = aggregate(taken.map((name) => new Error(`"${name}" is already in use`)));
  if (problem) conflict = { reason: 'ShortNamesConflict', message: problem.message };
  else setOrDelete(names, 'shortNames', wanted.shortNames);
  take('kind', kinds, 'KindConflict');
  take('listKind', kinds, 'ListKindConflict');
  setOrDelete(names, 'categories', wanted.categories);
  return { names, conflict };
}

function setOrDelete<F extends 'shortNames' | 'categories'>(
  names: CustomResourceDefinitionNames,
  field: F,
  value: CustomResourceDefinitionNames[F],
): void {
  if (value === undefined) delete names[field];
  else names[field] = value;
}

function namesInUse(group: string, others: Iterable<CRD>): { resources: Set<string>; kinds: Set<string> } {
  const resources = new Set<string>();
  const kinds = new Set<string>();
  for (const { spec, status } of others) {
    if (spec.group !== group) continue;
    const { plural, singular = '', shortNames = [], kind, listKind = '' } = status.acceptedNames;
    for (const name of [plural, singular, ...shortNames]) resources.add(name);
    for (const name of [kind, listKind]) kinds.add(name);
  }
  return { resources, kinds };
}
