import type { CustomResourceDefinition } from '@keelson/api/generated/types/apiextensions/v1';
import { describe, expect, it } from 'vitest';
import { nextStatus } from './status.ts';

type CRD = CustomResourceDefinition;
const now = new Date('2026-01-02T03:04:05Z');

function crd(plural: string, names: Partial<CRD['spec']['names']> = {}, more: Partial<CRD> = {}): CRD {
  const kind = plural[0]!.toUpperCase() + plural.slice(1, -1);
  return {
    metadata: { name: `${plural}.example.com` },
    spec: {
      group: 'example.com',
      scope: 'Namespaced',
      names: { plural, singular: plural.slice(0, -1), kind, listKind: `${kind}List`, ...names },
      versions: [{ name: 'v1', served: true, storage: true }],
    },
    status: { conditions: null, acceptedNames: { plural: '', kind: '' }, storedVersions: ['v1'] },
    ...more,
  };
}

/** Everything that becomes of it, one step after the other. */
function settle(definition: CRD, others: readonly CRD[] = []): CRD {
  let current = definition;
  for (let i = 0; i < 10; i++) {
    const status = nextStatus(current, [...others, current], now);
    if (!status) return current;
    current = { ...current, status };
  }
  throw new Error('it never settles');
}

const conditions = ({ status }: CRD) =>
  (status.conditions ?? []).map(({ type, status, reason, message }) => [type, status, reason, message]);

describe('a definition', () => {
  it('whose names are free is established', () => {
    const settled = settle(crd('widgets'));
    expect(settled.status.acceptedNames).toEqual(settled.spec.names);
    expect(conditions(settled)).toEqual([
      ['NamesAccepted', 'True', 'NoConflicts', 'no conflicts found'],
      ['Established', 'True', 'InitialNamesAccepted', 'the initial names have been accepted'],
    ]);
  });

  it('that is converted by a webhook nobody can trust is not established', () => {
    const given = crd('widgets');
    const webhook = { clientConfig: { url: 'https://localhost', caBundle: 'Cg==' }, conversionReviewVersions: ['v1'] };
    const settled = settle({ ...given, spec: { ...given.spec, conversion: { strategy: 'Webhook', webhook } } });
    expect(conditions(settled)[1]).toEqual([
      'Established',
      'False',
      'InvalidCABundle',
      'The conversion webhook CABundle is invalid',
    ]);
    const mended = settle({ ...settled, spec: given.spec });
    expect(conditions(mended)[1]).toEqual([
      'Established',
      'True',
      'InitialNamesAccepted',
      'the initial names have been accepted',
    ]);
  });

  it.each<[string, Partial<CRD['spec']['names']>, string, string]>([
    ['singular', { singular: 'widget' }, 'SingularConflict', '"widget" is already in use'],
    [
      'short names',
      { shortNames: ['wd', 'x', 'widgets'] },
      'ShortNamesConflict',
      '["wd" is already in use, "widgets" is already in use]',
    ],
    ['kind', { kind: 'Widget' }, 'KindConflict', '"Widget" is already in use'],
    ['list kind', { listKind: 'WidgetList' }, 'ListKindConflict', '"WidgetList" is already in use'],
  ])('whose %s another one has is not, and keeps the names that are free', (_, names, reason, message) => {
    const settled = settle(crd('gadgets', names), [settle(crd('widgets', { shortNames: ['wd'] }))]);
    expect(conditions(settled)).toEqual([
      ['NamesAccepted', 'False', reason, message],
      ['Established', 'False', 'NotAccepted', 'not all names are accepted'],
    ]);
    expect(settled.status.acceptedNames.plural).toBe('gadgets');
  });

  it('in another group may have the same names', () => {
    const other = crd('widgets');
    const settled = settle(crd('widgets'), [settle({ ...other, spec: { ...other.spec, group: 'example.org' } })]);
    expect(conditions(settled).map(([, status]) => status)).toEqual(['True', 'True']);
  });

  it('that waited is established when the names are free', () => {
    const waiting = settle(crd('gadgets', { kind: 'Widget' }), [settle(crd('widgets'))]);
    expect(conditions(settle(waiting)).map(([, status]) => status)).toEqual(['True', 'True']);
  });

  it('stays established when it asks for a name that is taken', () => {
    const settled = settle(crd('gadgets'));
    const greedy = { ...settled, spec: { ...settled.spec, names: { ...settled.spec.names, shortNames: ['wd'] } } };
    expect(conditions(settle(greedy, [settle(crd('widgets', { shortNames: ['wd'] }))]))).toEqual([
      ['NamesAccepted', 'False', 'ShortNamesConflict', '"wd" is already in use'],
      ['Established', 'True', 'InitialNamesAccepted', 'the initial names have been accepted'],
    ]);
  });

  it.each([
    ['unapproved, experimental', 'False', 'UnapprovedAnnotation', 'not approved: "unapproved, experimental"'],
    ['https://example.com/pull/1', 'True', 'ApprovedAnnotation', 'approved in https://example.com/pull/1'],
  ])('of a community group says whether it is approved: %s', (annotation, ...expected) => {
    const definition = crd('widgets', {}, { metadata: { annotations: { 'api-approved.kubernetes.io': annotation } } });
    const settled = settle({ ...definition, spec: { ...definition.spec, group: 'x.k8s.io' } });
    expect(conditions(settled)[0]).toEqual(['KubernetesAPIApprovalPolicyConformant', ...expected]);
  });
});
