import { afterAll, beforeAll, describe } from 'vitest';
import { type ApiServer, startApiServer, storages } from './api-server.ts';
import { type Kubectl, kubectl } from './kubectl.ts';
import { missing, type Tool } from './tools.ts';

/** What a suite's tests work with; filled before the first of them runs. */
export interface Subject {
  readonly server: ApiServer;
  readonly kubectl: Kubectl;
  /** A new namespace. */
  namespace(): Promise<string>;
}

/**
 * A suite that runs once for each storage engine, on an API server of its own. Where a program is missing the suite is
 * skipped, and its name says why.
 * @param needs programs besides kubectl
 */
export function onEveryStorage(
  name: string,
  needs: readonly (Tool | 'python3-kubernetes')[],
  tests: (subject: Subject) => void,
): void {
  for (const { storage, skip } of storages) {
    const reason = [skip, missing('kubectl'), ...needs.map(missing)].find((text) => text !== undefined);
    describe.skipIf(reason !== undefined)(
      `${name} on ${storage}${reason === undefined ? '' : ` (skipped: ${reason})`}`,
      () => {
        let server: ApiServer | undefined;
        let client: Kubectl | undefined;
        let count = 0;
        beforeAll(async () => {
          server = await startApiServer(storage);
          client = kubectl(server.kubeconfig);
        }, 60_000);
        afterAll(() => server?.stop());
        tests({
          get server() {
            return server!;
          },
          get kubectl() {
            return client!;
          },
          async namespace() {
            count += 1;
            await client!`create namespace test-${count}`;
            return `test-${count}`;
          },
        });
      },
    );
  }
}
