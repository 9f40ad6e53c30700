/** From a patch to a function that makes the new object out of the live one. */

import { normalize } from '@keelson/api/codec/json';
import { notFound } from '@keelson/api/errors';
import type { KubeObject } from '@keelson/api/object';
import { applyJsonPatch, decodeJsonPatch } from '@keelson/api/patch/json';
import { applyMergePatch, decodeMergePatch } from '@keelson/api/patch/merge';
import { applyStrategicPatch, decodeStrategicPatch } from '@keelson/api/patch/strategic';
import { fieldManagerFor } from './fieldmanager.ts';
import type { PatchOptions } from './options.ts';
import { fromStorage, type Scope, toStorage } from './scope.ts';

export function mechanismOf(
  scope: Scope,
  patchType: string,
  body: Buffer,
  options: PatchOptions,
  manager: string,
): (live: KubeObject | undefined) => KubeObject {
  const strict = options.fieldValidation !== 'Ignore';
  const { served, ctx } = scope;
  const parsed: unknown = JSON.parse(body.toString('utf8'));
  return (live) => {
    if (!live) throw notFound(served.definition, ctx.info.name);
    const current = fromStorage(served, live) as Record<string, unknown>;
    const patched =
      patchType === 'application/json-patch+json'
        ? applyJsonPatch(current, decodeJsonPatch(parsed, strict))
        : patchType === 'application/merge-patch+json'
          ? applyMergePatch(current, decodeMergePatch(parsed, strict))
          : applyStrategicPatch(current, decodeStrategicPatch(parsed), served.type!);
    const object = normalize(patched, served.type!) as KubeObject;
    served.definition.registration.strategy.defaults?.(object, served.version);
    return fieldManagerFor(scope).update(live, toStorage(served, object), manager, ctx.receivedAt);
  };
}
