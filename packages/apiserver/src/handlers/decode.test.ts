import { structType } from '@keelson/api/schema';
import { describe, expect, it } from 'vitest';
import { NO_USER, type RequestContext } from '../context.ts';
import { typedForm } from '../registry/form.ts';
import { decodeBody, type Expected } from './decode.ts';
import type { FieldValidation } from './options.ts';

const AUTOSCALER: Expected = {
  group: 'autoscaling',
  version: 'v2',
  kind: 'HorizontalPodAutoscaler',
  form: typedForm(structType('io.k8s.api.autoscaling.v2.HorizontalPodAutoscaler')),
};
const DEFINITION: Expected = {
  group: 'apiextensions.k8s.io',
  version: 'v1',
  kind: 'CustomResourceDefinition',
  form: typedForm(structType('io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinition')),
};

async function refusal(
  expected: Expected,
  body: object,
  fieldValidation: FieldValidation,
): Promise<{ why: string; warnings: string[] }> {
  const ctx = { user: NO_USER, warnings: [] as string[] } as unknown as RequestContext;
  try {
    await decodeBody(ctx, Buffer.from(JSON.stringify(body)), 'application/json', expected, fieldValidation);
  } catch (error) {
    return { why: (error as Error).message, warnings: ctx.warnings };
  }
  throw new Error('nothing is wrong with it');
}

describe('another version', () => {
  const body = { apiVersion: 'autoscaling/v1', kind: 'HorizontalPodAutoscaler', bogus: 1 };
  const mismatch =
    'the API version in the data (autoscaling/v1) does not match the expected API version (autoscaling/v2)';
  const PREFIX = 'HorizontalPodAutoscaler in version "v1" cannot be handled as a HorizontalPodAutoscaler';
  it.each<[FieldValidation, object, string, string[]]>([
    ['Warn', body, mismatch, ['unknown field "bogus"']],
    ['Ignore', body, mismatch, []],
    ['Strict', body, `${PREFIX}: strict decoding error: unknown field "bogus"`, []],
    [
      'Ignore',
      { ...body, spec: { minReplicas: 'x' } },
      `${PREFIX}: json: cannot unmarshal string into Go struct field HorizontalPodAutoscalerSpec.spec.minReplicas of type int32`,
      [],
    ],
    // A field of the version that it says it is.
    ['Strict', { ...body, bogus: undefined, spec: { targetCPUUtilizationPercentage: 1 } }, mismatch, []],
  ])('%s %j', async (validation, object, why, warnings) =>
    expect(await refusal(AUTOSCALER, object, validation)).toEqual({ why, warnings }),
  );
});

it.each<[Expected, object, string]>([
  [
    AUTOSCALER,
    { apiVersion: 'apps/v1', kind: 'Deployment' },
    'Deployment in version "v1" cannot be handled as a HorizontalPodAutoscaler: converting (v1.Deployment) to (autoscaling.HorizontalPodAutoscaler): unknown conversion',
  ],
  [
    AUTOSCALER,
    { apiVersion: 'v1', kind: 'Pod', metadata: [] },
    'Pod in version "v1" cannot be handled as a HorizontalPodAutoscaler: json: cannot unmarshal array into Go struct field Pod.metadata of type v1.ObjectMeta',
  ],
  [
    DEFINITION,
    { apiVersion: 'apps/v1', kind: 'Deployment' },
    'Deployment in version "v1" cannot be handled as a CustomResourceDefinition: no kind "Deployment" is registered for version "apps/v1" in scheme "k8s.io/apiextensions-apiserver/pkg/apiserver/apiserver.go:55"',
  ],
])('another kind: %#', async (expected, body, why) =>
  expect(await refusal(expected, body, 'Warn')).toEqual({ why, warnings: [] }),
);
