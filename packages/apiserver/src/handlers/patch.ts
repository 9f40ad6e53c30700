/** PATCH in its four kinds (apiserver/pkg/endpoints/handlers/patch.go). */
import { conflict } from '@keelson/api/errors';
import { headerOf } from '../http/answer.ts';
import { bareType } from '../http/mediatype.ts';
import { checkNamespace } from '../registry/prepare.ts';
import { mutateWrite, validateWrite } from './admit.ts';
import { readBody } from './body.ts';
import { managerOf } from './manager.ts';
import { patchOptions } from './options.ts';
import { mechanismOf } from './patchers.ts';
import { sendObject } from './respond.ts';
import { type Scope, viewOf, writeRequest } from './scope.ts';
import { leavingManagersOut, withoutManagers } from './size.ts';
import { checkName } from './update.ts';

/** PATCH, apply among them, which may create. @throws StatusError 404, 409, 413, 415, 422, and what admission says */
export async function patchObject(scope: Scope): Promise<void> {
  const { ctx, served, store, lens } = scope;
  const { name } = ctx.info;
  const patchType = bareType(headerOf(ctx.exchange.headers, 'content-type'));
  const isApply = patchType === 'application/apply-patch+yaml';
  const body = await readBody(ctx.exchange);
  ctx.audit?.requestBody(body);
  const options = patchOptions(ctx.info.query, isApply);
  const mechanism = mechanismOf(scope, patchType, body, options, managerOf(scope, options.fieldManager));

  const write = (isLeft: boolean) =>
    store.update({
      ...writeRequest(scope, options.dryRun),
      name,
      size: body.length,
      forceAllowCreate: isApply && ctx.info.subresource === '',
      ...viewOf(scope),
      transform: async (live, size) => {
        const object = await mechanism(live && lens.readForWrite(live), size);
        if (!live && object.metadata.uid) {
          throw conflict(
            served.definition,
            name,
            `uid mismatch: the provided object specified uid ${object.metadata.uid}, and no existing object was found`,
          );
        }
        checkNamespace(served.definition, ctx.info.namespace, object);
        checkName(object, name);
        const admitted = await mutateWrite(scope, name, live, object, options.dryRun);
        return isLeft ? withoutManagers(admitted) : admitted;
      },
      admitCreate: async (final) => {
        await scope.authorizeCreate();
        await validateWrite(scope, name, undefined, final, options.dryRun);
      },
      admitUpdate: (final, old) => validateWrite(scope, name, old, final, options.dryRun),
    });
  // Who applies wants to own what he applies.
  const { object, created } = await (isApply ? write(false) : leavingManagersOut(write));
  await sendObject(scope, created ? 201 : 200, object);
}
