/** How a command ended, from a kubelet's error stream to the client's error channel (client-go/tools/remotecommand). */
import { internalError, type Status } from '@keelson/api/errors';

type Outcome = Partial<Status> & { readonly metadata: object };

/**
 * @param message what came over the error stream; empty for success
 * @param isStatus since v4 it is a Status, before that a text
 */
export function outcomeOf(message: string, isStatus: boolean): Outcome {
  if (message === '') return SUCCESS;
  if (!isStatus) return failure(`error executing remote command: ${message}`);
  let status: Partial<Status>;
  try {
    status = JSON.parse(message) as Partial<Status>;
  } catch (error) {
    return failure(`error stream protocol error: ${(error as Error).message} in ${JSON.stringify(message)}`);
  }
  if (status.status === 'Success') return SUCCESS;
  if (status.status !== 'Failure') return failure('error stream protocol error: unknown error');
  return status.reason === 'NonZeroExitCode' ? exited(status) : failure(status.message ?? '');
}

const SUCCESS: Outcome = { metadata: {}, status: 'Success' };

function exited({ details }: Partial<Status>): Outcome {
  if (!details) return failure('error stream protocol error: details must be set');
  const cause = details.causes?.find((c) => c.reason === 'ExitCode');
  if (!cause) return failure('error stream protocol error: no ExitCode cause given');
  const code = cause.message ?? '';
  if (!/^\d+$/.test(code) || Number(code) > 255) {
    return failure(`error stream protocol error: invalid exit code value ${JSON.stringify(code)}`);
  }
  return {
    metadata: {},
    status: 'Failure',
    message: `command terminated with non-zero exit code: command terminated with exit code ${Number(code)}`,
    reason: 'NonZeroExitCode',
    details: { causes: [{ reason: 'ExitCode', message: String(Number(code)) }] },
  };
}

function failure(message: string): Outcome {
  const { kind: _, apiVersion: __, ...status } = internalError(message).toStatus();
  return status;
}
