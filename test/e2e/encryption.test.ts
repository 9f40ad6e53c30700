/** Encryption at rest as an operator has it: keys are changed, values written anew, and a key that is gone is told of. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startTestPlugin } from '@keelson/apiserver/encryption/kms/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startApiServer, storages } from '../support/api-server.ts';
import { untilReady } from '../support/process.ts';
import { servedApi } from '../support/served.ts';

const key = (name: string) => ({ name, secret: Buffer.alloc(32, name).toString('base64') });
const aescbc = (...names: string[]) => ({ aescbc: { keys: names.map(key) } });
const SECRETS = '/api/v1/namespaces/default/secrets';

interface Status {
  readonly message: string;
  readonly metadata: { readonly resourceVersion: string };
}

describe.each(storages)('on $storage', ({ storage, skip }) => {
  describe.skipIf(skip !== undefined)(skip ? `(skipped: ${skip})` : '', () => {
    let directory: string;
    let file: string;

    const configure = (...providers: object[]) =>
      writeFile(
        file,
        JSON.stringify({
          kind: 'EncryptionConfiguration',
          apiVersion: 'apiserver.config.k8s.io/v1',
          resources: [{ resources: ['secrets'], providers }],
        }),
      );
    const restart = async (providers: object[], check?: string) => {
      await configure(...providers);
      await api.server.program.stop();
      await api.server.restart(check);
    };
    const get = async (name: string) => {
      const { status, body } = await api.send('GET', `${SECRETS}/${name}`);
      return { code: status, ...(JSON.parse(body) as Status) };
    };
    /** Puts it as it is. @returns its resourceVersion */
    const putAgain = async (name: string) => {
      const { bytes } = await api.send('GET', `${SECRETS}/${name}`);
      const { status, body } = await api.send('PUT', `${SECRETS}/${name}`, bytes);
      expect(status, body).toBe(200);
      return (JSON.parse(body) as Status).metadata.resourceVersion;
    };

    afterAll(() => rm(directory, { recursive: true }));
    const api = servedApi(async () => {
      directory = await mkdtemp(join(tmpdir(), 'ke-'));
      file = join(directory, 'encryption.yaml');
      await configure(aescbc('old'));
      return startApiServer(storage, [
        `--encryption-provider-config=${file}`,
        '--encryption-provider-config-automatic-reload',
      ]);
    });
    beforeAll(async () => {
      for (const name of ['rotated', 'forgotten']) {
        const { status } = await api.send('POST', SECRETS, { metadata: { name }, stringData: { a: 'b' } });
        expect(status).toBe(201);
      }
    }, 60_000);

    it('a new first key is written with when an object is put as it is, once', async () => {
      const before = (await get('rotated')).metadata.resourceVersion;
      expect(await putAgain('rotated')).toBe(before);
      await restart([aescbc('new', 'old')]);
      expect((await get('rotated')).metadata.resourceVersion).toBe(before);
      const after = await putAgain('rotated');
      expect(after).not.toBe(before);
      expect(await putAgain('rotated')).toBe(after);
    });

    it('without the old key the others can be had, one by one', async () => {
      await restart([aescbc('new')], '/readyz?exclude=informer-sync');
      const refusal = 'Internal error occurred: no matching key was found for the provided AES transformer';
      expect(await get('forgotten')).toMatchObject({ code: 500, message: refusal });
      expect((await get('rotated')).code).toBe(200);
      expect((await api.send('DELETE', `${SECRETS}/forgotten`)).body).toContain(refusal);
      expect(
        (await api.send('DELETE', `${SECRETS}/forgotten?ignoreStoreReadErrorWithClusterBreakingPotential=true`)).status,
      ).toBe(500);
      const reason =
        'unable to transform key "/registry/secrets/default/forgotten": no matching key was found for the provided AES transformer';
      const list = async (query: string) => {
        const { status, body } = await api.send('GET', SECRETS + query);
        return [status, (JSON.parse(body) as Status).message];
      };
      expect(await list('')).toEqual([429, `storage is (re)initializing: failed to list *core.Secret: ${reason}`]);
      expect(await list('?limit=500')).toEqual([500, `Internal error occurred: ${reason}`]);
      expect((await api.send('GET', '/api/v1/namespaces/kube-system/secrets?limit=500')).status).toBe(200);
      expect((await api.send('GET', `${SECRETS}?watch=1`)).status).toBe(429);
      expect((await api.send('POST', SECRETS, { metadata: { name: 'forgotten' } })).status).toBe(409);
      expect((await api.send('GET', '/readyz/informer-sync')).body).toContain('not started yet: [*v1.Secret]');
      expect((await api.send('GET', '/livez')).status).toBe(200);
    });

    it('a key that comes back makes all readable, without a restart', async () => {
      await configure(aescbc('new', 'old'));
      await untilReady(api.server.program, async () => (await get('forgotten')).code === 200);
      await untilReady(api.server.program, async () => (await api.send('GET', SECRETS)).status === 200);
      expect((await api.send('GET', '/readyz')).status).toBe(200);
      const { body } = await api.send('GET', '/metrics');
      expect(body).toMatch(/encryption_config_controller_automatic_reloads_total\{.*status="success"\} 1/);
    });

    it('a file that makes no sense changes nothing', async () => {
      await configure({ aescbc: { keys: [] } });
      await untilReady(api.server.program, async () =>
        (await api.send('GET', '/metrics')).body.includes('status="failure"'),
      );
      expect((await get('rotated')).code).toBe(200);
    });

    it('a plugin takes over, and its health is that of the server', async () => {
      const plugin = await startTestPlugin(join(directory, 'kms.sock'));
      await configure({ kms: { apiVersion: 'v2', name: 'p', endpoint: plugin.endpoint } }, aescbc('new', 'old'));
      await untilReady(api.server.program, async () => {
        const before = (await get('rotated')).metadata.resourceVersion;
        return (await putAgain('rotated')) !== before;
      });
      expect((await api.send('GET', '/readyz?verbose')).body).toContain('[+]kms-providers ok');
      expect((await api.send('GET', '/livez?verbose')).body).not.toContain('kms');
      await api.server.program.stop();
      await api.server.restart();
      expect((await get('rotated')).code).toBe(200);
      expect(plugin.calls.Decrypt).toBeGreaterThan(0);
      plugin.stop();
    });
  });
});
