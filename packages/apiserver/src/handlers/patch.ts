/** PATCH in its four kinds (apiserver/pkg/endpoints/handlers/patch.go). */
import { conflict } from '@keelson/api/errors';
import { headerOf } from '../http/answer.ts';
import { checkNamespace } from '../registry/prepare.ts';
import { validate } from './admit.ts';
import { readBody } from './body.ts';
import { managerOf } from './manager.ts';
import { patchOptions } from './options.ts';
import { mechanismOf } from './patchers.ts';
import { sendObject } from './respond.ts';
import { type Scope, viewOf, writeRequest } from './scope.ts';
import { admitted, checkName } from './update.ts';

export async function patchObject(scope: Scope): Promise<void> {
  const { ctx, served, store, lens } = scope;
  const { name } = ctx.info;
  const patchType = headerOf(ctx.exchange.headers, 'content-type').split(';')[0]!.trim();
  const isApply = patchType === 'application/apply-patch+yaml';
  const body = await readBody(ctx.exchange);
  const options = patchOptions(ctx.info.query, isApply);
  const mechanism = mechanismOf(scope, patchType, body, options, managerOf(scope, options.fieldManager));

  const { object, created } = await store.update({
    ...writeRequest(scope, options.dryRun),
    name,
    forceAllowCreate: isApply && ctx.info.subresource === '',
    ...viewOf(scope),
    transform: async (live) => {
      const object = mechanism(live && lens.readForWrite(live));
      if (!live && object.metadata.uid) {
        throw conflict(
          served.definition,
          name,
          `uid mismatch: the provided object specified uid ${object.metadata.uid}, and no existing object was found`,
        );
      }
      checkNamespace(served.definition, ctx.info.namespace, object);
      checkName(object, name);
      return admitted(scope, name, live, lens.write(live, object), options.dryRun);
    },
    admitCreate: async (final) => {
      await scope.authorizeCreate();
      await validate(scope, { operation: 'CREATE', name, object: final, dryRun: options.dryRun });
    },
    admitUpdate: (final, old) =>
      validate(scope, { operation: 'UPDATE', name, object: final, oldObject: old, dryRun: options.dryRun }),
  });
  await sendObject(scope, created ? 201 : 200, object);
}
