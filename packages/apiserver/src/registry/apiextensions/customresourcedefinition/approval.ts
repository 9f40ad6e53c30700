/** Groups of the community's need its approval (k8s.io/apiextensions-apiserver/pkg/apihelpers). */
import { type ErrorList, invalid, Path, required } from '@keelson/api/field';
import type { CustomResourceDefinition } from '@keelson/api/generated/types/apiextensions/v1';
import { parseUrl } from '../../validation/url.ts';

const ANNOTATION = 'api-approved.kubernetes.io';
const SEE = 'see https://github.com/kubernetes/enhancements/pull/1111';

type State = 'Missing' | 'Bypassed' | 'Approved' | 'Invalid';

function isProtected(group: string): boolean {
  return /(?:^|\.)(?:k8s|kubernetes)\.io$/.test(group);
}

/** A state that does not change is let pass. */
export function validateApproval(crd: CustomResourceDefinition, old?: CustomResourceDefinition): ErrorList {
  if (!isProtected(crd.spec.group)) return [];
  const state = stateOf(crd);
  if (old && stateOf(old) === state) return [];
  const path = Path.of('metadata', 'annotations').key(ANNOTATION);
  const must = `protected groups must have approval annotation "${ANNOTATION}"`;
  if (state === 'Missing') return [required(path, `${must}, ${SEE}`)];
  if (state !== 'Invalid') return [];
  const detail = `${must} with either a URL or a reason starting with "unapproved", ${SEE}`;
  return [invalid(path, crd.metadata.annotations?.[ANNOTATION], detail)];
}

/** Whether someone who knows of it calls it approved. */
export function stateOf({ metadata }: CustomResourceDefinition): State {
  const annotation = metadata.annotations?.[ANNOTATION] ?? '';
  if (annotation === '') return 'Missing';
  if (annotation.startsWith('unapproved')) return 'Bypassed';
  try {
    const { host, scheme } = parseUrl(annotation);
    return host && scheme ? 'Approved' : 'Invalid';
  } catch {
    return 'Invalid';
  }
}

const REASONS: Readonly<Record<State, string>> = {
  Missing: 'MissingAnnotation',
  Bypassed: 'UnapprovedAnnotation',
  Approved: 'ApprovedAnnotation',
  Invalid: 'InvalidAnnotation',
};

/** Whether the definition follows the community's policy; undefined for groups that need not. */
export function approvalCondition(
  crd: CustomResourceDefinition,
): { type: string; status: string; reason: string; message: string } | undefined {
  if (!isProtected(crd.spec.group)) return undefined;
  const state = stateOf(crd);
  const annotation = crd.metadata.annotations?.[ANNOTATION] ?? '';
  const must = `protected groups must have approval annotation "${ANNOTATION}"`;
  const messages: Readonly<Record<State, string>> = {
    Missing: `${must}, ${SEE}`,
    Bypassed: `not approved: ${JSON.stringify(annotation)}`,
    Approved: `approved in ${annotation}`,
    Invalid: `${must} with either a URL or a reason starting with "unapproved", ${SEE}`,
  };
  return {
    type: 'KubernetesAPIApprovalPolicyConformant',
    status: state === 'Approved' ? 'True' : 'False',
    reason: REASONS[state],
    message: messages[state],
  };
}
