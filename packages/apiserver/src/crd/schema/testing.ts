import type { ErrorList } from '@keelson/api/field';
import type { JSONSchemaProps } from '@keelson/api/generated/types/apiextensions/v1';
import type { KubeObject } from '@keelson/api/object';
import { atOnce, type Pieces } from '@keelson/api/pieces';
import { type CustomSchema, customSchema } from './index.ts';
import type { RuleMetrics } from './metrics.ts';

/** A schema whose objects have this in their spec. */
export function specSchema(spec: JSONSchemaProps, metrics?: RuleMetrics): CustomSchema {
  return rootSchema({ type: 'object', properties: { spec } }, metrics);
}

export function rootSchema(schema: JSONSchemaProps, metrics?: RuleMetrics): CustomSchema {
  const kind = { group: 'example.com', version: 'v1', kind: 'Widget' };
  return customSchema(schema, { kind, namespaced: true, metrics });
}

export function widget(spec: unknown, more: object = {}): KubeObject {
  return { apiVersion: 'example.com/v1', kind: 'Widget', metadata: { name: 'a' }, spec, ...more } as KubeObject;
}

export function textsOf(looking: Pieces<ErrorList>): string[] {
  return atOnce(looking).map(String);
}
